//! `lifecycle.recover`.

use sockerless_backend::types::Recovered;

use crate::bench::{Bench, without_handle};
use crate::verdict::{ASKS_NOBODY, Outcome, finding, not_checked};
use crate::world::Trouble;

pub(super) async fn changes_nothing(bench: &Bench) -> Outcome {
    let container = bench.made().await?;
    let (running, _) = bench.running().await?;
    bench.world.look_away();
    for container in [&container, &without_handle(&container), &running] {
        drop(bench.recover(container).await?);
        if let Some(change) = bench.world.changes().first() {
            return finding(change);
        }
    }
    Ok(())
}

pub(super) async fn never_made(bench: &Bench) -> Outcome {
    let container = bench.container();
    match bench.recover(&container).await? {
        Ok(Recovered::Absent) => Ok(()),
        Ok(Recovered::Present(_)) => {
            finding("recover says present of a container that was never made, and has no handle")
        }
        Err(error) => finding(format!("recover of a container that was never made answered: {error}")),
    }
}

pub(super) async fn removed(bench: &Bench) -> Outcome {
    let container = bench.made().await?;
    let is_in_a_cloud = !bench.world.resources().is_empty();
    if let Err(error) = bench.remove(&container, true).await? {
        return not_checked(format!("remove answered: {error}"));
    }
    match bench.recover(&without_handle(&container)).await? {
        Ok(Recovered::Absent) => {}
        other => return finding(format!("recover answered {other:?} after a remove, without a handle")),
    }
    // Where there is no cloud the handle is all there is, and the host forgets it.
    match bench.recover(&container).await? {
        Ok(Recovered::Absent) => Ok(()),
        _ if !is_in_a_cloud => Ok(()),
        other => finding(format!("recover answered {other:?} after a remove, with the handle of before")),
    }
}

pub(super) async fn cloud_in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        let container = bench.made().await?;
        bench.world.trouble(Some(trouble));
        let found = bench.recover(&container).await?;
        if !bench.world.was_asked() {
            return not_checked(ASKS_NOBODY);
        }
        if found == Ok(Recovered::Absent) {
            return finding(format!(
                "recover says absent when the cloud {}: the host forgets the container",
                trouble.words()
            ));
        }
    }
    Ok(())
}
