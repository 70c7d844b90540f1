//! Files in and out.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, Method};
use sockerless_agent_protocol::archive::PathStat;
use sockerless_agent_protocol::{headers, paths};

use crate::client::AgentClient;
use crate::download::{Download, Transfer};
use crate::error::{AgentFailure, Result};
use crate::exchange::{BoxError, Patience, exchange, fetch, link, path, success};
use crate::input::Input;

/// Bytes that are written at once: what may be under way without an acknowledgement is a multiple of it.
const PIECE: usize = 128 << 10;
/// The agent's words for a transfer that it does not know.
const NO_TRANSFER: &str = "no such transfer";

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

    /// A path as a tar archive, which goes on where it was when a link breaks.
    ///
    /// # Errors
    /// No agent, or nothing at the path.
    pub async fn archive(&self, container: &str, file: &str) -> Result<(PathStat, Download)> {
        let (download, headers) = Download::open(self, container, paths::ARCHIVE, &[("path", file)]).await?;
        Ok((stat(&headers)?, download))
    }

    /// The whole file system of a container as a tar archive, likewise.
    ///
    /// # Errors
    /// No agent.
    pub async fn export(&self, container: &str) -> Result<Download> {
        Ok(Download::open(self, container, paths::EXPORT, &[]).await?.0)
    }

    /// Extracts a tar archive into a directory. Goes on where it was when a link breaks.
    ///
    /// # Errors
    /// No agent; no such directory; an archive that is malformed or wants to leave it; the archive itself broke off: a part of it may be
    /// there.
    pub async fn extract(
        &self,
        container: &str,
        directory: &str,
        options: &[(&str, bool)],
        archive: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    ) -> Result<()> {
        // A container without an agent is not waited for without end.
        link(&self.registry, container, 0, Patience::Short).await?;
        let transfer = Transfer::new(self, container);
        let mut query = vec![("path", directory)];
        query.extend(options.iter().map(|(name, value)| (*name, if *value { "true" } else { "false" })));
        let target = path(paths::ARCHIVE, &[&transfer.id], &query);
        let written = write(Input::to(self.registry.clone(), container, target), archive).await;
        if let Err(Written::BrokeOff(error)) = &written {
            return Err(AgentFailure::Refused { status: 400, message: format!("the archive breaks off: {error}") });
        }
        let outcome = path(paths::TRANSFERS, &[&transfer.id], &[]);
        match fetch(&self.registry, container, Patience::Endless, Method::GET, &outcome, Bytes::new()).await {
            Ok(_) => Ok(()),
            // It never began, or cannot be gone on with: why, the exchange that was to carry it knows.
            Err(AgentFailure::Refused { status: 404, message }) if message == NO_TRANSFER => match written {
                Err(Written::Refused(failure)) => Err(failure),
                _ => Err(AgentFailure::Broken("the agent has lost what became of the archive: copy again".to_owned())),
            },
            Err(failure) => Err(failure),
        }
    }
}

/// Why an archive was not written to its end.
enum Written {
    /// It ended before its end.
    BrokeOff(BoxError),
    /// The agent takes no more of it.
    Refused(AgentFailure),
}

async fn write(mut input: Input, archive: impl Stream<Item = Result<Bytes, BoxError>> + Send) -> Result<(), Written> {
    let mut archive = std::pin::pin!(archive);
    while let Some(piece) = archive.next().await {
        let mut piece = piece.map_err(Written::BrokeOff)?;
        while !piece.is_empty() {
            let next = piece.split_to(piece.len().min(PIECE));
            input.write(next).await.map_err(Written::Refused)?;
        }
    }
    input.finish().await.map_err(Written::Refused)
}

fn stat(map: &HeaderMap) -> Result<PathStat> {
    map.get(headers::PATH_STAT)
        .and_then(|value| PathStat::decode(value.to_str().ok()?))
        .ok_or_else(|| AgentFailure::Broken("the agent's answer does not say what is at the path".to_owned()))
}
