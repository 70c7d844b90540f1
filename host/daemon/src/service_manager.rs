//! What the daemon tells whoever manages it, if somebody does: systemd's `sd_notify`.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::task::AbortOnDropHandle;

/// Tells how the start goes, in a line of `systemctl status`. May block: for before the runtime.
pub(crate) fn starting(status: &str) {
    send(&[NotifyState::Status(status)]);
}

/// Tells that clients are served.
pub(crate) async fn ready(status: String) {
    tell(move || send(&[NotifyState::Ready, NotifyState::Status(&status)])).await;
}

/// Tells that the end has begun.
pub(crate) async fn stopping(status: String) {
    tell(move || send(&[NotifyState::Stopping, NotifyState::Status(&status)])).await;
}

/// Tells again and again that the daemon is well, if the manager wants to hear it, until this is dropped. It is well while the runtime runs
/// its timers, and has a thread for work that blocks.
pub(crate) fn watchdog() -> Option<AbortOnDropHandle<()>> {
    let interval = sd_notify::watchdog_enabled()?;
    let task = tokio::spawn(async move {
        let mut ticks = tokio::time::interval((interval / 3).max(Duration::from_millis(10)));
        loop {
            ticks.tick().await;
            tell(|| send(&[NotifyState::Watchdog])).await;
        }
    });
    Some(AbortOnDropHandle::new(task))
}

/// Off the runtime: the manager may not read.
async fn tell(send: impl FnOnce() + Send + 'static) {
    // What panics has said so.
    let _ = tokio::task::spawn_blocking(send).await;
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told of the daemon's state");
    }
}
