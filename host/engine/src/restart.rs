//! Restart policies: whether, when and how a run that has ended is followed by another.

use std::time::Duration;

use sockerless_docker::RestartPolicy;
use tokio::time::Instant;

use crate::actor::Actor;
use crate::record::{ContainerRecord, Status};

/// Between an end and the first restart.
const FIRST: Duration = Duration::from_millis(100);
/// Between an end and a restart at most.
const LONGEST: Duration = Duration::from_secs(60);
/// A run that lasted so long has been a success: the next delay is the first one again.
const LASTED: Duration = Duration::from_secs(10);

/// The delays of one container.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    /// The delay after a run that lasted so long.
    pub(crate) fn next(&mut self, ran: Duration) -> Duration {
        let delay = match self.last {
            Some(last) if ran < LASTED => (last * 2).min(LONGEST),
            _ => FIRST,
        };
        self.last = Some(delay);
        delay
    }
}

/// Whether a run that ended so is followed by another.
pub(crate) fn wanted(record: &ContainerRecord, code: i32) -> bool {
    let RestartPolicy { name, maximum_retry_count } = &record.host_config.restart_policy;
    if record.stopped_by_client {
        return false;
    }
    match name.as_str() {
        "always" | "unless-stopped" => true,
        "on-failure" => {
            let limit = u64::try_from(*maximum_retry_count).unwrap_or(0);
            code != 0 && (limit == 0 || record.restart_count < limit)
        }
        _ => false,
    }
}

impl Actor {
    /// The delay after the last run is over.
    pub(crate) async fn restart_by_policy(&mut self) {
        self.restart_at = None;
        self.record.restart_count += 1;
        if let Err(error) = self.begin_run().await {
            if self.backend().is_ok_and(|backend| backend.out_of_service().is_some()) {
                // Which may be over soon, and is no fault of this container's.
                tracing::info!(container = %self.record.id, %error, "the restart policy's restart is put off");
                self.record.restart_count -= 1;
                self.restart_later(Duration::ZERO);
                return;
            }
            tracing::warn!(container = %self.record.id, %error, "the restart policy's restart failed");
            self.give_up_restart().await;
        }
    }

    /// A container that waits for its restart is one that has exited.
    pub(crate) async fn give_up_restart(&mut self) {
        self.restart_at = None;
        if self.record.state.status == Status::Restarting {
            self.record.state.status = Status::Exited;
            if let Err(error) = self.save().await {
                tracing::error!(container = %self.record.id, %error, "that the container is not restarted is not on disk");
            }
            self.publish();
        }
    }

    /// Sets the time of the next restart.
    pub(crate) fn restart_later(&mut self, ran: Duration) {
        self.restart_at = Some(Instant::now() + self.backoff.next(ran));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute_and_begin_anew_after_a_long_run() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> = (0..12).map(|_| backoff.next(Duration::ZERO).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
        assert_eq!(backoff.next(Duration::from_secs(11)), FIRST);
    }
}
