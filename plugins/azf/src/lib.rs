//! The Azure Functions backend: every container is a function app with a custom container image, started by one HTTP
//! request.
//!
//! A component of the world `plugin-with-inventory` (`wit/`). It keeps nothing between two calls: what it must remember of a
//! container is in the [handle](lifecycle) that the host stores. It holds no secret but those that it writes into an app's
//! settings: the host signs its requests.
//!
//! ```text
//! component ──► lifecycle ──► arm ──► world ──► imports of the component
//!           ├─► inventory ────┤         └─────► a scripted world, in tests
//!           ├─► logs ─────────┘
//!           ├─► plan
//!           └─► descriptor, check ──► config
//! ```
//!
//! Public is what documentation is generated from: [`plan::rows`] and [`config::KEYS`].

#![deny(unsafe_code)]

mod arm;
mod bindings;
mod check;
mod cloud;
pub mod component;
pub mod config;
mod descriptor;
mod imports;
mod inventory;
pub mod kql;
mod lifecycle;
mod logs;
mod permissions;
pub mod plan;
#[cfg(test)]
mod testing;
mod time;
mod world;
