//! The Docker Engine API over HTTP.
//!
//! - [`serve`]: listeners in, until a shutdown. [`Listener`], [`Limits`] and [`TlsFiles`] say where and how;
//!   [`BackendAdmin`] is who loads backends, [`PluginAdmin`] who keeps them as Docker's plugins, [`Witness`] who is told of requests.
//! - `app`, `router` and `routes`: which handler answers which request, and what all answers have in common.
//! - `handlers`: thin. They read a request, ask the [`Engine`], and word the answer.
//! - `wire`: versions, paths, queries, bodies and errors as the Docker Engine has them.
//! - `telemetry`: the id of each request, and what operators see of it.
//! - `server`: connections, and what becomes of those that stop being HTTP.

#![forbid(unsafe_code)]

mod app;
mod backends;
mod handlers;
mod plugins;
mod router;
mod routes;
mod server;
mod telemetry;
mod wire;
mod witness;

use std::sync::Arc;

use sockerless_engine::Engine;
use tokio_util::sync::CancellationToken;

pub use backends::{BackendAdmin, BackendSummary, BackendVariable, Swapped};
pub use plugins::{PluginAdmin, PluginSummary, Progress, Remote};
pub use server::{Limits, ListenError, Listener, TlsFiles};
pub use witness::{Answered, Witness};

/// Serves the API on all listeners until `shutdown` is cancelled; then requests under way are answered, as long as the
/// grace of the limits allows, and the sockets' files are removed.
pub async fn serve(
    listeners: Vec<Listener>,
    engine: Engine,
    backends: Arc<impl BackendAdmin + PluginAdmin>,
    witness: Option<Arc<dyn Witness>>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let app = app::App::new(engine, backends.clone(), backends, witness);
    server::run(listeners, Arc::new(app), limits, shutdown).await;
}
