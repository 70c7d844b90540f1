//! What all containers have in common.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::isolation::Isolation;
use super::ports::Ports;
use crate::config::{EmulatorConfig, ImageConfig, PlatformConfig};

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
    /// How long it has to answer the warm-up ping.
    pub(crate) start_limit: Duration,
    /// Whether it gets Always-On pings.
    pub(crate) always_on: bool,
}

/// Starts containers.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(super) init: PathBuf,
    pub(super) agent: Option<PathBuf>,
    pub(super) platform: PlatformConfig,
    pub(super) ports: Ports,
    pub(super) tasks: TaskTracker,
    isolation: Isolation,
    images: Vec<ImageConfig>,
}

impl Runtime {
    /// Finds out what the machine can do.
    pub(crate) async fn new(config: &EmulatorConfig, init: PathBuf) -> io::Result<Self> {
        let isolation = if config.platform.without_namespaces {
            Isolation::Plain { reason: "the configuration says `without_namespaces`".to_owned() }
        } else {
            Isolation::probe(&init, config.agent.as_deref()).await?
        };
        Ok(Self {
            init,
            agent: config.agent.clone(),
            platform: config.platform.clone(),
            ports: Ports::default(),
            tasks: TaskTracker::new(),
            isolation,
            images: config.images.clone(),
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

    pub(super) fn image(&self, name: &str) -> ImageConfig {
        self.images.iter().find(|image| image.name == name).cloned().unwrap_or_default()
    }
}
