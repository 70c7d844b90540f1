//! `lifecycle.create`.

use sockerless_backend::types::{Container, Recovered};

use crate::bench::{Bench, without_handle};
use crate::verdict::{ASKS_NOBODY, Outcome, finding, not_checked};
use crate::world::{Agents, Trouble};

pub(super) async fn works(bench: &Bench) -> Outcome {
    // A handle of more than 64 KiB is a fault of the call, as a trap is.
    bench.made().await.map(drop)
}

pub(super) async fn repeated(bench: &Bench) -> Outcome {
    let first = bench.made().await?;
    let before = bench.world.resources();
    let again = without_handle(&first);
    let handle = match bench.create(&again, "created").await? {
        Ok(handle) => handle,
        Err(error) => return finding(format!("the second call under the same key answered: {error}")),
    };
    let after = bench.world.resources();
    if after != before {
        return finding(format!("the second call under the same key made something more: {before:?} became {after:?}"));
    }
    let second = Container { handle: Some(handle), ..again };
    if let Ok(Recovered::Absent) = bench.recover(&second).await? {
        return finding("recover says absent of the handle that the second call answered");
    }
    clean(bench, &second, "after two calls under the same key").await
}

pub(super) async fn answer_lost(bench: &Bench) -> Outcome {
    bench.world.lose_an_answer();
    let mut container = bench.container();
    let created = bench.create(&container, "created").await?;
    if bench.world.has_lost_no_answer() {
        return not_checked("it changes nothing in the cloud by which this world could tell");
    }
    // The host calls remove without a handle if create was an error.
    container.handle = created.ok();
    clean(bench, &container, "after a create whose answer was lost").await
}

pub(super) async fn cloud_in_trouble(bench: &Bench) -> Outcome {
    let mut was_asked = false;
    for trouble in Trouble::ALL {
        bench.world.reset();
        let container = bench.container();
        bench.world.trouble(Some(trouble));
        let created = bench.create(&container, "created").await?;
        if bench.world.was_asked() {
            was_asked = true;
            if created.is_ok() {
                return finding(format!("create answered a handle when the cloud {}", trouble.words()));
            }
        }
        bench.world.trouble(None);
        clean(bench, &container, &format!("after a create when the cloud {}", trouble.words())).await?;
    }
    if was_asked { Ok(()) } else { not_checked(ASKS_NOBODY) }
}

pub(super) async fn without_agents(bench: &Bench) -> Outcome {
    bench.world.agents(Agents::None);
    let mut container = bench.container();
    match bench.create(&container, "created").await? {
        Ok(handle) => container.handle = Some(handle),
        // It may need them. That it says so is enough.
        Err(_) => return clean(bench, &container, "after a create that was an error").await,
    }
    if let Ok(started) = bench.start(&container).await? {
        container.handle = started.handle.or(container.handle);
    }
    clean(bench, &container, "without agents").await
}

/// Removes a container, after which nothing may be left.
async fn clean(bench: &Bench, container: &Container, when: &str) -> Outcome {
    if let Err(error) = bench.remove(container, true).await? {
        return finding(format!("{when}, remove answered: {error}"));
    }
    match bench.world.resources().first() {
        Some(left) => finding(format!("{when}, remove left {left} in the cloud")),
        None => Ok(()),
    }
}
