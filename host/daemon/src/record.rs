//! `sockerless serve --record`: the flight recorder of this daemon.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use sockerless_api::{Answered, Witness};
use sockerless_recorder::{DockerRequest, Options, Record, Recorder, Timestamp, is_secret_name};

use crate::config::Config;

/// Starts recording, if the configuration says so.
///
/// # Errors
/// The folder cannot be written to; the limit is too small.
pub(crate) async fn start(config: &Config) -> Result<Option<Recorder>> {
    let Some(folder) = config.record.clone() else { return Ok(None) };
    // Not only those that a backend declares: what of the daemon's environment is secret shall not be in a recording by whatever way.
    let settings = config.settings.clone().into_map();
    let secrets = settings.into_iter().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value).collect();
    let options = Options {
        folder: folder.clone(),
        limit: config.record_limit_mib.saturating_mul(1 << 20),
        daemon: env!("CARGO_PKG_VERSION").to_owned(),
        wit: sockerless_plugins::wit_version().to_owned(),
        secrets,
    };
    let recorder = tokio::task::spawn_blocking(move || Recorder::start(options)).await??;
    say(&folder);
    Ok(Some(recorder))
}

fn say(folder: &Path) {
    tracing::info!(
        folder = %folder.display(),
        "requests and the calls of backends are recorded; `sockerless replay` does the calls again"
    );
}

/// Writes what waits, and ends.
pub(crate) async fn close(recorder: Option<Recorder>) {
    if let Some(recorder) = recorder
        && let Err(error) = tokio::task::spawn_blocking(move || recorder.close()).await
    {
        tracing::error!(%error, "the end of the recording is missing");
    }
}

/// Records requests of Docker's API.
pub(crate) fn witness(recorder: Option<&Recorder>) -> Option<Arc<dyn Witness>> {
    recorder.map(|recorder| Arc::new(Requests(recorder.clone())) as Arc<dyn Witness>)
}

struct Requests(Recorder);

impl Witness for Requests {
    fn answered(&self, Answered { method, path, status, took }: Answered) {
        self.0.record(Record::Request(DockerRequest {
            time: Timestamp::now(),
            method: method.to_string(),
            path,
            status,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }));
    }
}
