//! The input of a process, or an archive on its way in, over as many links as it takes.
//!
//! A task owns the exchange with the agent. It keeps what the agent has not acknowledged, and after a break sends it again.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use http::Method;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use sockerless_agent_protocol::input::{Acknowledgements, END, WINDOW};
use sockerless_agent_protocol::paths;
use sockerless_telemetry::Context;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::error::{AgentFailure, Result};
use crate::exchange::{Attempt, Body, BoxError, Patience, attempt, broken, link, path, success};
use crate::registry::{AgentRegistry, Link};

enum Message {
    Data(Bytes),
    End(oneshot::Sender<()>),
}

/// Writes to the standard input of a process, or an archive to where it is extracted. Dropped without [`Input::finish`], a process's input
/// stays open.
pub struct Input {
    messages: mpsc::Sender<Message>,
    failure: oneshot::Receiver<AgentFailure>,
}

impl Input {
    pub(crate) fn open(registry: AgentRegistry, container: &str, process: &str, close: bool) -> Self {
        let writer = uuid::Uuid::new_v4().simple().to_string();
        let close = if close { "true" } else { "false" };
        let target = path(paths::PROCESSES, &[process, "stdin", &writer], &[("close", close)]);
        Self::to(registry, container, target)
    }

    /// To a path of the agent's API, with a query, which the offset is added to.
    pub(crate) fn to(registry: AgentRegistry, container: &str, target: String) -> Self {
        // One message may wait; the window is the real limit.
        let (messages, inbox) = mpsc::channel(1);
        let (told, failure) = oneshot::channel();
        let driver =
            Driver { registry, container: container.to_owned(), target, inbox, kept: Kept::default(), end: None };
        tokio::spawn(Context::current().run(async move {
            if let Err(failure) = driver.run().await {
                let _ = told.send(failure);
            }
        }));
        Self { messages, failure }
    }

    /// Sends bytes. Returns when they are on their way: at most a window's worth is under way.
    ///
    /// # Errors
    /// The process takes no more input.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if self.messages.send(Message::Data(bytes)).await.is_ok() { Ok(()) } else { Err(self.why().await) }
    }

    /// All has been written. Returns when the process's input has taken it.
    ///
    /// # Errors
    /// The process takes no more input.
    pub async fn finish(mut self) -> Result<()> {
        let (done, finished) = oneshot::channel();
        let _ = self.messages.send(Message::End(done)).await;
        if finished.await.is_ok() { Ok(()) } else { Err(self.why().await) }
    }

    async fn why(&mut self) -> AgentFailure {
        let gone = AgentFailure::Broken("the process takes no more input".to_owned());
        (&mut self.failure).await.unwrap_or(gone)
    }
}

/// What has not been acknowledged.
#[derive(Default)]
struct Kept {
    /// Offset of the first byte that is kept.
    begin: u64,
    bytes: VecDeque<Bytes>,
    size: usize,
}

impl Kept {
    fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len();
        self.bytes.push_back(bytes);
    }

    /// Drops what comes before this offset.
    fn acknowledge(&mut self, offset: u64) {
        while self.begin < offset {
            let Some(first) = self.bytes.front_mut() else { return };
            let count = usize::try_from(offset - self.begin).unwrap_or(usize::MAX).min(first.len());
            first.advance(count);
            self.size -= count;
            self.begin += u64::try_from(count).unwrap_or(u64::MAX);
            if first.is_empty() {
                self.bytes.pop_front();
            }
        }
    }
}

/// The two directions of an exchange.
struct Exchange {
    link: Link,
    /// Dropped, the body of the request ends.
    body: Option<mpsc::UnboundedSender<Result<Frame<Bytes>, BoxError>>>,
    answers: Incoming,
}

struct Driver {
    registry: AgentRegistry,
    container: String,
    target: String,
    inbox: mpsc::Receiver<Message>,
    kept: Kept,
    end: Option<oneshot::Sender<()>>,
}

enum Over {
    /// All is done, or nobody wants it any more.
    Done,
    LinkBroke,
}

impl Driver {
    async fn run(mut self) -> Result<()> {
        let mut after = 0;
        loop {
            let link = link(&self.registry, &self.container, after, Patience::Endless).await?;
            after = link.number;
            match self.exchange(link).await {
                Ok(Over::Done) => return Ok(()),
                Ok(Over::LinkBroke) | Err(Attempt::LinkBroke) => {}
                Err(Attempt::Failed(failure)) => return Err(failure),
            }
        }
    }

    /// Begins an exchange with everything that is kept, and goes on until it has ended.
    async fn exchange(&mut self, link: Link) -> Result<Over, Attempt> {
        let (sender, receiver) = mpsc::unbounded_channel();
        for bytes in &self.kept.bytes {
            let _ = sender.send(Ok(Frame::data(bytes.clone())));
        }
        let body: Body = StreamBody::new(UnboundedReceiverStream::new(receiver)).boxed_unsync();
        let path = format!("{}&offset={}", self.target, self.kept.begin);
        let answer = attempt(&link, Method::PUT, &path, body).await?;
        let answers = success(answer).await.map_err(Attempt::Failed)?.into_body();
        let body = self.end.is_none().then_some(sender);
        self.pass_on(Exchange { link, body, answers }).await
    }

    async fn pass_on(&mut self, mut exchange: Exchange) -> Result<Over, Attempt> {
        let mut acknowledgements = Acknowledgements::default();
        loop {
            tokio::select! {
                answer = exchange.answers.frame() => {
                    let error = match answer {
                        Some(Ok(frame)) => {
                            let newest = frame.into_data().ok().and_then(|data| acknowledgements.push(&data));
                            match newest {
                                Some(END) => {
                                    if let Some(done) = self.end.take() {
                                        let _ = done.send(());
                                    }
                                    return Ok(Over::Done);
                                }
                                Some(offset) => self.kept.acknowledge(offset),
                                None => {}
                            }
                            continue;
                        }
                        Some(Err(error)) => error.to_string(),
                        None => "the agent ended the input".to_owned(),
                    };
                    return match broken(&exchange.link, &error).await {
                        Attempt::LinkBroke => Ok(Over::LinkBroke),
                        failed @ Attempt::Failed(_) => Err(failed),
                    };
                }
                message = self.inbox.recv(), if exchange.body.is_some() && self.kept.size < WINDOW => match (message, &exchange.body) {
                    (Some(Message::Data(bytes)), Some(body)) => {
                        if !bytes.is_empty() {
                            self.kept.push(bytes.clone());
                            // A body that nobody reads any more shows in the answers.
                            let _ = body.send(Ok(Frame::data(bytes)));
                        }
                    }
                    (Some(Message::End(done)), _) => {
                        self.end = Some(done);
                        exchange.body = None;
                    }
                    // The client has gone without an end: the body breaks off, and is no end for the process either.
                    (None, body) => {
                        if let Some(body) = body {
                            let _ = body.send(Err("the client has gone".into()));
                        }
                        return Ok(Over::Done);
                    }
                    (Some(Message::Data(_)), None) => {}
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;
    use bytes::Bytes;

    #[test]
    fn what_is_acknowledged_is_not_kept() {
        let mut kept = Kept::default();
        kept.push(Bytes::from_static(b"hello"));
        kept.push(Bytes::from_static(b"world"));
        kept.acknowledge(7);
        assert_eq!((kept.begin, kept.size), (7, 3));
        assert_eq!(kept.bytes, [Bytes::from_static(b"rld")]);
        kept.acknowledge(3);
        kept.acknowledge(100);
        assert_eq!((kept.begin, kept.size), (10, 0));
    }
}
