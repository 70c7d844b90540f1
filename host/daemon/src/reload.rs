//! SIGHUP: what is read again while the daemon runs.

use sockerless_api::Certificates;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

/// Reads the files of TLS again at each SIGHUP, until the shutdown. Without TLS the signal does nothing, and ends nothing.
pub(crate) fn on_hangup(mut hangup: Signal, certificates: Option<Certificates>, shutdown: CancellationToken) {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = hangup.recv() => {}
            }
            match &certificates {
                Some(certificates) => certificates.reload().await,
                None => tracing::info!("SIGHUP: there are no files of TLS to read again"),
            }
        }
    });
}
