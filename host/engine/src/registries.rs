//! What the engine wants of registries. It does not know how they are spoken to.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sockerless_docker::{
    DistributionInspect, ImageManifestConfig, ImagePlatform, ImageReference, LoginAnswer, RegistryAuth, SearchResult,
};

use crate::error::{Error, Result};

/// All registries. Every call goes to the network, is bounded in time and size, and may be dropped at any moment. Errors have the
/// Engine's texts.
#[async_trait]
pub trait Registries: Send + Sync + 'static {
    /// Manifest and configuration of an image, each held against its digest.
    ///
    /// # Errors
    /// See [`FetchFailure`].
    async fn fetch(&self, fetch: &Fetch) -> Result<Fetched, FetchFailure>;

    /// What a reference stands for.
    ///
    /// # Errors
    /// The registry cannot be reached, does not know it, or does not show it.
    async fn distribution(
        &self,
        reference: &ImageReference,
        auth: Option<&RegistryAuth>,
    ) -> Result<DistributionInspect>;

    /// Whether the registry that `auth` names knows who it speaks of.
    ///
    /// # Errors
    /// It does not; it cannot be reached.
    async fn login(&self, auth: &RegistryAuth) -> Result<LoginAnswer>;

    /// Repositories by words in their names and descriptions, as the registry orders them.
    ///
    /// # Errors
    /// The registry cannot be reached, or has no search.
    async fn search(&self, search: &Search) -> Result<Vec<SearchResult>>;
}

/// An image that is asked for.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Its name. The digest counts more than the tag.
    pub reference: ImageReference,
    /// Which one of several.
    pub platform: ImagePlatform,
    /// Who asks.
    pub auth: Option<RegistryAuth>,
    /// Digests of manifests, or of lists of them, that need not be fetched again.
    pub known: Vec<String>,
}

/// What a registry has for a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetched {
    /// One of those that are known.
    Known {
        /// Which one.
        digest: String,
    },
    /// This.
    New(Box<ImageContent>),
}

/// Why an image could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// The name stands for nothing that could be fetched: the Engine answers with a status.
    #[error("{0}")]
    Refused(Error),
    /// It does, and then something was wrong: the Engine has begun to tell of its progress by then.
    #[error("{0}")]
    Begun(Error),
}

/// What is fetched of an image, and kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageContent {
    /// The digest of what the name stands for: a manifest, or a list of them.
    pub digest: String,
    /// The digest of the configuration, which is the image's id.
    pub id: String,
    /// The configuration.
    pub config: ImageManifestConfig,
    /// The sizes of the layers in bytes, as they lie in the registry: compressed. The lowest first.
    pub layers: Vec<i64>,
}

/// Words that are searched for.
#[derive(Debug, Clone)]
pub struct Search {
    /// The registry: `docker.io`, or another host.
    pub domain: String,
    /// The words.
    pub term: String,
    /// At most so many results, 1 to 100.
    pub limit: u8,
    /// Who asks.
    pub auth: Option<RegistryAuth>,
}
