//! The WIT package as Rust types, generated at compile time from `wit/`.
//!
//! The largest world for all kinds of backend: [`crate::prepared`] looks the exports up one interface at a time, so that
//! a component without the optional ones is not refused.

#![allow(missing_docs, unreachable_pub, clippy::large_futures)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin-with-everything",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "sockerless:backend/credentials.credential": crate::imports::Credential,
        "sockerless:backend/streams.connection": crate::imports::Connection,
        "sockerless:backend/streams.download": crate::imports::Download,
        "sockerless:backend/streams.upload": crate::imports::Upload,
    },
});
