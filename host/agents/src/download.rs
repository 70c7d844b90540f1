//! An archive on its way out of a container, over as many links as it takes.

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sockerless_agent_protocol::{headers, paths};
use sockerless_telemetry::Context;

use crate::client::AgentClient;
use crate::error::{AgentFailure, Result};
use crate::exchange::{Attempt, Patience, broken, exchange, fetch, path, success};
use crate::registry::{AgentRegistry, Link};

/// The name of a copy. When it is dropped the agent is told to forget the copy.
pub(crate) struct Transfer {
    registry: AgentRegistry,
    container: String,
    pub(crate) id: String,
}

impl Transfer {
    pub(crate) fn new(client: &AgentClient, container: &str) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self { registry: client.registry.clone(), container: container.to_owned(), id }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // Without a runtime the daemon ends, and the agent forgets by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (registry, container) = (self.registry.clone(), std::mem::take(&mut self.container));
        let path = path(paths::TRANSFERS, &[&self.id], &[]);
        runtime.spawn(Context::current().run(async move {
            let forgotten = fetch(&registry, &container, Patience::Short, Method::DELETE, &path, Bytes::new()).await;
            if let Err(error) = forgotten {
                tracing::debug!(container, %error, "the agent was not told to forget a copy of files");
            }
        }));
    }
}

/// Reads an archive. Ends when it does.
pub struct Download {
    registry: AgentRegistry,
    transfer: Transfer,
    base: &'static str,
    query: Vec<(&'static str, String)>,
    /// Offset of the next byte.
    next: u64,
    body: Option<(Link, Incoming)>,
}

impl Download {
    /// Begins one of what is at a path of the agent's API. Answers the headers too.
    pub(crate) async fn open(
        client: &AgentClient,
        container: &str,
        base: &'static str,
        query: &[(&'static str, &str)],
    ) -> Result<(Self, HeaderMap)> {
        let mut download = Self {
            registry: client.registry.clone(),
            transfer: Transfer::new(client, container),
            base,
            query: query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            next: 0,
            body: None,
        };
        let headers = download.ask(Patience::Short).await?;
        Ok((download, headers))
    }

    async fn ask(&mut self, patience: Patience) -> Result<HeaderMap> {
        let from = self.next.to_string();
        let mut query: Vec<(&str, &str)> = self.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        query.extend([("transfer", self.transfer.id.as_str()), ("from", from.as_str())]);
        let path = path(self.base, &[], &query);
        let (link, answer) =
            exchange(&self.registry, &self.transfer.container, patience, Method::GET, &path, Bytes::new()).await?;
        let answer = success(answer).await?;
        let begin = answer.headers().get(headers::OUTPUT_BEGIN).and_then(|value| value.to_str().ok()?.parse().ok());
        // An agent that is older than this daemon begins anew.
        if begin.unwrap_or(0) != self.next {
            return Err(AgentFailure::Broken(
                "the agent in the image is older than this daemon, and cannot go on with a copy: copy again".to_owned(),
            ));
        }
        let (parts, body) = answer.into_parts();
        self.body = Some((link, body));
        Ok(parts.headers)
    }

    /// The next bytes; nothing at the end.
    ///
    /// # Errors
    /// It cannot be read on: the container is gone, the agent was away for too long, or the files cannot be read.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some((link, body)) = &mut self.body else {
                self.ask(Patience::Endless).await?;
                continue;
            };
            let error = match body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.next += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => error.to_string(),
            };
            let link = link.clone();
            self.body = None;
            if let Attempt::Failed(failure) = broken(&link, &error).await {
                return Err(failure);
            }
        }
    }

    /// Everything as a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        futures_util::stream::unfold(Some(self), |download| async move {
            let mut download = download?;
            match download.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(download))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}
