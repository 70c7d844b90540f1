//! Settings of the platform that runs containers.

use serde::{Deserialize, Serialize};

/// When an app's container is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartPolicy {
    /// As soon as the app exists.
    Create,
    /// When the first request for the app arrives.
    FirstRequest,
}

/// The life of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformConfig {
    /// When the container is started.
    pub start: StartPolicy,
    /// How long a container has to answer the warm-up ping, unless the app's setting
    /// `WEBSITES_CONTAINER_START_TIME_LIMIT` (seconds) says otherwise.
    pub start_limit_ms: u64,
    /// Pause between two warm-up pings.
    pub ping_interval_ms: u64,
    /// Pause between two Always-On pings; 0 sends none.
    pub always_on_interval_ms: u64,
    /// How long the front end holds a request for a container that is starting, before it answers 503.
    pub request_hold_ms: u64,
    /// When the front end cuts a response.
    pub response_limit_ms: u64,
    /// Pause before the first restart of a container that exited; it doubles each time.
    pub restart_backoff_ms: u64,
    /// Longest pause before a restart.
    pub restart_backoff_max_ms: u64,
    /// Between SIGTERM and SIGKILL when a container is stopped.
    pub stop_grace_ms: u64,
    /// How long the old container goes on beside the new one that has become ready.
    pub overlap_ms: u64,
    /// Most bytes that one container can write to its scratch file system (which is memory).
    pub scratch_bytes: u64,
    /// Runs containers as plain processes although namespaces could be had.
    pub without_namespaces: bool,
}

impl Default for PlatformConfig {
    fn default() -> Self {
        Self {
            start: StartPolicy::Create,
            start_limit_ms: 230_000,
            ping_interval_ms: 50,
            always_on_interval_ms: 300_000,
            request_hold_ms: 230_000,
            response_limit_ms: 230_000,
            restart_backoff_ms: 500,
            restart_backoff_max_ms: 60_000,
            stop_grace_ms: 5_000,
            overlap_ms: 0,
            scratch_bytes: 4 << 30,
            without_namespaces: false,
        }
    }
}

/// What is special about one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageConfig {
    /// The reference as it stands after `DOCKER|`.
    pub name: String,
    /// Whether `sockerless-agent` is in the image.
    pub agent: bool,
    /// How long the pull takes.
    pub start_delay_ms: u64,
}

impl Default for ImageConfig {
    fn default() -> Self {
        Self { name: String::new(), agent: true, start_delay_ms: 0 }
    }
}
