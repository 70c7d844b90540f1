//! `runs`.

use sockerless_backend::BackendError;
use sockerless_backend::types::{Container, RunVerdict};

use crate::bench::Bench;
use crate::verdict::{Outcome, Verdict, finding, not_checked};
use crate::world::Act;

pub(super) async fn resumes(bench: &Bench) -> Outcome {
    let container = with_runs(bench).await?;
    if let Err(error) = bench.resume(&container).await? {
        return finding(format!("resume of a run that is under way answered: {error}"));
    }
    if let Some(change) = bench.world.acts().iter().find(|act| matches!(act, Act::Made(_) | Act::Removed(_))) {
        return finding(change.change().unwrap_or_default());
    }
    let dispatched = bench.world.acts().iter().any(|act| matches!(act, Act::Dispatched { .. }));
    let Some(outcome) = bench.world.outcome().filter(|_| dispatched) else {
        return finding("resume has dispatched no request: nothing tells of the end of the run");
    };
    match bench.finished(&container, outcome).await? {
        Ok(RunVerdict::Unknown(_)) => finding("finished learns nothing from the request that resume has dispatched"),
        Ok(_) => Ok(()),
        Err(error) => finding(format!("finished of the request that resume has dispatched answered: {error}")),
    }
}

pub(super) async fn gone(bench: &Bench) -> Outcome {
    let container = with_runs(bench).await?;
    if let Err(error) = bench.remove(&container, true).await? {
        return not_checked(format!("remove answered: {error}"));
    }
    match bench.resume(&container).await? {
        Err(BackendError::NotFound(_)) => Ok(()),
        Err(error) => {
            finding(format!("resume of a run whose container is gone answered something else than not-found: {error}"))
        }
        Ok(()) => finding("resume of a run whose container is gone is content"),
    }
}

/// A container that runs, of a backend that takes runs up again.
async fn with_runs(bench: &Bench) -> Result<Container, Verdict> {
    if !bench.loaded.interfaces.runs {
        return not_checked("it exports no runs");
    }
    let (container, _) = bench.running().await?;
    bench.world.look_away();
    Ok(container)
}
