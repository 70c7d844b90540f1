//! Handles: the promise of a version to the next one.

use sockerless_backend::BackendError;
use sockerless_backend::types::{Container, Handle, LogQuery, Recovered};

use crate::bench::Bench;
use crate::verdict::{Outcome, finding};

pub(super) async fn comes_back(bench: &Bench) -> Outcome {
    let container = bench.made().await?;
    match bench.recover(&container).await? {
        Ok(Recovered::Present(_)) => {}
        Ok(Recovered::Absent) => return finding("recover says absent of a container that create has just made"),
        Err(error) => return finding(format!("recover of a container that create has just made answered: {error}")),
    }
    match bench.load_again(vec![container]).await {
        Ok(_) => Ok(()),
        Err(error) => finding(format!("the same component cannot take over its own container: {error}")),
    }
}

pub(super) async fn unknown_version(bench: &Bench) -> Outcome {
    let made = bench.made().await?;
    let Some(handle) = &made.handle else { return Ok(()) };
    let unknown = Container { handle: Some(Handle { version: u32::MAX, ..handle.clone() }), ..made.clone() };
    match bench.recover(&unknown).await? {
        Err(BackendError::Invalid(_)) => {}
        Err(error) => return finding(format!("recover answered another error than invalid: {error}")),
        Ok(found) => return finding(format!("recover answered {found:?} to a handle of version {}", u32::MAX)),
    }
    match bench.start(&unknown).await? {
        Err(BackendError::Invalid(_)) => {}
        Err(error) => return finding(format!("start answered another error than invalid: {error}")),
        Ok(_) => return finding(format!("start took a handle of version {}", u32::MAX)),
    }
    every_export(bench, &unknown).await
}

pub(super) async fn unreadable(bench: &Bench) -> Outcome {
    let made = bench.made().await?;
    let Some(handle) = &made.handle else { return Ok(()) };
    let cut = handle.data[..handle.data.len() / 2].to_vec();
    for data in [Vec::new(), cut, vec![0xff; 100], b"{}".to_vec()] {
        let unreadable = Container { handle: Some(Handle { version: handle.version, data }), ..made.clone() };
        drop(bench.recover(&unreadable).await?);
        every_export(bench, &unreadable).await?;
    }
    Ok(())
}

/// Whatever each says of it, none may trap.
async fn every_export(bench: &Bench, container: &Container) -> Outcome {
    drop(bench.start(container).await?);
    drop(bench.stop(container).await?);
    drop(bench.kill(container, "SIGKILL").await?);
    drop(bench.restart(container).await?);
    if bench.loaded.interfaces.logs {
        drop(bench.logs(container, LogQuery::default(), None).await?);
    }
    drop(bench.remove(container, true).await?);
    Ok(())
}
