//! A world for end-to-end tests: an emulated Azure, a daemon with `azf.wasm`, and the clients that people use.
//!
//! Every test makes a [`World`] of its own, with its own folders, sockets and ports, and runs beside the others. Programs are
//! those that `cargo xtask test` has built, named by environment variables; `cargo test` alone cannot run these tests, and
//! they then say so.
//!
//! This is test code as a library, so that several test binaries share it: it panics where a test would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, reason = "a test's failure is a panic")]

mod authority;
mod bare;
mod cable;
mod command;
mod daemon;
mod docker;
mod emulator;
mod http;
mod installed;
mod judge;
mod layout;
pub mod load;
pub mod many;
mod passed;
mod program;
mod reference;
mod registry;
mod sent;
mod site;
pub mod transcript;
pub mod wire;
mod world;

pub use authority::{Authority, Names};
pub use bare::Bare;
pub use cable::Cable;
pub use command::Ran;
pub use daemon::Daemon;
pub use docker::Docker;
pub use emulator::{ARM_SCOPE, Emulator, LOGS_SCOPE, STORAGE_KEY, SUBSCRIPTION, TENANT};
pub use http::{Asked, Reply, Scripted, ask, ask_daemon, ask_socket};
pub use installed::{Installed, archive};
pub use judge::differences_of;
pub use layout::{tar_of, write_layout};
pub use passed::Passed;
pub use program::eventually;
pub use reference::{IMAGE, Side, reference_engine};
pub use registry::{Pushed, Registry};
pub use sent::Sent;
pub use site::{Site, site_body};
pub use world::{World, WorldOptions, azure_python, go, java, node, python, python_with};

/// The path in an environment variable that `cargo xtask test` sets.
#[must_use]
pub fn built(variable: &str) -> std::path::PathBuf {
    std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: run the end-to-end tests with `cargo xtask test`"))
        .into()
}

/// The path in an environment variable that `cargo xtask test` sets where the machine has what it takes.
#[must_use]
pub fn optional(variable: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os(variable).filter(|path| !path.is_empty());
    if path.is_none() {
        eprintln!("skipped: {variable} is not set, since this machine lacks what it takes");
    }
    path.map(Into::into)
}
