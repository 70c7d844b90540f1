//! `inventory`.

use std::collections::HashSet;

use sockerless_backend::types::{Container, InventoryItem};

use crate::bench::Bench;
use crate::run::DAEMON;
use crate::verdict::{ASKS_NOBODY, Outcome, Verdict, finding, not_checked};
use crate::world::Trouble;

/// A cloud with a handful of containers has no list of more pages.
const MOST_PAGES: usize = 1_000;

pub(super) async fn lists_what_is_there(bench: &Bench) -> Outcome {
    let container = with_inventory(bench).await?;
    let Some(item) = listed(bench, &container).await? else {
        return finding("a container that create has made is not in the list");
    };
    if item.owner.as_deref() != Some(DAEMON) {
        return finding(format!("its owner is {:?}, and host.id answered {DAEMON:?} at its create", item.owner));
    }
    if item.name != container.name || item.image != container.image {
        return finding(format!("it is listed with the name {:?} and the image {:?}", item.name, item.image));
    }
    // All that a host has of a container that it has lost.
    let found =
        Container { handle: Some(item.handle), command: Vec::new(), environment: Vec::new(), ..container.clone() };
    if let Err(error) = bench.remove(&found, true).await? {
        return finding(format!("remove by the handle of the list answered: {error}"));
    }
    match listed(bench, &container).await? {
        Some(_) => finding("it is still in the list after a remove"),
        None => Ok(()),
    }
}

pub(super) async fn changes_nothing(bench: &Bench) -> Outcome {
    let container = with_inventory(bench).await?;
    bench.world.look_away();
    if let Some(item) = listed(bench, &container).await? {
        drop(bench.agent_environment(&item).await?);
    }
    match bench.world.changes().first() {
        Some(change) => finding(change),
        None => Ok(()),
    }
}

pub(super) async fn gone(bench: &Bench) -> Outcome {
    let container = with_inventory(bench).await?;
    let Some(item) = listed(bench, &container).await? else { return not_checked("the container is not in the list") };
    if let Err(error) = bench.remove(&container, true).await? {
        return not_checked(format!("remove answered: {error}"));
    }
    match bench.agent_environment(&item).await? {
        Ok(environment) if !environment.is_empty() => {
            finding("agent-environment answered something for a container that is gone")
        }
        _ => Ok(()),
    }
}

/// Half a list, or none, would have a host take what is there for gone.
pub(super) async fn cloud_in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        let container = with_inventory(bench).await?;
        bench.world.trouble(Some(trouble));
        let answer = bench.inventory(None).await?;
        if !bench.world.was_asked() {
            return not_checked(ASKS_NOBODY);
        }
        if answer.is_ok() {
            return finding(format!("the list was answered when the cloud {}", trouble.words()));
        }
        bench.world.trouble(None);
        drop(bench.remove(&container, true).await?);
    }
    Ok(())
}

/// A container that is made, of a backend that has an inventory.
async fn with_inventory(bench: &Bench) -> Result<Container, Verdict> {
    if !bench.loaded.interfaces.inventory {
        return not_checked("it exports no inventory");
    }
    bench.made().await
}

async fn listed(bench: &Bench, container: &Container) -> Result<Option<InventoryItem>, Verdict> {
    let (mut found, mut cursor, mut known) = (None, None, HashSet::new());
    for _ in 0..MOST_PAGES {
        let page = match bench.inventory(cursor).await? {
            Ok(page) => page,
            Err(error) => return not_checked(format!("inventory.list answered: {error}")),
        };
        found = found.or_else(|| page.items.into_iter().find(|item| item.id == container.id));
        match page.next {
            None => return Ok(found),
            Some(next) if !known.insert(next.clone()) => {
                return finding(format!("the cursor {next:?} came a second time: the pages go in a circle"));
            }
            next => cursor = next,
        }
    }
    finding(format!("the list has more than {MOST_PAGES} pages"))
}
