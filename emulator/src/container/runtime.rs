//! What all containers have in common.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::isolation::Isolation;
use super::ports::Ports;
use crate::config::{ImageConfig, LiveConfig, Names, PlatformConfig};
use crate::image::Images;
use crate::storage::Storage;

/// What one app runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LaunchSpec {
    /// Name of the site, as it was written.
    pub(crate) site: String,
    /// Its default host name.
    pub(crate) host: String,
    /// The image, without `DOCKER|`.
    pub(crate) image: String,
    /// `appCommandLine`.
    pub(crate) command: String,
    /// App settings.
    pub(crate) settings: BTreeMap<String, String>,
    /// What its containers show when they ask for tokens of the site's managed identities; nothing if it has none.
    pub(crate) identity_secret: Option<String>,
    /// How long it has to answer the warm-up ping.
    pub(crate) start_limit: Duration,
    /// Whether it gets Always-On pings.
    pub(crate) always_on: bool,
    /// File shares that the container sees.
    pub(crate) mounts: Vec<ShareMount>,
}

/// A file share of a storage account, and where a container sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShareMount {
    pub(crate) account: String,
    pub(crate) share: String,
    pub(crate) key: String,
    /// Absolute path in the container.
    pub(crate) path: String,
}

/// Starts containers.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(super) init: PathBuf,
    pub(super) agent: Option<PathBuf>,
    pub(super) ports: Ports,
    pub(super) tasks: TaskTracker,
    isolation: Isolation,
    /// Where the emulator is, as containers reach it.
    pub(super) emulator: SocketAddr,
    live: Arc<LiveConfig>,
    pub(super) images: Images,
    pub(super) storage: Arc<Storage>,
}

impl Runtime {
    /// Finds out what the machine can do. `address`: where the emulator listens.
    pub(crate) async fn new(
        live: Arc<LiveConfig>,
        storage: Arc<Storage>,
        init: PathBuf,
        mut address: SocketAddr,
    ) -> io::Result<Self> {
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        let config = live.get();
        let isolation = if config.platform.without_namespaces {
            Isolation::Plain { reason: "the configuration says `without_namespaces`".to_owned() }
        } else {
            Isolation::probe(&init, config.agent.as_deref()).await?
        };
        Ok(Self {
            init,
            agent: config.agent.clone(),
            ports: Ports::default(),
            tasks: TaskTracker::new(),
            isolation,
            emulator: address,
            images: Images::new(Arc::clone(&live)),
            storage,
            live,
        })
    }

    pub(crate) fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// Comes back when no container is left. To be called after every app was told to end.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// How containers live, as it is set now.
    pub(super) fn platform(&self) -> PlatformConfig {
        self.live.get().platform.clone()
    }

    /// How everything is called in the emulated cloud.
    pub(super) fn names(&self) -> &'static Names {
        self.live.get().cloud.names()
    }

    pub(super) fn image(&self, name: &str) -> ImageConfig {
        self.live.get().image(name)
    }
}
