//! Blobs on disk, by digest, as in an OCI layout. One is there whole and with the content that its digest names, or not at all.

use std::path::{Path, PathBuf};

use reqwest::Response;
use ring::digest::{Context, SHA256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::session::unreachable;
use crate::image::{ImageError, blocking, manifest};

/// A folder of blobs.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    layout: PathBuf,
}

impl Blobs {
    /// Those of a folder, which is made.
    pub(super) async fn open(layout: &Path) -> Result<Self, ImageError> {
        let folder = manifest::blobs_of(layout);
        tokio::fs::create_dir_all(&folder).await.map_err(|error| ImageError::at(&folder, &error))?;
        Ok(Self { layout: layout.to_owned() })
    }

    /// Whether a blob is there. One that is damaged is not, and is taken away.
    pub(super) async fn has(&self, digest: &str) -> Result<bool, ImageError> {
        let (layout, digest) = (self.layout.clone(), digest.to_owned());
        blocking(move || {
            let path = manifest::path_of(&layout, &digest)?;
            if !path.exists() {
                return Ok(false);
            }
            if manifest::blob(&layout, &digest).is_ok() {
                return Ok(true);
            }
            tracing::warn!(digest, "a blob in the cache of images is damaged: it is fetched again");
            std::fs::remove_file(&path).map_err(|error| ImageError::at(&path, &error))?;
            Ok(false)
        })
        .await
    }

    /// Keeps a blob that is small enough to be in memory, and tells its digest.
    pub(super) async fn put(&self, content: Vec<u8>) -> Result<String, ImageError> {
        let layout = self.layout.clone();
        blocking(move || {
            let digest = format!("sha256:{}", hex::encode(ring::digest::digest(&SHA256, &content)));
            let path = manifest::path_of(&layout, &digest)?;
            let failed = |error: &std::io::Error| ImageError::at(&path, error);
            let file = new_file(&layout)?;
            std::fs::write(file.path(), &content).map_err(|error| failed(&error))?;
            file.persist(&path).map_err(|error| failed(&error.error))?;
            Ok(digest)
        })
        .await
    }

    /// Keeps a blob that comes as the body of an answer, if it has at most `limit` bytes and is what its digest names. Tells its
    /// size.
    pub(super) async fn receive(
        &self,
        digest: &str,
        url: &Url,
        mut response: Response,
        limit: u64,
    ) -> Result<u64, ImageError> {
        let path = manifest::path_of(&self.layout, digest)?;
        let failed = |error: &std::io::Error| ImageError::at(&path, error);
        // It gets its name when it is whole, and goes by itself before that.
        let layout = self.layout.clone();
        let file = blocking(move || new_file(&layout)).await?;
        let mut out = tokio::fs::File::create(file.path()).await.map_err(|error| failed(&error))?;
        let (mut context, mut size) = (Context::new(&SHA256), 0_u64);
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
            size += chunk.len() as u64;
            if size > limit {
                return Err(ImageError::new(format!(
                    "the blob {digest} has more than the {limit} bytes that it may have"
                )));
            }
            context.update(&chunk);
            out.write_all(&chunk).await.map_err(|error| failed(&error))?;
        }
        out.sync_all().await.map_err(|error| failed(&error))?;
        let found = format!("sha256:{}", hex::encode(context.finish()));
        if !found.eq_ignore_ascii_case(digest) {
            return Err(ImageError::new(format!("the blob {digest} is damaged: its content has the digest {found}")));
        }
        blocking(move || {
            file.persist(&path).map_err(|error| ImageError::at(&path, &error.error))?;
            Ok(size)
        })
        .await
    }
}

fn new_file(layout: &Path) -> Result<NamedTempFile, ImageError> {
    let folder = manifest::blobs_of(layout);
    let file = tempfile::Builder::new().prefix(".new").tempfile_in(&folder);
    file.map_err(|error| ImageError::at(&folder, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &'static str) -> Response {
        http::Response::new(body).into()
    }

    #[tokio::test]
    async fn a_blob_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let (blobs, url) = (Blobs::open(folder.path()).await.unwrap(), Url::parse("http://r.io/").unwrap());
        let digest = blobs.put(b"content".to_vec()).await.unwrap();
        let path = manifest::path_of(folder.path(), &digest).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!blobs.has(&digest).await.unwrap());

        let error = blobs.receive(&digest, &url, response("another"), 100).await.unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
        let error = blobs.receive(&digest, &url, response("content"), 6).await.unwrap_err();
        assert!(error.to_string().contains("more than the 6 bytes"), "{error}");
        assert_eq!(std::fs::read_dir(manifest::blobs_of(folder.path())).unwrap().count(), 0);

        assert_eq!(blobs.receive(&digest, &url, response("content"), 7).await, Ok(7));
        assert!(blobs.has(&digest).await.unwrap());
        std::fs::write(&path, "cont").unwrap();
        assert!(!blobs.has(&digest).await.unwrap() && !path.exists());
        assert!(blobs.has("sha256:../../x").await.is_err());
    }
}
