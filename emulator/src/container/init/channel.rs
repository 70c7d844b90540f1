//! The helper's end of the socket to the emulator.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use serde::de::DeserializeOwned;

use crate::container::protocol::{InitEvent, MAX_LINE};

/// What is told to the emulator.
pub(super) struct Events(UnixStream);

/// What the emulator orders.
pub(super) struct Orders(BufReader<UnixStream>);

/// Takes the socket over from standard input.
pub(super) fn open() -> io::Result<(Events, Orders)> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Fails here, not later, when standard input is something else.
    socket.local_addr()?;
    Ok((Events(socket.try_clone()?), Orders(BufReader::new(socket))))
}

impl Events {
    /// Sends one event. An emulator that is gone is noticed by [`Orders`], so nothing is said here.
    pub(super) fn send(&self, event: &InitEvent) {
        if let Ok(mut line) = serde_json::to_vec(event) {
            line.push(b'\n');
            let _ = (&self.0).write_all(&line);
        }
    }

    /// Sends a remark for the app's platform log.
    pub(super) fn note(&self, message: impl Into<String>) {
        self.send(&InitEvent::Note { message: message.into() });
    }
}

impl Orders {
    /// The next order, `None` at the end.
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        (&mut self.0).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).map_err(io::Error::other)
    }

    /// Whether bytes have arrived beyond the last order that was read.
    pub(super) fn has_more(&self) -> bool {
        !self.0.buffer().is_empty()
    }
}

impl AsFd for Orders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
