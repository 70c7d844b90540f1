//! What daemon and agent say to each other.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sockerless_agent_protocol::archive::PathStat;
use sockerless_agent_protocol::changes::Change;
use sockerless_agent_protocol::frame::{self, Cutter};
use sockerless_agent_protocol::handshake;
use sockerless_agent_protocol::input::Acknowledgements;
use sockerless_agent_protocol::process::{ErrorBody, MainRun, ProcessState, Top};
use sockerless_agent_protocol::sample::Sample;
use sockerless_agent_protocol::spec::ProcessSpec;

use crate::choices::Choices;

/// Docker's frames, in whatever pieces they come. The first byte is the length of the pieces.
pub(super) fn frames(input: &[u8]) {
    let mut choices = Choices::new(input);
    let step = usize::from(choices.byte()).max(1);
    let stream = choices.rest();
    let whole = cut(stream, stream.len().max(1));
    let pieces = cut(stream, step);
    // In pieces the frames before the wrong bytes arrive first.
    assert_eq!(pieces.1, whole.1, "whether it is an error does not depend on the pieces");
    assert!(whole.1.is_err() || pieces.0 == whole.0);
    assert!(stream.starts_with(&pieces.0), "nothing is changed");
    let passed = Bytes::from(pieces.0);
    let mut again = BytesMut::new();
    let mut position = 0;
    assert!(frame::is_boundary(&passed, 0));
    for frame in frame::frames(passed.clone()) {
        assert!(!frame.payload.is_empty() && frame.payload.len() <= frame::MAX_PAYLOAD);
        assert!(!frame::is_boundary(&passed, position + 1));
        frame::put(&mut again, frame.stream, &frame.payload);
        position = again.len();
        assert!(frame::is_boundary(&passed, position));
    }
    assert!(again == passed, "frames that were written again are the same");
    let mut acknowledgements = Acknowledgements::default();
    let newest = stream.chunks(step).filter_map(|piece| acknowledgements.push(piece)).last();
    let expected = stream.as_chunks::<8>().0.last().copied().map(u64::from_be_bytes);
    assert_eq!(newest, expected);
}

/// What passes, and how it ends.
fn cut(stream: &[u8], step: usize) -> (Vec<u8>, Result<(), frame::FrameError>) {
    let (mut cutter, mut passed) = (Cutter::default(), Vec::new());
    for piece in stream.chunks(step) {
        match cutter.push(Bytes::copy_from_slice(piece)) {
            Ok(frames) => passed.extend_from_slice(&frames),
            Err(error) => return (passed, Err(error)),
        }
    }
    (passed, Ok(()))
}

/// Everything else that is no stream: the first byte says which.
pub(super) fn messages(input: &[u8]) {
    let mut choices = Choices::new(input);
    let kind = choices.byte() % 9;
    let rest = choices.rest();
    let text = String::from_utf8_lossy(rest);
    match kind {
        0 => again::<ProcessState>(rest),
        1 => again::<Top>(rest),
        2 => again::<Sample>(rest),
        3 => again::<Vec<Change>>(rest),
        4 => again::<MainRun>(rest),
        5 => again::<ErrorBody>(rest),
        6 => {
            // As it is, and within its encoding.
            let decoded = ProcessSpec::decode(&text).ok();
            for spec in decoded.into_iter().chain(serde_json::from_slice(rest).ok()) {
                assert_eq!(ProcessSpec::decode(&spec.encode()).unwrap(), spec);
            }
        }
        7 => {
            let decoded = PathStat::decode(&text);
            for stat in decoded.into_iter().chain(serde_json::from_slice(rest).ok()) {
                assert_eq!(PathStat::decode(&stat.encode()), Some(stat));
            }
        }
        _ => shake_hands(rest),
    }
}

/// What can be read can be written, and is then the same.
fn again<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(json: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(json) {
        let written = serde_json::to_vec(&value).unwrap();
        assert_eq!(serde_json::from_slice::<T>(&written).unwrap(), value);
    }
}

/// The headers of a request for a WebSocket, a line each.
fn shake_hands(lines: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(64) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
            headers.append(name, value);
        }
    }
    if handshake::accepted(&headers).is_some() {
        for name in ["upgrade", "connection", "sec-websocket-version", "sec-websocket-key"] {
            assert!(headers.contains_key(name), "{name} is not there, and was not missed");
        }
    }
}
