//! The emulator's end of a container's helper process.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::protocol::{InitEvent, InitOrder, InitSpec, MAX_LINE};

/// A container that is starting, running or ended. Dropping it kills the container.
#[derive(Debug)]
pub(super) struct Process {
    events: BufReader<OwnedReadHalf>,
    orders: Option<OwnedWriteHalf>,
    helper: Child,
}

/// What a container writes.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// Starts the helper and tells it what to run. What became of that are its [events](Self::event).
    pub(super) async fn spawn(init: &Path, spec: &InitSpec) -> io::Result<(Self, Output)> {
        let (own, theirs) = StdStream::pair()?;
        own.set_nonblocking(true)?;
        let mut helper = Command::new(init)
            .arg("container-init")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is the emulator's to handle.
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot execute {}: {error}", init.display())))?;
        let (Some(stdout), Some(stderr)) = (helper.stdout.take(), helper.stderr.take()) else {
            return Err(io::Error::other("the helper has no output"));
        };
        let (read, mut orders) = UnixStream::from_std(own)?.into_split();
        let mut line = serde_json::to_vec(spec)?;
        line.push(b'\n');
        orders.write_all(&line).await?;
        let process = Self { events: BufReader::new(read), orders: Some(orders), helper };
        Ok((process, Output { stdout, stderr }))
    }

    /// The next event; `None` when the helper is gone. Not to be cancelled in the middle of a line, which
    /// the helper writes whole.
    pub(super) async fn event(&mut self) -> Option<InitEvent> {
        let mut line = Vec::new();
        (&mut self.events).take(MAX_LINE).read_until(b'\n', &mut line).await.ok()?;
        serde_json::from_slice(&line).ok()
    }

    /// Sends a signal to the container's first process.
    pub(super) async fn signal(&mut self, signal: i32) -> io::Result<()> {
        let mut line = serde_json::to_vec(&InitOrder::Signal { signal })?;
        line.push(b'\n');
        match &mut self.orders {
            Some(orders) => orders.write_all(&line).await,
            None => Ok(()),
        }
    }

    /// Kills everything in the container, and comes back when nothing of it is left.
    pub(super) async fn kill(&mut self) {
        self.orders = None;
        while self.event().await.is_some() {}
        // An error means that it was waited for already.
        let _ = self.helper.wait().await;
    }
}
