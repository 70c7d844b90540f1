//! Sessions of the engine on connections that are taken over.

use std::fmt::Write as _;

use bytes::Bytes;
use http::HeaderMap;
use http::header::UPGRADE;
use sockerless_engine::{Error, Session, Stdin};
use tokio_util::sync::CancellationToken;

use crate::places::Place;
use crate::server::{Hijack, Input, pump};
use crate::wire::Version;

/// Output of two streams is announced as such from this version on.
const MULTIPLEXED: Version = Version::new(1, 42);

pub(super) const RAW_STREAM: &str = "application/vnd.docker.raw-stream";
pub(super) const MULTIPLEXED_STREAM: &str = "application/vnd.docker.multiplexed-stream";

/// The content type of output.
pub(super) fn content_type(tty: bool, version: Version) -> &'static str {
    if !tty && version >= MULTIPLEXED { MULTIPLEXED_STREAM } else { RAW_STREAM }
}

/// The head that the Engine answers with. A client that asked for an upgrade, to whatever, gets one; another gets 200,
/// and is told of a raw stream whatever the stream is.
pub(super) fn head(headers: &HeaderMap, tty: bool, version: Version, more: &str) -> String {
    let mut head = String::new();
    // Writing to a string cannot fail.
    let _ = if headers.contains_key(UPGRADE) {
        let kind = content_type(tty, version);
        write!(
            head,
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: {kind}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n{more}\r\n"
        )
    } else {
        write!(head, "HTTP/1.1 200 OK\r\nContent-Type: {RAW_STREAM}\r\n{more}\r\n")
    };
    head
}

/// Takes the connection over for a session.
pub(super) fn hijack(head: String, session: Session, place: Place, stopping: CancellationToken) -> Hijack {
    Hijack::new(head, |socket, early| async move {
        let _place = place;
        pump(socket, early, session.output, session.stdin, stopping).await;
    })
}

impl Input for Stdin {
    type Error = Error;

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        Self::write(self, bytes).await
    }

    async fn finish(self) -> Result<(), Error> {
        Self::finish(self).await
    }
}

#[cfg(test)]
mod tests {
    use super::{content_type, head};
    use crate::wire::Version;
    use http::{HeaderMap, HeaderValue, header::UPGRADE};

    #[test]
    fn content_types_by_version() {
        for (tty, minor, want) in
            [(false, 42, "multiplexed-stream"), (false, 41, "raw-stream"), (true, 51, "raw-stream")]
        {
            assert_eq!(content_type(tty, Version::new(1, minor)), format!("application/vnd.docker.{want}"));
        }
    }

    #[test]
    fn heads_of_the_engine() {
        let upgrade = HeaderMap::from_iter([(UPGRADE, HeaderValue::from_static("tcp"))]);
        let version = Version::new(1, 51);
        assert_eq!(
            head(&upgrade, false, version, ""),
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\
             Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        );
        assert_eq!(
            head(&HeaderMap::new(), false, version, "A: b\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nA: b\r\n\r\n"
        );
    }
}
