//! The Docker Engine API over HTTP.
//!
//! - [`serve`]: listeners in, until a shutdown. [`Listener`], [`Limits`], [`SocketAccess`] and [`Certificates`] say where and how;
//!   [`BackendAdmin`] is who loads backends, [`PluginAdmin`] who keeps them as Docker's plugins, [`Witness`] who is told of requests.
//! - `app`, `router` and `routes`: which handler answers which request, and what all answers have in common.
//! - `access`: who may ask for what. [`Roles`] are given to the listeners, whose clients they are for.
//! - `places`: how many streams and uploads there may be. `under_way`: requests whose handlers are at work, which the shutdown waits for.
//! - `handlers`: thin. They read a request, ask the [`Engine`], and word the answer.
//! - `wire`: versions, paths, queries, bodies and errors as the Docker Engine has them.
//! - `telemetry`: the id of each request, and what operators see of it.
//! - `server`: connections, and what becomes of those that stop being HTTP.

#![forbid(unsafe_code)]

mod access;
mod app;
mod backends;
mod handlers;
mod places;
mod plugins;
mod router;
mod routes;
mod server;
mod telemetry;
mod under_way;
mod wire;
mod witness;

use std::sync::Arc;

use sockerless_engine::Engine;
use tokio_util::sync::CancellationToken;

pub use access::{ClientName, Role, Roles};
pub use backends::{BackendAdmin, BackendSummary, BackendVariable, Swapped};
pub use plugins::{PluginAdmin, PluginSummary, Progress, Remote};
pub use server::{Certificates, Limits, ListenError, Listener, SocketAccess, TlsFiles};
pub use witness::{Answered, Witness};

/// Serves the API on all listeners until `shutdown` is cancelled; then the sockets' files are removed, streams without an end end, and
/// requests under way are answered, as long as the grace of the limits allows. The log names those that are not.
pub async fn serve(
    listeners: Vec<Listener>,
    engine: Engine,
    backends: Arc<impl BackendAdmin + PluginAdmin>,
    witness: Option<Arc<dyn Witness>>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let app = Arc::new(app::App::new(engine, backends.clone(), backends, witness, &limits));
    let grace = limits.shutdown_grace;
    let begun = async {
        shutdown.cancelled().await;
        tokio::time::Instant::now() + grace
    };
    let ((), deadline) = tokio::join!(server::run(listeners, app.clone(), limits, shutdown.clone()), begun);
    app.under_way.finish(deadline.saturating_duration_since(tokio::time::Instant::now())).await;
}
