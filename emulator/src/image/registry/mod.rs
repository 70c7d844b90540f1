//! Images from a registry, by the Distribution API: manifest, configuration and layers come into a folder of blobs, and are
//! unpacked from there as those of an OCI layout.
//!
//! The manifest is asked for each time, so that an app whose credentials are wrong does not get what another one has pulled. Blobs
//! are fetched once.

mod blobs;
mod challenge;
mod credentials;
mod session;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use url::Url;

use self::blobs::Blobs;
use self::credentials::Credentials;
use self::session::{Session, admits, read};
use super::manifest::{self, MAX_DEPTH, MAX_JSON, Wanted};
use super::reference::Reference;
use super::{ImageError, blocking};
use crate::config::LiveConfig;

/// What a manifest may be.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

const BLOBS: &str = "application/octet-stream, */*;q=0.5";

const CONNECT_TIME: Duration = Duration::from_secs(15);
const REDIRECTS: usize = 5;

/// The way to all registries.
#[derive(Debug)]
pub(super) struct Registries {
    live: Arc<LiveConfig>,
    client: OnceCell<Client>,
}

/// An image that the registry has let the app have.
pub(super) struct Pull {
    session: Session,
    blobs: Blobs,
    /// The digest of what the reference names: an index or a manifest.
    pub(super) digest: String,
}

impl Registries {
    pub(super) fn new(live: Arc<LiveConfig>) -> Self {
        Self { live, client: OnceCell::new() }
    }

    /// Asks a registry for an image, in the name of an app with these settings. `layout` is where blobs are kept.
    pub(super) async fn open(
        &self,
        reference: &Reference,
        settings: &BTreeMap<String, String>,
        layout: &Path,
    ) -> Result<Pull, ImageError> {
        let client = self.client.get_or_try_init(|| client(Arc::clone(&self.live))).await?.clone();
        let credentials = Credentials::of(settings, &reference.registry);
        let mut session = Session::new(client, reference, self.live.get().registries.clone(), credentials)?;
        let blobs = Blobs::open(layout).await?;
        let response = session.get(&format!("manifests/{}", reference.manifest), MANIFESTS).await?;
        let url = response.url().clone();
        let content = read(&url, response, usize::try_from(MAX_JSON).unwrap_or(usize::MAX)).await?;
        let digest = blobs.put(content).await?;
        if reference.manifest.contains(':') && reference.manifest != digest {
            return Err(ImageError::new(format!(
                "the manifest {} is damaged: its digest is {digest}",
                reference.manifest
            )));
        }
        Ok(Pull { session, blobs, digest })
    }
}

impl Pull {
    /// Fetches what is not there yet, and tells how many blobs that were. `limit`: most bytes of them all.
    pub(super) async fn fetch(&mut self, layout: &Path, limit: u64) -> Result<usize, ImageError> {
        let (mut left, mut fetched) = (limit, 0);
        let mut digest = self.digest.clone();
        for _ in 0..=MAX_DEPTH {
            let (folder, document) = (layout.to_owned(), digest.clone());
            match blocking(move || manifest::wanted(&folder, &document)).await? {
                Wanted::Manifest(next) => {
                    if !self.blobs.has(&next.digest).await? {
                        self.receive("manifests", MANIFESTS, &next.digest, MAX_JSON).await?;
                        fetched += 1;
                    }
                    digest = next.digest;
                }
                Wanted::Blobs(blobs) => {
                    for blob in blobs {
                        let too_large =
                            || ImageError::new(format!("the image has more than the {limit} bytes that it may have"));
                        if blob.size > left {
                            return Err(too_large());
                        }
                        if !self.blobs.has(&blob.digest).await? {
                            self.receive("blobs", BLOBS, &blob.digest, blob.size).await?;
                            fetched += 1;
                        }
                        left -= blob.size;
                    }
                    return Ok(fetched);
                }
            }
        }
        Err(ImageError::new("the indexes of the image are nested too deep"))
    }

    async fn receive(&mut self, kind: &str, accept: &'static str, digest: &str, limit: u64) -> Result<u64, ImageError> {
        // It becomes part of a URL.
        manifest::hex_of(digest)?;
        let response = self.session.get(&format!("{kind}/{digest}"), accept).await?;
        let url = response.url().clone();
        self.blobs.receive(digest, &url, response, limit).await
    }
}

async fn client(live: Arc<LiveConfig>) -> Result<Client, ImageError> {
    let failed = |reason: String| ImageError::new(format!("no client of registries can be made: {reason}"));
    let tls = blocking(|| tls().map_err(|error| ImageError::new(error.to_string()))).await?;
    let silence = Duration::from_millis(live.get().registries.silence_ms);
    let follow = move |url: &Url| admits(url, &live.get().registries);
    let redirects = Policy::custom(move |attempt| {
        if attempt.previous().len() > REDIRECTS {
            attempt.error("too many redirects")
        } else if follow(attempt.url()) {
            attempt.follow()
        } else {
            attempt.error("a redirect to where TLS is not spoken")
        }
    });
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirects)
        .referer(false)
        .no_proxy()
        // Digests are those of the bytes as they come.
        .no_gzip()
        .connect_timeout(CONNECT_TIME)
        .read_timeout(silence)
        .user_agent(concat!("azure-emulator/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| failed(error.to_string()))
}

/// The certificates of this machine are trusted.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
