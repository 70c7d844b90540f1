//! `lifecycle.start`.

use sockerless_backend::types::RunEnd;

use crate::bench::{Bench, run_of};
use crate::verdict::{Outcome, finding, not_checked};
use crate::world::{Act, Agents, Trouble};

pub(super) async fn works(bench: &Bench) -> Outcome {
    let (container, started) = bench.running().await?;
    match started.end {
        RunEnd::After(_) => Ok(()),
        RunEnd::Agent => {
            let run = run_of(&container);
            if bench.world.acts().contains(&Act::Prepared { run }) {
                Ok(())
            } else {
                finding(
                    "start answered that the agent tells of the end of the run, and has not called agents.prepare for it",
                )
            }
        }
        RunEnd::Response => match bench.world.outcome() {
            Some(_) => Ok(()),
            None => finding("start answered that the outcome of its request decides, and has dispatched none"),
        },
    }
}

pub(super) async fn prepares_first(bench: &Bench) -> Outcome {
    bench.running().await?;
    let acts = bench.world.acts();
    let Some(keyed) = acts.iter().position(|act| *act == Act::Keyed) else {
        return not_checked("it signs no request for an agent");
    };
    match acts.iter().position(|act| matches!(act, Act::Prepared { .. })) {
        Some(prepared) if prepared < keyed => Ok(()),
        _ => finding(
            "the request that starts the command was sent before agents.prepare: a report of the agent could come too early",
        ),
    }
}

pub(super) async fn not_made(bench: &Bench) -> Outcome {
    let container = bench.container();
    match bench.start(&container).await? {
        Ok(started) => finding(format!("start of a container without a handle answered {:?}", started.end)),
        Err(_) => Ok(()),
    }
}

pub(super) async fn in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        let container = bench.made().await?;
        bench.world.trouble(Some(trouble));
        bench.world.agents(Agents::StayAway);
        drop(bench.start(&container).await?);
    }
    Ok(())
}
