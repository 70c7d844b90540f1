//! The input of a process, from writers whose bytes are numbered (see the protocol's `input`).

use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::unix::AsyncFd;
use tokio_util::sync::CancellationToken;

use super::pipes::on_runtime;

/// Why bytes are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StdinError {
    /// The writer's bytes before this offset have not come.
    Gap,
    /// The same writer writes elsewhere now.
    Replaced,
}

/// One writer: where it is, and what ends the exchange that writes for it.
#[derive(Default)]
pub(crate) struct Writer {
    accepted: tokio::sync::Mutex<u64>,
    current: Mutex<CancellationToken>,
}

/// The way into a process.
pub(crate) struct Stdin {
    /// Nothing once it is closed. One writer at a time, so that the pieces of two are not mixed.
    pipe: tokio::sync::Mutex<Option<AsyncFd<std::fs::File>>>,
    /// A terminal's input has no end.
    tty: bool,
    gone: CancellationToken,
    writers: Mutex<HashMap<String, Arc<Writer>>>,
}

impl Stdin {
    pub(super) fn new(fd: OwnedFd, tty: bool) -> std::io::Result<Self> {
        Ok(Self {
            pipe: tokio::sync::Mutex::new(Some(on_runtime(fd)?)),
            tty,
            gone: CancellationToken::new(),
            writers: Mutex::default(),
        })
    }

    /// The process has ended: who writes is not held up.
    pub(super) fn end(&self) {
        self.gone.cancel();
    }

    /// Begins an exchange for a writer, and ends the one before it. Answers what the exchange holds on to.
    pub(crate) fn begin(&self, writer: &str) -> (Arc<Writer>, CancellationToken) {
        let writer =
            self.writers.lock().unwrap_or_else(PoisonError::into_inner).entry(writer.to_owned()).or_default().clone();
        let token = CancellationToken::new();
        let old = std::mem::replace(&mut *writer.current.lock().unwrap_or_else(PoisonError::into_inner), token.clone());
        old.cancel();
        (writer, token)
    }

    /// Writes the part of `bytes` that is new. Tells `accepted` after every piece.
    pub(crate) async fn write(
        &self,
        writer: &Writer,
        replaced: &CancellationToken,
        offset: u64,
        bytes: &[u8],
        mut tell: impl FnMut(u64),
    ) -> Result<(), StdinError> {
        let mut accepted = writer.accepted.lock().await;
        let old = accepted.checked_sub(offset).ok_or(StdinError::Gap)?;
        let mut rest = bytes.get(usize::try_from(old).unwrap_or(usize::MAX)..).unwrap_or_default();
        let mut pipe = self.pipe.lock().await;
        while !rest.is_empty() {
            let count = match &*pipe {
                None => rest.len(),
                Some(fd) => tokio::select! {
                    () = replaced.cancelled() => return Err(StdinError::Replaced),
                    // Nobody reads it any more: it is thrown away, as the Engine does.
                    () = self.gone.cancelled() => rest.len(),
                    written = write_some(fd, rest) => match written {
                        Ok(count) => count,
                        Err(_) => {
                            *pipe = None;
                            rest.len()
                        }
                    },
                },
            };
            *accepted += u64::try_from(count).unwrap_or(u64::MAX);
            tell(*accepted);
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Where a writer stands.
    pub(crate) async fn accepted(&self, writer: &Writer) -> u64 {
        *writer.accepted.lock().await
    }

    /// The process sees the end of its input.
    pub(crate) async fn close(&self) {
        if !self.tty {
            *self.pipe.lock().await = None;
        }
    }
}

async fn write_some(fd: &AsyncFd<std::fs::File>, bytes: &[u8]) -> std::io::Result<usize> {
    loop {
        let mut ready = fd.writable().await?;
        match ready.try_io(|fd| fd.get_ref().write(bytes)) {
            Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            Ok(result) => return result,
            Err(_would_block) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::pipes::nonblocking;
    use std::io::Read;

    fn pipe() -> (std::fs::File, Stdin) {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        nonblocking(&writer).unwrap();
        (reader.into(), Stdin::new(writer, false).unwrap())
    }

    #[tokio::test]
    async fn bytes_that_come_twice_are_written_once() {
        let (mut reader, stdin) = pipe();
        let (writer, token) = stdin.begin("w");
        let mut told = Vec::new();
        stdin.write(&writer, &token, 0, b"hello ", |at| told.push(at)).await.unwrap();
        let (writer, token) = stdin.begin("w");
        assert_eq!(stdin.accepted(&writer).await, 6);
        stdin.write(&writer, &token, 0, b"hello world", |at| told.push(at)).await.unwrap();
        assert_eq!(stdin.write(&writer, &token, 20, b"x", |_| {}).await, Err(StdinError::Gap));
        assert_eq!(told, [6, 11]);
        stdin.close().await;
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello world");
    }

    #[tokio::test]
    async fn a_new_exchange_ends_one_that_is_stuck() {
        let (_reader, stdin) = pipe();
        let stdin = Arc::new(stdin);
        let (writer, token) = stdin.begin("w");
        let stuck = tokio::spawn({
            let stdin = stdin.clone();
            async move { stdin.write(&writer, &token, 0, &vec![0; 1 << 20], |_| {}).await }
        });
        while !stuck.is_finished() {
            tokio::task::yield_now().await;
            stdin.begin("w");
        }
        assert_eq!(stuck.await.unwrap(), Err(StdinError::Replaced));
    }

    #[tokio::test]
    async fn input_for_a_process_that_has_ended_is_thrown_away() {
        let (_reader, stdin) = pipe();
        stdin.end();
        let (writer, token) = stdin.begin("w");
        stdin.write(&writer, &token, 0, &vec![0; 1 << 20], |_| {}).await.unwrap();
        assert_eq!(stdin.accepted(&writer).await, 1 << 20);
    }
}
