//! As much of HTTP/1.1 as it takes to see where a message ends, with every byte passed on as it came.

use std::io::{BufRead, BufReader, Read, Result, Write};

/// Most bytes of an answer that are kept to be looked at.
const KEPT: usize = 32 << 20;

/// The first line and the headers of a message.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) first_line: String,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Word `index` of the first line.
    pub(super) fn word(&self, index: usize) -> &str {
        self.first_line.split(' ').nth(index).unwrap_or_default()
    }

    fn is_chunked(&self) -> bool {
        self.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(u64),
    Chunked,
    /// With the connection.
    Open,
}

impl Length {
    pub(super) fn of_request(head: &Head) -> Self {
        match Self::declared(head) {
            Self::Open => Self::Known(0),
            declared => declared,
        }
    }

    pub(super) fn declared(head: &Head) -> Self {
        if head.is_chunked() {
            return Self::Chunked;
        }
        head.get("content-length").and_then(|value| value.parse().ok()).map_or(Self::Open, Self::Known)
    }
}

/// One direction of a connection.
pub(super) struct Passage<R: Read, W> {
    from: BufReader<R>,
    to: W,
}

impl<R: Read, W: Write> Passage<R, W> {
    pub(super) fn new(from: R, to: W) -> Self {
        Self { from: BufReader::with_capacity(64 << 10, from), to }
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.from.read_until(b'\n', &mut line)?;
        Ok(Some(line).filter(|line| !line.is_empty()))
    }

    /// Reads the next head, and does not pass it on yet. Nothing at the end.
    pub(super) fn head(&mut self) -> Result<Option<(Head, Vec<u8>)>> {
        let Some(mut bytes) = self.line()? else { return Ok(None) };
        let text = |line: &[u8]| String::from_utf8_lossy(line).trim_end().to_owned();
        let mut head = Head { first_line: text(&bytes), headers: Vec::new() };
        while let Some(line) = self.line()? {
            bytes.extend_from_slice(&line);
            let line = text(&line);
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                head.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Ok(Some((head, bytes)))
    }

    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes)?;
        self.to.flush()
    }

    /// Passes a body on, and answers the beginning of it.
    pub(super) fn body(&mut self, length: Length) -> Result<Vec<u8>> {
        let mut kept = Vec::new();
        match length {
            Length::Known(length) => self.some(length, &mut kept)?,
            Length::Open => self.some(u64::MAX, &mut kept)?,
            Length::Chunked => {
                while let Some(line) = self.line()? {
                    self.pass(&line)?;
                    let size = String::from_utf8_lossy(&line);
                    let size = size.split(';').next().unwrap_or_default().trim();
                    let size = u64::from_str_radix(size, 16).unwrap_or(0);
                    self.some(size, &mut kept)?;
                    // The end of the chunk, or of the trailers, of which there are none.
                    if let Some(line) = self.line()? {
                        self.pass(&line)?;
                    }
                    if size == 0 {
                        break;
                    }
                }
            }
        }
        Ok(kept)
    }

    fn some(&mut self, mut left: u64, kept: &mut Vec<u8>) -> Result<()> {
        while left > 0 {
            let available = self.from.fill_buf()?;
            if available.is_empty() {
                break;
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(available.len());
            let part = available[..count].to_vec();
            self.from.consume(count);
            self.pass(&part)?;
            if kept.len() < KEPT {
                kept.extend_from_slice(&part);
            }
            left -= count as u64;
        }
        Ok(())
    }

    /// Passes everything on to the end.
    pub(super) fn rest(&mut self) -> Result<()> {
        std::io::copy(&mut self.from, &mut self.to).map(|_| ())
    }
}
