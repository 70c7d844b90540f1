//! Settings of the pulls from registries.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// From where images are pulled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryConfig {
    /// The registries from which an app's image is pulled, as they stand in references: `docker.io`, `127.0.0.1:5000`; `*` is every
    /// one. An image of any other is not pulled, and this machine's file system stands for it.
    pub pull: Vec<String>,
    /// Registries that are spoken to without TLS, besides those of this machine (`127.0.0.1`, `[::1]`, `localhost`).
    pub plain_http: Vec<String>,
    /// Where blobs are kept from one emulator to the next. Without it they are kept as long as the emulator runs.
    pub cache: Option<PathBuf>,
    /// How long a registry may be silent in the midst of an answer before the pull fails.
    pub silence_ms: u64,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self { pull: Vec::new(), plain_http: Vec::new(), cache: None, silence_ms: 30_000 }
    }
}

impl RegistryConfig {
    /// Whether images of this registry are pulled.
    #[must_use]
    pub fn pulls_from(&self, registry: &str) -> bool {
        self.pull.iter().any(|name| name == "*" || name.eq_ignore_ascii_case(registry))
    }
}
