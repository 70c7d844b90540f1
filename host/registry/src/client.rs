//! The client, as the engine sees it.

use async_trait::async_trait;
use bytes::Bytes;
use sockerless_docker::{DistributionInspect, ImageReference, LoginAnswer, RegistryAuth, SearchResult};
use sockerless_engine::{Error, Fetch, FetchFailure, Fetched, Registries, Search};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::artifact::{self, Artifact, ArtifactPlace, PushedArtifact};
use crate::hosts::Hosts;
use crate::refusal::Refusal;
use crate::signature::{self, SignatureKey};
use crate::transport::Transport;
use crate::{image, login, reach, search};

/// Operations at once; more of them wait. Each holds at most a manifest and a configuration.
const AT_ONCE: usize = 16;
/// Components that are pulled or pushed at once; more of them wait. Each is held whole.
const COMPONENTS_AT_ONCE: usize = 2;

/// How registries are reached.
#[derive(Debug)]
pub struct RegistryOptions {
    /// Which certificates are trusted.
    pub tls: rustls::ClientConfig,
    /// Hosts that may be spoken to by plain HTTP, where they do not speak HTTPS: `host` or `host:port`. Those of this machine's
    /// loopback always may.
    pub insecure: Vec<String>,
}

/// A client of all registries. Keeps no credentials: each operation is told who asks.
#[derive(Debug)]
pub struct RegistryClient {
    transport: Transport,
    permits: Semaphore,
    components: Semaphore,
}

impl RegistryClient {
    /// Makes the client. Sends nothing.
    ///
    /// # Errors
    /// The options do not make a client of HTTP.
    pub fn new(options: RegistryOptions) -> Result<Self, Error> {
        let transport = Transport::new(options.tls, Hosts::new(options.insecure))?;
        Ok(Self { transport, permits: Semaphore::new(AT_ONCE), components: Semaphore::new(COMPONENTS_AT_ONCE) })
    }

    /// Finds out whether a registry answers at an address: host, or URL. Sends no credentials.
    ///
    /// # Errors
    /// Nobody answers there, or nobody who is a registry.
    pub async fn reach(&self, address: &str) -> Result<(), Error> {
        let _permit = self.permit().await?;
        reach::reach(&self.transport, address).await
    }

    /// Pulls a component of at most `limit` bytes. `found` is told the digests of manifest and component before the component is fetched.
    ///
    /// # Errors
    /// The registry cannot be reached, or does not give it; there is something else; it is not what its digest says.
    pub async fn pull_component(
        &self,
        place: ArtifactPlace<'_>,
        limit: usize,
        found: &(dyn Fn(&str, &str) + Sync),
    ) -> Result<Artifact, Error> {
        let _permit = admitted(&self.components).await?;
        artifact::pull(&self.transport, place, limit, found).await
    }

    /// Looks whether one of the keys has signed the manifest of this digest for the repository in which it lies, as sigstore's cosign does.
    ///
    /// # Errors
    /// None has; the registry cannot be reached.
    pub async fn verify_signature(
        &self,
        place: ArtifactPlace<'_>,
        manifest: &str,
        keys: &[SignatureKey],
    ) -> Result<(), Error> {
        let _permit = self.permit().await?;
        signature::verify(&self.transport, place, manifest, keys).await
    }

    /// Pushes a component. `created`: when it was made, RFC 3339.
    ///
    /// # Errors
    /// The registry cannot be reached, or does not take it.
    pub async fn push_component(
        &self,
        place: ArtifactPlace<'_>,
        component: Bytes,
        created: &str,
    ) -> Result<PushedArtifact, Error> {
        let _permit = admitted(&self.components).await?;
        artifact::push(&self.transport, place, component, created).await
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        admitted(&self.permits).await
    }
}

async fn admitted(permits: &Semaphore) -> Result<SemaphorePermit<'_>, Error> {
    permits.acquire().await.map_err(|_| Error::unavailable("the daemon is stopping"))
}

#[async_trait]
impl Registries for RegistryClient {
    async fn fetch(&self, fetch: &Fetch) -> Result<Fetched, FetchFailure> {
        let _permit = self.permit().await.map_err(FetchFailure::Refused)?;
        image::fetch(&self.transport, fetch).await
    }

    async fn distribution(
        &self,
        reference: &ImageReference,
        auth: Option<&RegistryAuth>,
    ) -> Result<DistributionInspect, Error> {
        let _permit = self.permit().await?;
        image::distribution(&self.transport, reference, auth).await.map_err(Refusal::into_error)
    }

    async fn login(&self, auth: &RegistryAuth) -> Result<LoginAnswer, Error> {
        let _permit = self.permit().await?;
        login::login(&self.transport, auth).await
    }

    async fn search(&self, search: &Search) -> Result<Vec<SearchResult>, Error> {
        let _permit = self.permit().await?;
        search::search(&self.transport, search).await
    }
}
