//! The output of a process, over as many links as it takes.

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sockerless_agent_protocol::frame::{Cutter, Frame, From, HEADER, frames};
use sockerless_agent_protocol::{headers, paths};

use crate::error::{AgentFailure, Result};
use crate::exchange::{Attempt, Patience, broken, exchange, path, success};
use crate::registry::{AgentRegistry, Link};

/// Some whole frames of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The frames, as they are.
    pub frames: Bytes,
    /// Where in the output they begin.
    pub begin: u64,
}

/// A piece of output, from one stream, and where in the framed output it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// 1 for standard output, 2 for standard error.
    pub stream: u8,
    /// The bytes.
    pub payload: Bytes,
    /// Offset of its end.
    pub end: u64,
}

impl Block {
    /// The frames one by one.
    pub fn pieces(self) -> impl Iterator<Item = Piece> {
        let mut end = self.begin;
        frames(self.frames).map(move |Frame { stream, payload }| {
            end += length(HEADER + payload.len());
            Piece { stream, payload, end }
        })
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

struct Body {
    link: Link,
    incoming: Incoming,
    cutter: Cutter,
}

/// Reads the output of a process. Ends when the output does.
pub struct Output {
    registry: AgentRegistry,
    container: String,
    process: String,
    /// Offset of the next frame.
    next: u64,
    /// Where the output ended when this was opened.
    behind: u64,
    body: Option<Body>,
}

impl Output {
    pub(crate) async fn open(registry: AgentRegistry, container: &str, process: &str, from: From) -> Result<Self> {
        let mut output = Self {
            registry,
            container: container.to_owned(),
            process: process.to_owned(),
            next: 0,
            behind: 0,
            body: None,
        };
        output.behind = output.ask(from, Patience::Short).await?;
        Ok(output)
    }

    /// Offset of what comes next.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.next
    }

    /// Offset up to which there was output when this was opened.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.behind
    }

    async fn ask(&mut self, from: From, patience: Patience) -> Result<u64> {
        let path = path(paths::PROCESSES, &[&self.process, "output"], &[("from", &from.to_string())]);
        let (link, answer) =
            exchange(&self.registry, &self.container, patience, Method::GET, &path, Bytes::new()).await?;
        let answer = success(answer).await?;
        self.next = offset(answer.headers(), headers::OUTPUT_BEGIN)?;
        let behind = offset(answer.headers(), headers::OUTPUT_END)?;
        self.body = Some(Body { link, incoming: answer.into_body(), cutter: Cutter::default() });
        Ok(behind)
    }

    /// The next frames, one or more; nothing at the end of the output.
    ///
    /// # Errors
    /// The output cannot be read on: the container is gone, or what comes next was dropped.
    pub async fn next(&mut self) -> Result<Option<Block>> {
        loop {
            let Some(body) = &mut self.body else {
                self.ask(From::Offset(self.next), Patience::Endless).await?;
                continue;
            };
            let error = match body.incoming.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let whole = body
                        .cutter
                        .push(data)
                        .map_err(|error| AgentFailure::Broken(format!("the agent's output is malformed: {error}")))?;
                    if whole.is_empty() {
                        continue;
                    }
                    let block = Block { begin: self.next, frames: whole };
                    self.next += length(block.frames.len());
                    return Ok(Some(block));
                }
                Some(Err(error)) => error.to_string(),
            };
            let link = body.link.clone();
            self.body = None;
            if let Attempt::Failed(failure) = broken(&link, &error).await {
                return Err(failure);
            }
        }
    }

    /// Everything as a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Block>> + Send {
        futures_util::stream::unfold(Some(self), |output| async move {
            let mut output = output?;
            match output.next().await {
                Ok(Some(block)) => Some((Ok(block), Some(output))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

fn offset(headers: &HeaderMap, name: &str) -> Result<u64> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or_else(|| AgentFailure::Broken(format!("the agent's answer has no header {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use sockerless_agent_protocol::frame::put;

    #[test]
    fn pieces_know_where_they_end() {
        let mut bytes = BytesMut::new();
        put(&mut bytes, 1, b"abc");
        put(&mut bytes, 2, b"d");
        let block = Block { frames: bytes.freeze(), begin: 100 };
        let pieces: Vec<_> = block.pieces().map(|piece| (piece.stream, piece.payload.len(), piece.end)).collect();
        assert_eq!(pieces, [(1, 3, 111), (2, 1, 120)]);
    }
}
