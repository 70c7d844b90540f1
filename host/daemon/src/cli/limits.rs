//! How much clients may ask for at once.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use sockerless_api::Limits;
use sockerless_engine::ExecLimits;

/// As options, and as the table `[limits]` of the configuration file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitOptions {
    /// Connections that each socket of the Docker API has at once. Further ones are answered with 503.
    #[arg(long, value_name = "COUNT", env = "SOCKERLESS_MAX_CONNECTIONS")]
    pub(crate) max_connections: Option<NonZeroU32>,
    /// Requests that are worked on at once, streams not counted. Further ones are answered with 503.
    #[arg(long, value_name = "COUNT", env = "SOCKERLESS_MAX_REQUESTS")]
    pub(crate) max_requests: Option<NonZeroU32>,
    /// Clients that follow logs or events, are attached, run a command in the foreground, look at statistics or wait, at once. Further
    /// ones are answered with 429.
    #[arg(long, value_name = "COUNT", env = "SOCKERLESS_MAX_STREAMS")]
    pub(crate) max_streams: Option<NonZeroU32>,
    /// Commands of docker exec at once, in all containers. Further ones are answered with 429.
    #[arg(long, value_name = "COUNT", env = "SOCKERLESS_MAX_EXECS")]
    pub(crate) max_execs: Option<NonZeroU32>,
    /// Commands of docker exec at once, in one container. Further ones are answered with 429.
    #[arg(long, value_name = "COUNT", env = "SOCKERLESS_MAX_EXECS_PER_CONTAINER")]
    pub(crate) max_execs_per_container: Option<NonZeroU32>,
    /// How many seconds a client may take to send the head of a request, once it has begun to.
    #[arg(long, value_name = "SECONDS", env = "SOCKERLESS_HEAD_TIMEOUT")]
    pub(crate) head_timeout: Option<NonZeroU32>,
    /// How many seconds a client may send nothing between two requests, or in the middle of the body of one.
    #[arg(long, value_name = "SECONDS", env = "SOCKERLESS_IDLE_TIMEOUT")]
    pub(crate) idle_timeout: Option<NonZeroU32>,
}

impl LimitOptions {
    /// These, and what is missing from others.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            max_connections: self.max_connections.or(other.max_connections),
            max_requests: self.max_requests.or(other.max_requests),
            max_streams: self.max_streams.or(other.max_streams),
            max_execs: self.max_execs.or(other.max_execs),
            max_execs_per_container: self.max_execs_per_container.or(other.max_execs_per_container),
            head_timeout: self.head_timeout.or(other.head_timeout),
            idle_timeout: self.idle_timeout.or(other.idle_timeout),
        }
    }

    /// Those of the server, in which requests under way have so long at the shutdown.
    pub(crate) fn of_api(&self, shutdown_grace: Duration) -> Limits {
        let default = Limits::default();
        Limits {
            connections: count(self.max_connections, default.connections),
            requests: count(self.max_requests, default.requests),
            streams: count(self.max_streams, default.streams),
            head_timeout: seconds(self.head_timeout, default.head_timeout),
            idle_timeout: seconds(self.idle_timeout, default.idle_timeout),
            shutdown_grace,
            ..default
        }
    }

    /// Those of commands in containers.
    pub(crate) fn of_execs(&self) -> ExecLimits {
        let default = ExecLimits::default();
        ExecLimits {
            per_container: count(self.max_execs_per_container, default.per_container),
            in_all: count(self.max_execs, default.in_all),
        }
    }
}

fn count(wanted: Option<NonZeroU32>, default: usize) -> usize {
    wanted.map_or(default, |wanted| usize::try_from(wanted.get()).unwrap_or(usize::MAX))
}

fn seconds(wanted: Option<NonZeroU32>, default: Duration) -> Duration {
    wanted.map_or(default, |wanted| Duration::from_secs(wanted.get().into()))
}
