//! The emulator's configuration: one TOML file, every value of which has a default that suits a
//! test, so that an empty file is a whole subscription with a plan, a client and a workspace.
//!
//! Times are in milliseconds (`…_ms`) throughout: a test wants the front end's 230 seconds to be two.

mod azure;
mod cloud;
mod live;
mod logs;
mod platform;
mod registry;
mod storage;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::azure::{ArmConfig, BucketConfig, IdentityConfig, PermissionConfig, PlanConfig, ThrottleConfig};
pub use self::cloud::Cloud;
pub(crate) use self::cloud::Names;
pub(crate) use self::live::LiveConfig;
pub use self::logs::LogsConfig;
pub use self::platform::{ImageConfig, PlatformConfig, StartPolicy};
pub use self::registry::RegistryConfig;
pub use self::storage::{StorageAccountConfig, StorageConfig};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmulatorConfig {
    /// Address of the one listener. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Which of Azure's clouds this is: `public`, `us-government` or `china`. It has the hosts and domains of that one, and takes
    /// no tokens but its own.
    pub cloud: Cloud,
    /// Path of the `azure-emulator` binary, which is executed again as the first process of each
    /// container. Not needed when this process is that binary itself.
    pub container_init: Option<PathBuf>,
    /// Path of a `sockerless-agent` binary that every image with `agent = true` has at
    /// `/usr/local/bin/sockerless-agent`.
    pub agent: Option<PathBuf>,
    /// Where the certificate of the authority that signs for every emulated host is written (PEM). The control API has it too,
    /// at `/ca.pem`.
    pub ca_file: Option<PathBuf>,
    /// Token endpoint.
    pub identity: IdentityConfig,
    /// Resource manager.
    pub arm: ArmConfig,
    /// The platform that runs the apps' containers.
    pub platform: PlatformConfig,
    /// Images that differ from the default image (agent inside, no delay).
    pub images: Vec<ImageConfig>,
    /// A folder with images: OCI layouts, and archives (`.tar`) of these and of `docker save`. An app whose image is among them
    /// runs on its file system; any other is pulled, or runs on this machine's.
    pub images_folder: Option<PathBuf>,
    /// From which registries images are pulled that the folder has not: none, unless it says so.
    pub registries: RegistryConfig,
    /// Most bytes that one image may take when it is unpacked.
    pub image_bytes: u64,
    /// Telemetry ingestion and the query over it.
    pub logs: LogsConfig,
    /// Storage accounts.
    pub storage: StorageConfig,
    /// Requests that the control API remembers; the oldest are dropped.
    pub remembered_requests: usize,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            cloud: Cloud::default(),
            container_init: None,
            agent: None,
            ca_file: None,
            identity: IdentityConfig::default(),
            arm: ArmConfig::default(),
            platform: PlatformConfig::default(),
            images: Vec::new(),
            images_folder: None,
            registries: RegistryConfig::default(),
            image_bytes: 8 << 30,
            logs: LogsConfig::default(),
            storage: StorageConfig::default(),
            remembered_requests: 2_000,
        }
    }
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what is expected.
    #[error("the configuration {path} is not valid: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl EmulatorConfig {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// The file is missing, is not TOML, or has a key that does not exist.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })
    }

    /// What is known of an image, without regard to a `DOCKER|` prefix.
    #[must_use]
    pub fn image(&self, name: &str) -> ImageConfig {
        self.images
            .iter()
            .find(|image| image.name == name)
            .cloned()
            .unwrap_or_else(|| ImageConfig { name: name.to_owned(), ..ImageConfig::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_a_whole_subscription() {
        let config: EmulatorConfig = toml::from_str("").unwrap();
        assert_eq!(config, EmulatorConfig::default());
        assert_eq!(config.arm.plans[0].name, "sockerless-plan");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = toml::from_str::<EmulatorConfig>("[arm]\nsubscripton = 'x'").unwrap_err();
        assert!(error.to_string().contains("subscripton"), "{error}");
    }

    #[test]
    fn the_default_survives_a_round_trip() {
        let text = toml::to_string(&EmulatorConfig::default()).unwrap();
        assert_eq!(toml::from_str::<EmulatorConfig>(&text).unwrap(), EmulatorConfig::default());
    }

    #[test]
    fn an_image_not_listed_has_the_agent() {
        let config: EmulatorConfig = toml::from_str("[[images]]\nname = 'bare'\nagent = false").unwrap();
        assert!(!config.image("bare").agent);
        assert!(config.image("alpine").agent);
    }
}
