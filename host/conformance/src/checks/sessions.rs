//! `exec` and `attach`.

use sockerless_backend::sessions::{Connection, ExecProcess, ExecState, Framing, StreamsWanted, TerminalSize};
use sockerless_backend::types::Container;
use tokio::io::AsyncReadExt as _;

use crate::bench::{Bench, without_handle};
use crate::verdict::{ASKS_NOBODY, Outcome, Verdict, finding, not_checked};
use crate::world::Trouble;

/// Most that a command of this world writes.
const MOST_OUTPUT: u64 = 1 << 20;
const SIZE: TerminalSize = TerminalSize { rows: 24, columns: 80 };
const ALL_STREAMS: StreamsWanted = StreamsWanted { stdin: true, stdout: true, stderr: true, logs: false, follow: true };

fn process(tty: bool) -> ExecProcess {
    ExecProcess {
        command: vec!["echo".to_owned(), "hello".to_owned()],
        environment: vec!["A=b".to_owned()],
        tty,
        size: tty.then_some(SIZE),
        stdin: true,
        ..ExecProcess::default()
    }
}

pub(super) async fn exec_runs(bench: &Bench) -> Outcome {
    let container = with_exec(bench).await?;
    let started = match bench.exec_start(&container, process(false)).await? {
        Ok(started) => started,
        Err(error) => return not_checked(format!("exec.start answered: {error}")),
    };
    read(started.connection).await?;
    match bench.exec_inspect(&container, &started.id).await? {
        Ok(ExecState::Exited(_)) => Ok(()),
        Ok(ExecState::Running) => finding("its connection has ended, and inspect answers that it runs"),
        Err(error) => finding(format!("inspect of what start has run answered: {error}")),
    }
}

pub(super) async fn exec_in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        let container = with_exec(bench).await?;
        bench.world.trouble(Some(trouble));
        let answer = bench.exec_start(&container, process(false)).await?;
        if !bench.world.was_asked() {
            return not_checked(ASKS_NOBODY);
        }
        if answer.is_ok() {
            return finding(format!("exec.start answered a connection when the cloud {}", trouble.words()));
        }
        if let Ok(ExecState::Exited(code)) = bench.exec_inspect(&container, "exec").await? {
            return finding(format!("exec.inspect answered the code {code} when the cloud {}", trouble.words()));
        }
        bench.world.trouble(None);
        drop(bench.remove(&container, true).await?);
    }
    Ok(())
}

pub(super) async fn exec_any_order(bench: &Bench) -> Outcome {
    let container = with_exec(bench).await?;
    for id in ["", "no id of yours", "../..", "\u{0}"] {
        drop(bench.exec_inspect(&container, id).await?);
        drop(bench.exec_resize(&container, id, SIZE).await?);
    }
    drop(bench.exec_start(&container, process(true)).await?);
    drop(bench.exec_start(&without_handle(&container), process(false)).await?);
    drop(bench.remove(&container, true).await?);
    drop(bench.exec_start(&container, process(false)).await?);
    Ok(())
}

pub(super) async fn attach_opens(bench: &Bench) -> Outcome {
    if !bench.loaded.interfaces.attach {
        return not_checked("it exports no attach");
    }
    let container = bench.made().await?;
    // Docker's client attaches before it starts.
    let connection = match bench.attach(&container, ALL_STREAMS).await? {
        Ok(connection) => connection,
        Err(error) => return finding(format!("attach.open of a container that is not started yet answered: {error}")),
    };
    if let Some(change) = bench.world.changes().first() {
        return finding(change);
    }
    read(connection).await?;
    let (container, _) = bench.running().await?;
    match bench.attach(&container, ALL_STREAMS).await? {
        Ok(connection) => read(connection).await,
        Err(error) => finding(format!("attach.open of a container that runs answered: {error}")),
    }
}

pub(super) async fn attach_any_order(bench: &Bench) -> Outcome {
    if !bench.loaded.interfaces.attach {
        return not_checked("it exports no attach");
    }
    let (container, _) = bench.running().await?;
    drop(bench.attach(&without_handle(&container), ALL_STREAMS).await?);
    drop(bench.attach(&container, StreamsWanted::default()).await?);
    drop(bench.attach_resize(&container, SIZE).await?);
    for trouble in Trouble::ALL {
        bench.world.trouble(Some(trouble));
        if bench.attach(&container, ALL_STREAMS).await?.is_ok() {
            return finding(format!("attach.open answered a connection when the cloud {}", trouble.words()));
        }
    }
    bench.world.trouble(None);
    drop(bench.remove(&container, true).await?);
    drop(bench.attach(&container, ALL_STREAMS).await?);
    Ok(())
}

/// A container that runs, of a backend that runs commands.
async fn with_exec(bench: &Bench) -> Result<Container, Verdict> {
    if !bench.loaded.interfaces.exec {
        return not_checked("it exports no exec");
    }
    Ok(bench.running().await?.0)
}

/// Reads a connection to its end. What is on it must be what the backend says.
async fn read(connection: Connection) -> Outcome {
    let mut output = Vec::new();
    let read = connection.stream.take(MOST_OUTPUT).read_to_end(&mut output).await;
    if let Err(error) = read {
        return not_checked(format!("the connection broke: {error}"));
    }
    let mut rest = output.as_slice();
    while connection.framing == Framing::Multiplexed && !rest.is_empty() {
        let Some((&[0..=3, 0, 0, 0, a, b, c, d], after)) = rest.split_first_chunk() else {
            return finding(
                "it says that the output is multiplexed, and there is something else than frames on the connection",
            );
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some(after) = after.get(length..) else {
            return finding("it says that the output is multiplexed, and the last frame is longer than what is there");
        };
        rest = after;
    }
    Ok(())
}
