//! The WIT package as Rust types and functions, generated while this crate is compiled.

#![allow(missing_docs, unsafe_code, unused_imports, clippy::all)]

wit_bindgen::generate!({
    // In a project of your own: wherever you have copied the package to.
    path: "../../../wit",
    // Without logs of its own a backend takes the world `plugin`.
    world: "plugin-with-logs",
    additional_derives: [PartialEq],
    // These hold a borrowed resource, which cannot be compared.
    additional_derives_ignore: ["authorization", "request"],
});

pub use exports::sockerless::backend::{backend, lifecycle, logs};
pub use sockerless::backend::{agents, clock, config, log, types};

// Off WebAssembly, where the tests run, the names of the exports are none that a linker knows.
#[cfg(target_arch = "wasm32")]
export!(Memory with_types_in self);

#[cfg(target_arch = "wasm32")]
use crate::Memory;
