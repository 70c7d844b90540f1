//! Images: manifest and configuration, without the layers.

use sockerless_docker::{DistributionInspect, ImageManifestConfig, ImagePlatform, ImageReference, RegistryAuth};
use sockerless_engine::{Error, Fetch, FetchFailure, Fetched, ImageContent};

use crate::blob;
use crate::manifest::{self, Blob, Body, ImageManifest};
use crate::refusal::Refusal;
use crate::session::{Purpose, Session};
use crate::transport::Transport;

/// As large as a configuration may be, in bytes.
const CONFIG_LIMIT: usize = 8 << 20;

/// Types of configurations of images. What registries keep beside images (charts, signatures, modules) has others.
const CONFIG_TYPES: [&str; 4] = [
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
    // What old clients pushed.
    "application/octet-stream",
    "",
];

async fn session<'a>(
    transport: &'a Transport,
    reference: &ImageReference,
    auth: Option<&'a RegistryAuth>,
) -> Result<Session<'a>, Error> {
    let purpose = Purpose { scope: Some(format!("repository:{}:pull", reference.path())), lasting: false };
    Session::open(transport, reference.domain(), auth, purpose).await
}

/// The image of a reference. Nothing of it but its digest is fetched if that is known already.
pub(crate) async fn fetch(transport: &Transport, fetch: &Fetch) -> Result<Fetched, FetchFailure> {
    let reference = &fetch.reference;
    let begun = |refusal: Refusal| FetchFailure::Begun(refusal.of_pull(reference));
    let refused = |refusal: Refusal| FetchFailure::Refused(refusal.of_pull(reference));
    let mut session =
        session(transport, reference, fetch.auth.as_ref()).await.map_err(|error| refused(error.into()))?;
    let named = match reference.digest() {
        Some(digest) => Some(digest.to_owned()),
        None => manifest::digest_of(&mut session, reference).await.map_err(refused)?,
    };
    if let Some(digest) = named.filter(|digest| fetch.known.contains(digest)) {
        return Ok(Fetched::Known { digest });
    }
    let found = manifest::fetch(&mut session, reference).await.map_err(refused)?;
    let digest = found.descriptor.digest;
    let manifest = match found.body {
        Body::Image(manifest) => {
            check_type(&manifest.config).map_err(FetchFailure::Refused)?;
            manifest
        }
        Body::List(entries) => {
            let entry = manifest::choose(&entries, &fetch.platform).map_err(FetchFailure::Begun)?;
            let manifest = manifest::fetch_entry(&mut session, reference, entry).await.map_err(begun)?;
            check_type(&manifest.config).map_err(FetchFailure::Begun)?;
            manifest
        }
    };
    let config = config(&mut session, reference, &manifest.config).await.map_err(begun)?;
    let ImageManifest { config: Blob { digest: id, .. }, layers, .. } = manifest;
    Ok(Fetched::New(Box::new(ImageContent {
        digest,
        id,
        config,
        layers: layers.iter().map(|layer| layer.size.max(0)).collect(),
    })))
}

/// What a reference stands for.
pub(crate) async fn distribution(
    transport: &Transport,
    reference: &ImageReference,
    auth: Option<&RegistryAuth>,
) -> Result<DistributionInspect, Refusal> {
    let mut session = session(transport, reference, auth).await?;
    let found = manifest::fetch(&mut session, reference).await?;
    let platforms = match found.body {
        Body::List(entries) => entries.into_iter().filter_map(|entry| entry.platform).collect(),
        Body::Image(manifest) if check_type(&manifest.config).is_ok() => {
            let platform = config(&mut session, reference, &manifest.config).await?.platform;
            Some(platform).filter(|platform| *platform != ImagePlatform::default()).into_iter().collect()
        }
        // It is there, and is no image.
        Body::Image(_) => Vec::new(),
    };
    Ok(DistributionInspect { descriptor: found.descriptor, platforms })
}

fn check_type(config: &Blob) -> Result<(), Error> {
    if CONFIG_TYPES.contains(&config.media_type.as_str()) {
        return Ok(());
    }
    let class = if config.media_type.starts_with("application/vnd.docker.plugin.") { "plugin" } else { "unknown" };
    Err(Error::invalid(format!("Encountered remote {:?}({class}) when fetching", config.media_type)))
}

/// The configuration, whose digest is the image's id.
async fn config(
    session: &mut Session<'_>,
    reference: &ImageReference,
    blob: &Blob,
) -> Result<ImageManifestConfig, Refusal> {
    let bytes = blob::download(session, reference.path(), &blob.digest, CONFIG_LIMIT, "image config").await?;
    let unreadable =
        |error| Error::internal(format!("the configuration of {} cannot be read: {error}", reference.familiar()));
    Ok(serde_json::from_slice(&bytes).map_err(unreadable)?)
}
