//! The WIT package as Rust types, generated at compile time from `wit/`.
//!
//! One world for both kinds of backend: [`crate::prepared`] looks the exports up one interface at a time, so that
//! a component without `logs` is not refused.

#![allow(missing_docs, unreachable_pub, clippy::large_futures)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin-with-logs",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "sockerless:backend/credentials.credential": crate::imports::Credential,
    },
});
