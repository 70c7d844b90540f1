//! Files in and out.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::{HeaderMap, Method, Response};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Frame, Incoming};
use sockerless_agent_protocol::archive::PathStat;
use sockerless_agent_protocol::{headers, paths};

use crate::client::AgentClient;
use crate::error::{AgentFailure, Result};
use crate::exchange::{Attempt, BoxError, Patience, attempt, exchange, link, path, success};

impl AgentClient {
    /// What is at a path.
    ///
    /// # Errors
    /// No agent, or nothing at the path.
    pub async fn stat(&self, container: &str, file: &str) -> Result<PathStat> {
        let path = path(paths::ARCHIVE, &[], &[("path", file)]);
        let (_, answer) =
            exchange(&self.registry, container, Patience::Short, Method::HEAD, &path, Bytes::new()).await?;
        // The answer to HEAD has no body, so its error stands in the status alone.
        if answer.status() == http::StatusCode::NOT_FOUND {
            return Err(AgentFailure::Refused {
                status: 404,
                message: format!("Could not find the file {file} in container {container}"),
            });
        }
        stat(success(answer).await?.headers())
    }

    /// A path as a tar archive. A link that breaks ends it with an error: an archive cannot be gone on with.
    ///
    /// # Errors
    /// No agent, or nothing at the path.
    pub async fn archive(
        &self,
        container: &str,
        file: &str,
    ) -> Result<(PathStat, impl Stream<Item = Result<Bytes>> + Send + use<>)> {
        let path = path(paths::ARCHIVE, &[], &[("path", file)]);
        let (_, answer) =
            exchange(&self.registry, container, Patience::Short, Method::GET, &path, Bytes::new()).await?;
        let answer = success(answer).await?;
        let stat = stat(answer.headers())?;
        Ok((stat, bytes(answer)))
    }

    /// The whole file system of a container as a tar archive.
    ///
    /// # Errors
    /// No agent.
    pub async fn export(&self, container: &str) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let (_, answer) =
            exchange(&self.registry, container, Patience::Short, Method::GET, paths::EXPORT, Bytes::new()).await?;
        Ok(bytes(success(answer).await?))
    }

    /// Extracts a tar archive into a directory.
    ///
    /// # Errors
    /// No agent; no such directory; an archive that is malformed or wants to leave it; the link broke, or the archive itself
    /// broke off: a part of it may be there.
    pub async fn extract(
        &self,
        container: &str,
        directory: &str,
        options: &[(&str, bool)],
        archive: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    ) -> Result<()> {
        let mut query = vec![("path", directory)];
        query.extend(options.iter().map(|(name, value)| (*name, if *value { "true" } else { "false" })));
        let path = path(paths::ARCHIVE, &[], &query);
        let link = link(&self.registry, container, 0, Patience::Short).await?;
        let body = StreamBody::new(archive.map_ok(Frame::data)).boxed_unsync();
        match attempt(&link, Method::PUT, &path, body).await {
            Ok(answer) => success(answer).await.map(|_| ()),
            Err(Attempt::Failed(failure)) => Err(failure),
            Err(Attempt::LinkBroke) => Err(AgentFailure::Broken(
                "the connection to the agent broke while files were copied: a part of them may be there; copy again"
                    .to_owned(),
            )),
        }
    }
}

/// The archive in an answer.
fn bytes(answer: Response<Incoming>) -> impl Stream<Item = Result<Bytes>> + Send {
    BodyStream::new(answer.into_body()).filter_map(|frame| async move {
        match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(error) => Some(Err(AgentFailure::Broken(format!("the archive broke off: {error}")))),
        }
    })
}

fn stat(map: &HeaderMap) -> Result<PathStat> {
    map.get(headers::PATH_STAT)
        .and_then(|value| PathStat::decode(value.to_str().ok()?))
        .ok_or_else(|| AgentFailure::Broken("the agent's answer does not say what is at the path".to_owned()))
}
