//! Fuzz targets: one function for everything that reads bytes which others have made.
//!
//! A target takes any bytes. That it panics, or does not come back, is a finding; so it asserts what must hold whatever the bytes are,
//! such as that what was read can be written and read again. The folder `fuzz` of the repository has a target of cargo-fuzz for each, and
//! their corpora. `tests/short.rs` runs each on its corpus and on mutations of it, without instrumentation.

#![deny(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a property that is broken is a panic"
)]

mod backend;
mod campaign;
mod choices;
mod daemon;
mod memory;
mod mutate;
mod runtime;
mod targets;

pub use campaign::{Campaign, corpus_folder};
pub use memory::Counting;
pub use targets::{TARGETS, Target, run, target};
