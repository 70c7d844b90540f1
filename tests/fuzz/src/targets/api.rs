//! The Docker API, at its socket.

use std::sync::Arc;

use sockerless_store::MemoryStore;

use crate::daemon::Daemon;
use crate::runtime::block_on;

/// What the daemon answers when a handler has panicked.
const BROKE_DOWN: &str = "the daemon could not handle the request";

/// Bytes as they are: heads of requests, chunked bodies, several requests one after the other, and what follows on one that takes the
/// connection over.
pub(super) fn http(input: &[u8]) {
    block_on(async {
        let daemon = Daemon::start(Arc::new(MemoryStore::default())).await;
        judge(&daemon.exchange(input).await);
        daemon.is_there().await;
        daemon.end().await;
    });
}

/// A request, well-formed as far as HTTP goes: the first line is its method and its path, the rest its body. A line `@` begins another
/// one.
pub(super) fn requests(input: &[u8]) {
    block_on(async {
        let daemon = Daemon::start(Arc::new(MemoryStore::default())).await;
        for request in split(input, b"\n@\n").into_iter().take(8) {
            let (head, body) = match request.iter().position(|byte| *byte == b'\n') {
                Some(end) => (&request[..end], &request[end + 1..]),
                None => (request, &[][..]),
            };
            // What could end the line would make another request of it, which is the other target's business.
            let printable = head.iter().all(|byte| matches!(byte, 0x20..0x7f));
            let mut parts = head.splitn(2, |byte| *byte == b' ');
            let (Some(method), Some(path)) = (parts.next(), parts.next()) else { continue };
            if !printable || path.contains(&b' ') {
                continue;
            }
            let mut bytes = [method, b" ", path, b" HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"].concat();
            bytes.extend_from_slice(b"Content-Type: application/json\r\nX-Registry-Auth: e30=\r\n");
            bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(body);
            judge(&daemon.exchange(&bytes).await);
        }
        daemon.is_there().await;
        daemon.end().await;
    });
}

fn split<'a>(mut input: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while let Some(end) = input.windows(separator.len()).position(|window| window == separator) {
        pieces.push(&input[..end]);
        input = &input[end + separator.len()..];
    }
    pieces.push(input);
    pieces
}

/// Whatever was asked, what comes back is HTTP, and no handler has broken down.
fn judge(answer: &[u8]) {
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", answer.escape_ascii());
    let text = String::from_utf8_lossy(answer);
    assert!(!text.contains(BROKE_DOWN), "{text}");
    if let Some(line) = text.lines().next() {
        let status: u16 = line.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        assert!((100..600).contains(&status), "{line}");
    }
}
