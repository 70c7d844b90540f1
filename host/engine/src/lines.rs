//! Frames into lines.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sockerless_agents::Piece;

use crate::error::Result;
use crate::frames::Streams;

/// A line longer than this is told in parts.
const LONGEST: usize = 16 * 1024;

/// One line of a log, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// 1 or 2.
    pub(crate) stream: u8,
    /// Without its newline.
    pub(crate) text: Bytes,
    /// A newline follows.
    pub(crate) ended: bool,
}

/// Collects the lines of two streams that are mixed in one.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: BTreeMap<u8, BytesMut>,
}

impl Lines {
    /// The lines of some output. With `tail`, of what ends at or before its offset only the last lines are told.
    pub(crate) fn of(
        pieces: impl Stream<Item = Result<Piece>> + Send + 'static,
        streams: Streams,
        tail: Option<(u64, u64)>,
    ) -> impl Stream<Item = Result<Line>> + Send {
        let pieces = pieces.try_filter(move |piece| std::future::ready(streams.wants(piece.stream)));
        let held = tail.map(|(keep, until)| (usize::try_from(keep).unwrap_or(usize::MAX), until, VecDeque::new()));
        let state = (Box::pin(pieces), Self::default(), held, false);
        stream::unfold(state, |(mut pieces, mut lines, mut held, done)| async move {
            if done {
                return None;
            }
            let (batch, done): (Vec<Result<Line>>, bool) = match pieces.next().await {
                Some(Ok(piece)) => {
                    let past = held.as_ref().is_some_and(|(_, until, _)| piece.end > *until);
                    let mut batch = if past { released(&mut held) } else { Vec::new() };
                    let fresh = lines.push(&piece);
                    match &mut held {
                        None => batch.extend(fresh.into_iter().map(Ok)),
                        Some((keep, until, tail)) => {
                            for line in fresh {
                                tail.push_back(line);
                                if tail.len() > *keep {
                                    tail.pop_front();
                                }
                            }
                            if piece.end >= *until {
                                batch.extend(released(&mut held));
                            }
                        }
                    }
                    (batch, false)
                }
                Some(Err(error)) => (vec![Err(error)], true),
                None => {
                    let mut batch = released(&mut held);
                    batch.extend(lines.rest().into_iter().map(Ok));
                    (batch, true)
                }
            };
            Some((stream::iter(batch), (pieces, lines, held, done)))
        })
        .flatten()
    }

    fn push(&mut self, piece: &Piece) -> Vec<Line> {
        let open = self.open.entry(piece.stream).or_default();
        let mut lines = Vec::new();
        let mut rest = &piece.payload[..];
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(at);
            open.extend_from_slice(line);
            lines.push(Line { stream: piece.stream, text: open.split().freeze(), ended: true });
            rest = after.get(1..).unwrap_or_default();
        }
        open.extend_from_slice(rest);
        while open.len() > LONGEST {
            lines.push(Line { stream: piece.stream, text: open.split_to(LONGEST).freeze(), ended: false });
        }
        lines
    }

    fn rest(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.open)
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(stream, text)| Line { stream, text: text.freeze(), ended: false })
            .collect()
    }
}

fn released(held: &mut Option<(usize, u64, VecDeque<Line>)>) -> Vec<Result<Line>> {
    held.take().map(|(_, _, tail)| tail.into_iter().map(Ok).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(stream: u8, text: &'static str, end: u64) -> Result<Piece> {
        Ok(Piece { stream, payload: Bytes::from_static(text.as_bytes()), end })
    }

    async fn lines(pieces: Vec<Result<Piece>>, tail: Option<(u64, u64)>) -> Vec<(u8, String, bool)> {
        let lines: Vec<Line> = Lines::of(stream::iter(pieces), Streams::BOTH, tail).try_collect().await.unwrap();
        lines.into_iter().map(|line| (line.stream, String::from_utf8_lossy(&line.text).into(), line.ended)).collect()
    }

    #[tokio::test]
    async fn lines_are_put_together_by_stream() {
        let pieces = vec![piece(1, "one\ntw", 1), piece(2, "err\n", 2), piece(1, "o\nrest", 3)];
        let expected = [(1, "one", true), (2, "err", true), (1, "two", true), (1, "rest", false)];
        let expected: Vec<_> = expected.map(|(stream, text, ended)| (stream, text.to_owned(), ended)).into();
        assert_eq!(lines(pieces, None).await, expected);
    }

    #[tokio::test]
    async fn a_tail_counts_only_what_was_there() {
        let pieces = vec![piece(1, "a\nb\nc\n", 10), piece(1, "d\ne\n", 20)];
        let texts = |lines: Vec<(u8, String, bool)>| lines.into_iter().map(|line| line.1).collect::<Vec<_>>();
        assert_eq!(texts(lines(pieces.clone(), Some((1, 10))).await), ["c", "d", "e"]);
        assert_eq!(texts(lines(pieces.clone(), Some((0, 10))).await), ["d", "e"]);
        assert_eq!(texts(lines(pieces, Some((2, 20))).await), ["d", "e"]);
    }
}
