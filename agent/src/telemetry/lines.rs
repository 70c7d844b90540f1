//! From output to lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::{Item, Sink};

/// Most bytes of a piece: a message of Application Insights has 32,768 characters.
const LONGEST: usize = 32_000;

/// Counts the lines of both streams of all runs, so that they can be put in order.
static SEQ: AtomicU64 = AtomicU64::new(0);

/// The lines of one stream.
pub(crate) struct Lines {
    sink: Sink,
    run: Arc<str>,
    stream: u8,
    open: Vec<u8>,
}

impl Lines {
    pub(super) fn new(sink: Sink, run: Arc<str>, stream: u8) -> Self {
        Self { sink, run, stream, open: Vec::new() }
    }

    /// Takes output in any pieces.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(at);
            self.open.extend_from_slice(line);
            self.cut();
            // A terminal ends its lines with two characters.
            if self.open.last() == Some(&b'\r') {
                self.open.pop();
            }
            let line = std::mem::take(&mut self.open);
            self.send(&line, false);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.open.extend_from_slice(bytes);
        self.cut();
    }

    /// Sends what is too long for one message in pieces, none of which ends within a character.
    fn cut(&mut self) {
        while self.open.len() > LONGEST {
            let mut at = LONGEST;
            while at > LONGEST - 4 && self.open.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
                at -= 1;
            }
            let rest = self.open.split_off(at);
            let piece = std::mem::replace(&mut self.open, rest);
            self.send(&piece, true);
        }
    }

    /// There is no more output.
    pub(crate) fn end(mut self) {
        if !self.open.is_empty() {
            let line = std::mem::take(&mut self.open);
            self.send(&line, true);
        }
    }

    fn send(&self, line: &[u8], partial: bool) {
        self.sink.send(Item {
            time: Timestamp::now(),
            run: self.run.clone(),
            stream: self.stream,
            seq: SEQ.fetch_add(1, Ordering::Relaxed),
            text: String::from_utf8_lossy(line).into_owned(),
            partial,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Message;
    use tokio::sync::mpsc;

    fn split(pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let (messages, mut inbox) = mpsc::unbounded_channel();
        let sink = Sink { messages, waiting: Arc::default(), lost: Arc::default() };
        let mut lines = sink.lines("r", 1);
        for piece in pieces {
            lines.write(piece);
        }
        lines.end();
        drop(sink);
        let mut found = Vec::new();
        while let Ok(Message::Item(item)) = inbox.try_recv() {
            found.push((item.text, item.partial));
        }
        found
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let lines = split(&[b"on", b"e\n\ntw", b"o\r\nrest"]);
        let expected = [("one", false), ("", false), ("two", false), ("rest", true)];
        assert_eq!(lines, expected.map(|(text, partial)| (text.to_owned(), partial)));
    }

    #[test]
    fn a_long_line_comes_in_pieces_and_no_character_is_cut() {
        let long = "ü".repeat(40_000);
        let lines = split(&[long.as_bytes(), b"\n"]);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|(text, _)| text.len() <= LONGEST));
        assert_eq!(lines.iter().filter(|(_, partial)| !partial).count(), 1);
        assert_eq!(lines.into_iter().map(|(text, _)| text).collect::<String>(), long);
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        assert_eq!(split(&[b"a\xffb\n"]), [("a\u{fffd}b".to_owned(), false)]);
    }
}
