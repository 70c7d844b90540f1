//! The WIT package as Rust types and functions, generated at compile time from `wit/`.
//!
//! Off WebAssembly the types are the same and the imported functions abort: all logic reaches them through
//! [`crate::world::World`], which a test implements otherwise.

#![allow(missing_docs, unreachable_pub, unsafe_code, unused_imports, clippy::all)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin-with-inventory",
    additional_derives: [PartialEq],
    additional_derives_ignore: ["authorization", "request"],
});

pub use exports::sockerless::backend::{backend, inventory, lifecycle, logs};
pub use sockerless::backend::{agents, clock, config, credentials, host, http, log, types};

// Elsewhere the names of the exports are none that a linker knows.
#[cfg(target_arch = "wasm32")]
export!(Component with_types_in self);

#[cfg(target_arch = "wasm32")]
use crate::component::Component;
