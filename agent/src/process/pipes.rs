//! The agent's ends of a process's output.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use sockerless_agent_protocol::frame::{HEADER, MAX_PAYLOAD};
use tokio::io::unix::AsyncFd;

use crate::spool::Spool;
use crate::telemetry::Lines;

/// Makes a descriptor fit for the runtime. Only this end: the other one belongs to the process.
pub(super) fn nonblocking(fd: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Puts a descriptor under the care of the runtime, as a file that is read and written without waiting.
pub(super) fn on_runtime(fd: OwnedFd) -> io::Result<AsyncFd<File>> {
    // SAFETY: the file owns the descriptor and names the same one for as long as it lives, which is as long as the
    // registration.
    unsafe { Ok(AsyncFd::register(File::from(fd))?) }
}

/// Moves what a process writes into its spool, until nobody can write any more.
pub(super) async fn collect(fd: OwnedFd, stream: u8, spool: Arc<Spool>, mut lines: Option<Lines>) {
    let result = read_all(fd, stream, &spool, &mut lines).await;
    if let Err(error) = result {
        tracing::warn!(stream, %error, "the output of a process cannot be read on");
    }
    if let Some(lines) = lines {
        lines.end();
    }
}

async fn read_all(fd: OwnedFd, stream: u8, spool: &Arc<Spool>, lines: &mut Option<Lines>) -> io::Result<()> {
    let fd = on_runtime(fd)?;
    let mut buffer = vec![0; HEADER + MAX_PAYLOAD];
    loop {
        let count = {
            let payload = buffer.get_mut(HEADER..).unwrap_or_default();
            let mut ready = fd.readable().await?;
            match ready.try_io(|fd| fd.get_ref().read(payload)) {
                Ok(Ok(0)) => return Ok(()),
                Ok(Ok(count)) => count,
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => continue,
                // A terminal whose last user has gone.
                Ok(Err(error)) if error.raw_os_error() == Some(nix::libc::EIO) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => continue,
            }
        };
        let payload = buffer.get(HEADER..HEADER + count).unwrap_or_default();
        if let Some(lines) = lines {
            lines.write(payload);
        }
        spool.push(framed(stream, payload)).await;
    }
}

fn framed(stream: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEADER + payload.len());
    frame.put_u8(stream);
    frame.put_bytes(0, 3);
    // At most MAX_PAYLOAD.
    frame.put_u32(u32::try_from(payload.len()).unwrap_or(0));
    frame.put_slice(payload);
    frame.freeze()
}
