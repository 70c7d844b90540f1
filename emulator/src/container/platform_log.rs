//! What the platform writes about an app's containers, and what these write themselves: the text
//! that `containerlogs` answers.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Mutex;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::sync::lock;

const MAX_LINES: usize = 2_000;
const MAX_LINE: usize = 8 << 10;

/// The last lines of one app.
#[derive(Debug)]
pub(crate) struct PlatformLog {
    site: String,
    lines: Mutex<VecDeque<String>>,
}

impl PlatformLog {
    pub(crate) fn new(site: &str) -> Self {
        Self { site: site.to_owned(), lines: Mutex::default() }
    }

    /// The platform reports.
    pub(crate) fn info(&self, message: impl Display) {
        self.push(format!("INFO  - {message}"));
    }

    /// The platform reports a failure.
    pub(crate) fn error(&self, message: impl Display) {
        self.push(format!("ERROR - {message}"));
    }

    /// All of it, one line each.
    pub(crate) fn text(&self) -> String {
        lock(&self.lines).iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn push(&self, line: String) {
        tracing::debug!(site = %self.site, "{line}");
        let mut lines = lock(&self.lines);
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(format!("{:.3} {line}", Timestamp::now()));
    }

    /// Copies a container's output, line by line, until it ends.
    pub(super) async fn copy(&self, mut output: impl AsyncRead + Unpin) {
        let mut line = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = output.read(&mut chunk).await {
            for &byte in &chunk[..read] {
                if byte == b'\n' || line.len() == MAX_LINE {
                    self.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                    line.clear();
                }
                if byte != b'\n' {
                    line.push(byte);
                }
            }
        }
        if !line.is_empty() {
            self.push(String::from_utf8_lossy(&line).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_becomes_lines_of_bounded_length() {
        let log = PlatformLog::new("app");
        let long = "x".repeat(MAX_LINE + 1);
        log.copy(format!("one\n{long}\nlast").as_bytes()).await;
        let text = log.text();
        let ends: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1.len()).collect();
        assert_eq!(ends, [3, MAX_LINE, 1, 4]);
    }

    #[test]
    fn old_lines_are_dropped() {
        let log = PlatformLog::new("app");
        (0..MAX_LINES + 5).for_each(|n| log.info(n));
        assert_eq!(log.text().lines().count(), MAX_LINES);
        assert!(log.text().lines().next().unwrap().ends_with("- 5"));
    }
}
