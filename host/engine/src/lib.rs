//! Containers, execs, images, networks, volumes and events: what the Docker API acts on.
//!
//! The engine knows no HTTP and no WebAssembly. Above it is the API, which turns requests into calls of [`Engine`]; below it are
//! a [`Store`](sockerless_store::Store), the agents inside the containers, [`Backend`](sockerless_backend::Backend)s and
//! [`Registries`].
//!
//! - [`Engine`]: everything that clients ask for; [`Error`]: how it says no.
//! - `actor`, `start`, `restart`, `run`, `health`: one task per container owns its transitions, others watch its run and its
//!   health.
//! - `create`, `verify`, `mounts`: how a container comes to be. `manage`, `list`, `inspect`: it as a whole.
//! - `attach`, `exec`, `logs`, `archive`, `changes`, `stats`, `top`: what goes on inside a container, by its agent; `process`, `files` and
//!   `direct`: or by the backend's cloud.
//! - `execs`: the commands of `exec`, and how many there may be.
//! - `inventory`, `backup`, `adopt`: containers that are in the cloud and not in the store.
//! - `measure`: how much there is, for operators.
//! - [`Services`]: what the engine gives to backends.

#![forbid(unsafe_code)]

mod abandon;
mod actor;
mod adopt;
mod agents;
mod archive;
mod attach;
mod backup;
mod cell;
mod changes;
mod create;
mod detach;
mod dial;
mod direct;
mod engine;
mod error;
mod events;
mod exec;
mod execs;
mod files;
mod follow;
mod frames;
mod health;
mod ids;
mod images;
mod info;
mod inspect;
mod inventory;
mod lines;
mod list;
mod logs;
mod manage;
mod measure;
mod mounts;
mod networks;
mod process;
mod record;
mod registries;
mod registry;
mod remove;
mod restart;
mod run;
mod services;
mod signals;
mod spec;
mod start;
mod stats;
mod stop;
mod top;
mod verify;
mod volumes;
mod wait;

pub use attach::{AttachOptions, Session, Stdin};
pub use create::Created;
pub use dial::AgentLink;
pub use engine::{Backends, Engine, Identity, RegistryAccess, Stored};
pub use error::{Error, ErrorKind, Result};
pub use events::EventOptions;
pub use execs::ExecLimits;
pub use frames::{ByteStream, Output};
pub use images::{PullOptions, SearchOptions};
pub use inventory::{Orphan, OrphanResult};
pub use list::ListOptions;
pub use logs::LogOptions;
pub use manage::RemoveOptions;
pub use registries::{Fetch, FetchFailure, Fetched, ImageContent, Registries, Search};
pub use services::Services;
pub use sockerless_backend::sessions::Extraction;
pub use stats::StatsOptions;
pub use wait::{Wait, WaitCondition, WaitResult};
