//! A guest's standard output and error: lines of the daemon's log.
//!
//! A language's runtime writes there what it has no other way to say, above all the text of a panic. The end of it is
//! kept for the error of a call that fails.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::label::Label;
use crate::text::{TARGET, printable, redacted};

/// So much of the end is kept.
const TAIL: usize = 1 << 10;
const MAX_LINE: usize = 8 << 10;
const CHUNK: usize = 64 << 10;

/// One of the two streams of a call. Clones write to the same.
#[derive(Clone)]
pub(crate) struct Captured(Arc<Mutex<Inner>>);

struct Inner {
    label: Label,
    stream: &'static str,
    left: usize,
    dropped: usize,
    line: Vec<u8>,
    tail: VecDeque<u8>,
}

impl Captured {
    pub(crate) fn new(label: Label, stream: &'static str, limit: usize) -> Self {
        let (line, tail) = (Vec::new(), VecDeque::new());
        Self(Arc::new(Mutex::new(Inner { label, stream, left: limit, dropped: 0, line, tail })))
    }

    /// Ends the last line, and says how much was dropped.
    pub(crate) fn finish(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.end_line();
        if inner.dropped > 0 {
            let (label, stream) = (&inner.label, inner.stream);
            tracing::warn!(
            target: TARGET, backend = &*label.backend,
                           call = label.call,
                           stream,
                           "dropped {} bytes beyond the limit of a call",
                           inner.dropped
                       );
            inner.dropped = 0;
        }
    }

    /// The last that was written, as one line.
    pub(crate) fn tail(&self) -> String {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = inner.tail.iter().copied().collect();
        let text = printable(&String::from_utf8_lossy(&bytes), TAIL);
        redacted(&text, &inner.label.secrets).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Inner {
    fn write(&mut self, bytes: &[u8]) {
        self.tail.extend(bytes);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);

        let kept = bytes.len().min(self.left);
        self.left -= kept;
        self.dropped += bytes.len() - kept;
        for &byte in &bytes[..kept] {
            if byte != b'\n' {
                self.line.push(byte);
            }
            if byte == b'\n' || self.line.len() >= MAX_LINE {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            let label = &self.label;
            let text = redacted(&printable(&String::from_utf8_lossy(&line), MAX_LINE), &label.secrets);
            let container = label.container.as_deref();
            tracing::info!(target: TARGET, backend = &*label.backend, call = label.call, container, stream = self.stream, "{text}");
        }
    }
}

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Captured {
    async fn ready(&mut self) {}
}

impl OutputStream for Captured {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_end_and_counts_what_is_dropped() {
        let label = Label { backend: "t".into(), call: "lifecycle.create", container: None, secrets: Arc::new([]) };
        let stream = Captured::new(label, "stderr", 10);
        let mut writer = stream.clone();
        writer.write(Bytes::from(vec![b'x'; 5000])).unwrap();
        writer.write(Bytes::from_static(b"\npanicked at 'why'\n")).unwrap();
        assert_eq!(stream.0.lock().unwrap().dropped, 5000 + 19 - 10);
        assert!(stream.tail().ends_with("panicked at 'why'"));
        assert!(stream.tail().len() <= TAIL);
    }
}
