//! A client of image registries, by the OCI distribution specification and what Docker's own registries add to it.
//!
//! It reads manifests and configurations of images, never their layers; pulls and pushes WebAssembly components; checks credentials; and
//! searches. Everything is bounded: sizes where
//! bytes are read, time for each request, and the number of requests of each operation.
//!
//! - [`RegistryClient`]: the operations, as the engine's trait [`Registries`](sockerless_engine::Registries) asks for them.
//! - `hosts`: where a registry is, and by which scheme it may be spoken to.
//! - `transport`: one request, with its redirects. `session`: requests to one registry, with what proves who asks.
//! - `challenge`, `token`: how registries ask for that, and where it is had.
//! - `manifest`, `blob`, `image`, `artifact`, `signature`, `login`, `reach`, `search`: what is asked for.
//! - `refusal`: how registries say no, in the Engine's words.

#![forbid(unsafe_code)]

mod artifact;
mod blob;
mod challenge;
mod client;
mod digest;
mod hosts;
mod image;
mod login;
mod manifest;
mod reach;
mod refusal;
mod search;
mod session;
mod signature;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod token;
mod transport;

pub use artifact::{Artifact, ArtifactPlace, PushedArtifact};
pub use client::{RegistryClient, RegistryOptions};
pub use signature::SignatureKey;
