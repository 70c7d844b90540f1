//! The operator's listener: whether the daemon lives, whether it serves, and its metrics. It serves nothing of Docker's API, and knows no
//! containers.

mod health;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use sockerless_engine::Engine;
use sockerless_store::Store;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::backends::Loaded;
use crate::config::Config;

use health::Health;

/// The listener, if there is one. It answers from before the backends are loaded until the daemon has ended everything else.
pub(crate) struct Operator {
    health: Arc<Health>,
    server: Option<(JoinHandle<()>, CancellationToken)>,
}

/// What serves, once it does.
pub(crate) struct Serving {
    pub(crate) engine: Engine,
    pub(crate) backends: Arc<Loaded>,
    /// The agents' listener; nothing where the daemon dials.
    pub(crate) agents: Option<AbortHandle>,
}

impl Operator {
    /// Takes the address that is configured, if one is.
    ///
    /// # Errors
    /// The address is malformed, not of this machine, or taken.
    pub(crate) async fn start(config: &Config, store: Arc<dyn Store>) -> Result<Self> {
        let health = Arc::new(Health::new(store));
        let Some(address) = &config.operator_listen else { return Ok(Self { health, server: None }) };
        let listen = async {
            let listener = TcpListener::bind(address).await?;
            let bound = listener.local_addr()?;
            std::io::Result::Ok((listener, bound))
        };
        let (listener, bound) = listen.await.with_context(|| {
            format!("nothing can be served at {address}: give another address with --operator-listen")
        })?;
        announce(bound);
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(server::serve(listener, health.clone(), shutdown.clone()));
        Ok(Self { health, server: Some((server, shutdown)) })
    }

    /// The daemon has come up.
    pub(crate) fn serving(&self, serving: Serving) {
        self.health.serves(serving);
    }

    /// The daemon is about to end: it is no longer ready, and answers until the end.
    pub(crate) fn stopping(&self) {
        self.health.stopping.store(true, Ordering::Relaxed);
    }

    /// Answers no more.
    pub(crate) async fn end(self) {
        if let Some((server, shutdown)) = self.server {
            shutdown.cancel();
            if let Err(error) = server.await {
                tracing::error!(%error, "the operator's listener ended badly");
            }
        }
    }
}

fn announce(address: SocketAddr) {
    tracing::info!(%address, "/healthz, /readyz and /metrics are served");
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "whoever reaches the operator's listener sees how much is done with this daemon: let only the monitoring reach it"
        );
    }
}
