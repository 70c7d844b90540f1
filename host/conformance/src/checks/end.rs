//! `lifecycle.stop`, `kill` and `restart`.

use sockerless_backend::types::Disposition;

use crate::bench::{Bench, without_handle};
use crate::verdict::{Outcome, finding};
use crate::world::Act;

pub(super) async fn kill_ends_the_run(bench: &Bench) -> Outcome {
    let (container, _) = bench.running().await?;
    bench.world.look_away();
    let killed = bench.kill(&container, "SIGKILL").await?;
    let acted = bench.world.acts().iter().any(|act| matches!(act, Act::Disconnected | Act::Sent { .. }));
    if killed == Ok(Disposition::Done) && !acted {
        return finding(
            "kill answered done, and has neither called agents.disconnect nor asked its cloud: the host counts the container as \
             running on",
        );
    }
    Ok(())
}

pub(super) async fn unknown_signal(bench: &Bench) -> Outcome {
    let (container, _) = bench.running().await?;
    for signal in ["SIGNONSENSE", "", "0", "SIGRTMAX+100"] {
        drop(bench.kill(&container, signal).await?);
    }
    Ok(())
}

pub(super) async fn any_order(bench: &Bench) -> Outcome {
    let made = bench.made().await?;
    let mut states = vec![without_handle(&made), made];
    let (running, _) = bench.running().await?;
    states.push(running.clone());
    drop(bench.remove(&running, true).await?);
    states.push(running);
    for container in &states {
        drop(bench.stop(container).await?);
        drop(bench.stop(container).await?);
        drop(bench.kill(container, "SIGTERM").await?);
        drop(bench.kill(container, "SIGKILL").await?);
        drop(bench.restart(container).await?);
    }
    Ok(())
}
