//! Files that a backend's cloud moves by itself.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sockerless_backend::sessions::{BodyStream, Extraction, FileStat};
use sockerless_backend::types::Container;
use sockerless_backend::{Backend, HttpError};
use sockerless_docker::PathStat;

use crate::error::{Error, Result};
use crate::files::Files;
use crate::frames::ByteStream;

/// The files of a container that a backend reaches.
pub(crate) struct DirectFiles {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) container: Container,
}

fn stat(stat: FileStat) -> PathStat {
    let FileStat { name, size, mode, modified, link_target } = stat;
    PathStat { name, size, mode, mtime: modified, link_target }
}

fn stream(body: BodyStream) -> ByteStream {
    body.map_err(|error| Error::internal(format!("the archive breaks off: {error}"))).boxed()
}

#[async_trait]
impl Files for DirectFiles {
    async fn stat(&self, path: &str) -> Result<PathStat> {
        Ok(stat(self.backend.archive_stat(self.container.clone(), path.to_owned()).await?))
    }

    async fn get(&self, path: &str) -> Result<(PathStat, ByteStream)> {
        let (found, body) = self.backend.archive_get(self.container.clone(), path.to_owned()).await?;
        Ok((stat(found), stream(body)))
    }

    async fn put(&self, directory: &str, extraction: Extraction, body: ByteStream) -> Result<()> {
        let upload = self.backend.archive_put(self.container.clone(), directory.to_owned(), extraction).await?;
        let body = body.map_err(|error| HttpError::Interrupted(format!("the archive breaks off: {}", error.message)));
        let answer = upload.send(body.boxed()).await;
        Ok(self.backend.archive_extracted(self.container.clone(), directory.to_owned(), answer).await?)
    }

    async fn file_system(&self) -> Result<ByteStream> {
        Ok(stream(self.backend.archive_file_system(self.container.clone()).await?))
    }
}
