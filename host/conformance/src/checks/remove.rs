//! `lifecycle.remove`.

use crate::bench::{Bench, without_handle};
use crate::verdict::{ASKS_NOBODY, Outcome, finding, not_checked};
use crate::world::Trouble;

pub(super) async fn leaves_nothing(bench: &Bench) -> Outcome {
    let (container, _) = bench.running().await?;
    if let Err(error) = bench.remove(&container, true).await? {
        return finding(format!("remove with force of a container that runs answered: {error}"));
    }
    match bench.world.resources().first() {
        Some(left) => finding(format!("remove left {left} in the cloud")),
        None => Ok(()),
    }
}

pub(super) async fn twice(bench: &Bench) -> Outcome {
    let container = bench.made().await?;
    if let Err(error) = bench.remove(&container, false).await? {
        return finding(format!("remove of a container that was never started answered: {error}"));
    }
    for (container, how) in [(&container, "with its handle"), (&without_handle(&container), "without a handle")] {
        if let Err(error) = bench.remove(container, false).await? {
            return finding(format!("a second remove, {how}, answered: {error}"));
        }
    }
    Ok(())
}

pub(super) async fn never_made(bench: &Bench) -> Outcome {
    // Another container's must stay.
    let other = bench.made().await?;
    let before = bench.world.resources();
    let never_made = bench.container();
    for force in [false, true] {
        if let Err(error) = bench.remove(&never_made, force).await? {
            return finding(format!("remove of a container that was never made, force {force}, answered: {error}"));
        }
    }
    let after = bench.world.resources();
    if after != before {
        return finding(format!(
            "remove of a container that was never made took away another's: {before:?} became {after:?}"
        ));
    }
    drop(bench.remove(&other, true).await?);
    Ok(())
}

pub(super) async fn cloud_in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        // A success is a success, whatever its text.
        if trouble == Trouble::Babbling {
            continue;
        }
        let container = bench.made().await?;
        bench.world.trouble(Some(trouble));
        let removed = bench.remove(&container, true).await?;
        if !bench.world.was_asked() {
            return not_checked(ASKS_NOBODY);
        }
        if removed.is_ok() {
            return finding(format!(
                "remove succeeded when the cloud {}: what it was to delete is forgotten",
                trouble.words()
            ));
        }
    }
    Ok(())
}
