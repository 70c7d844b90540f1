//! What the daemon knows of a container: the record that the store keeps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sockerless_backend::types::{Container, Handle, RunEnd};
use sockerless_docker::{Config, EndpointSettings, Health, HostConfig, MountPoint};

use crate::mounts::Mounted;

/// Where a container is in its life.
///
/// ```text
/// Creating ──► Created ──► Running ◄──► Paused
///                 │        │     ▲
///                 │        ▼     │ start
///                 │      Exited ─┘
///                 ▼        ▼
///               Removing ──► Removed      Dead: a removal that failed; it can be tried again
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// The backend is at it; no client has been told of the container.
    Creating,
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    Removing,
    Dead,
    /// The last state that watchers see; never stored.
    Removed,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Creating | Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Removing | Self::Removed => "removing",
            Self::Dead => "dead",
        }
    }

    /// A process exists, or will again without anybody's doing.
    pub(crate) const fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

/// What was about to be done when the record was written. Found at start, it tells what a crash interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Intent {
    Create {
        key: String,
    },
    Start {
        run: String,
        key: String,
    },
    Remove {
        key: String,
    },
    /// It was found in the cloud, and whether its command runs is not known yet.
    Adopt,
}

/// One start of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) end: RunEnd,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    /// Why, when it is not simply the command's own doing.
    pub(crate) error: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) status: Status,
    /// The run that is under way, or the last one.
    pub(crate) run: Option<Run>,
    /// Counts the ends of runs: tells a waiter that one has happened since it began to wait.
    pub(crate) exits: u64,
    pub(crate) exit: Exit,
    pub(crate) pid: u32,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// Of a container that is probed.
    #[serde(default)]
    pub(crate) health: Option<Health>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            status: Status::Creating,
            run: None,
            exits: 0,
            exit: Exit::default(),
            pid: 0,
            started_at: None,
            finished_at: None,
            health: None,
        }
    }
}

/// Everything about a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ContainerRecord {
    pub(crate) id: String,
    /// Without the slash.
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// The backend that it stays with.
    pub(crate) backend: String,
    /// The image's id.
    pub(crate) image_id: String,
    pub(crate) platform: String,
    /// As the client sent it, merged with the image's.
    pub(crate) config: Config,
    pub(crate) host_config: HostConfig,
    /// By network name.
    pub(crate) endpoints: BTreeMap<String, EndpointSettings>,
    /// What is mounted where.
    #[serde(default)]
    pub(crate) mounts: Vec<Mounted>,
    /// Entrypoint and command.
    pub(crate) command: Vec<String>,
    pub(crate) handle: Option<Handle>,
    pub(crate) state: State,
    pub(crate) intent: Option<Intent>,
    pub(crate) restart_count: u64,
    /// A client stopped it: the restart policy `unless-stopped` and `always` leave it alone.
    #[serde(default)]
    pub(crate) stopped_by_client: bool,
}

impl ContainerRecord {
    /// What is mounted where, as clients see it.
    pub(crate) fn mount_points(&self) -> impl Iterator<Item = &MountPoint> {
        self.mounts.iter().map(|mounted| &mounted.point)
    }

    /// As a backend is shown it.
    pub(crate) fn for_backend(&self) -> Container {
        // As a client sends it: the fields of the configuration beside the two other objects.
        let mut spec = serde_json::json!(self.config);
        spec["HostConfig"] = serde_json::json!(self.host_config);
        spec["NetworkingConfig"] = serde_json::json!({ "EndpointsConfig": self.endpoints });
        Container {
            id: self.id.clone(),
            name: self.name.clone(),
            image: self.config.image.clone(),
            command: self.command.clone(),
            environment: self.config.env.clone().unwrap_or_default(),
            spec: spec.to_string(),
            handle: self.handle.clone(),
        }
    }

    /// A process exists, or may exist and only its agent knows.
    pub(crate) fn may_run(&self) -> bool {
        self.state.status.is_live() || self.intent == Some(Intent::Adopt)
    }

    pub(crate) fn run_id(&self) -> Option<&str> {
        self.state.run.as_ref().map(|run| run.id.as_str())
    }
}
