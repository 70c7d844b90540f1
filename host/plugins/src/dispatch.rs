//! Requests that the host performs by itself.
//!
//! A task of the host, not of the call that asked for it nor of the generation: it outlives both, and its outcome goes to
//! whichever version serves then. It ends without an outcome only when the daemon does.

use std::sync::Arc;

use sockerless_backend::OutcomeSink;
use sockerless_telemetry::Context;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::egress::{Exchange, HttpClient, exchange};

#[derive(Default)]
pub(crate) struct Dispatcher {
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A request, and to whom its outcome goes.
pub(crate) struct Dispatch {
    pub(crate) exchange: Exchange,
    pub(crate) container: String,
    pub(crate) run: String,
    pub(crate) client: Arc<HttpClient>,
    pub(crate) outcomes: Arc<dyn OutcomeSink>,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl Dispatcher {
    /// Whether the daemon is about to end.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Sends the request on its way.
    pub(crate) fn start(&self, dispatch: Dispatch) {
        let stop = self.stop.clone();
        self.tasks.spawn(Context::current().run(async move {
            let Dispatch { exchange: request, container, run, client, outcomes, permit } = dispatch;
            tokio::select! {
                outcome = exchange(&client, &request) => {
                    match &outcome {
                        Ok(response) => tracing::debug!(container, run, status = response.status, "dispatched request ended"),
                        Err(error) => tracing::debug!(container, run, %error, "dispatched request failed"),
                    }
                    drop(permit);
                    outcomes.dispatched(&container, &run, outcome).await;
                }
                () = stop.cancelled() => tracing::debug!(container, run, "dispatched request given up: the daemon ends"),
            }
        }));
    }

    /// Gives up all requests under way and waits until their tasks have ended.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
