//! Pulls: how images come to be known.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use sockerless_docker::{ImageConfig, ImagePlatform, ImageReference, RegistryAuth};
use tokio_util::sync::CancellationToken;

use super::{ImageRecord, kept, named};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frames::ByteStream;
use crate::registries::{Fetch, FetchFailure, Fetched, ImageContent};

/// The processor for which images are chosen when a client names none.
const ARCHITECTURE: &str = "amd64";

/// A pull, as a client asks for it.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// The image's name.
    pub name: String,
    /// Its tag or digest, if the name has none.
    pub tag: Option<String>,
    /// `os[/architecture[/variant]]`
    pub platform: Option<String>,
    /// Who asks the registry.
    pub auth: Option<RegistryAuth>,
    /// Cancelled when nobody waits for the pull any more.
    pub gone: CancellationToken,
}

/// What a pull has come to.
struct Pulled {
    /// Whether the name meant the same image before.
    known: bool,
    /// What there is to tell of it.
    lines: Vec<Value>,
}

impl Engine {
    /// Takes note of an image; if the operator wants it, with its configuration from the registry. Answers Docker's progress
    /// lines, the last of which may be an error.
    ///
    /// # Errors
    /// A malformed reference; the registry cannot be reached, or does not give the image; the note cannot be written.
    pub async fn pull_image(&self, options: PullOptions) -> Result<ByteStream> {
        let reference = named(&options.name, options.tag.as_deref())?.or_latest();
        let version = reference.digest().or(reference.tag()).unwrap_or("latest");
        let mut lines = vec![json!({ "status": format!("Pulling from {}", reference.path()), "id": version })];
        let pulled = if self.inner.registry.fetch_config {
            match self.fetch_image(&reference, &options).await {
                Ok(pulled) => pulled,
                Err(FetchFailure::Refused(error)) => return Err(error),
                Err(FetchFailure::Begun(error)) => return Ok(progress(lines, Some(error))),
            }
        } else {
            self.note_image(&reference).await?
        };
        let familiar = reference.familiar();
        self.inner.image_event("pull", &familiar, &reference.familiar_name());
        let news = if pulled.known { "Image is up to date for" } else { "Downloaded newer image for" };
        let (before, after): (Vec<_>, Vec<_>) = pulled.lines.into_iter().partition(|line| !is_warning(line));
        lines.extend(before);
        lines.push(json!({ "status": format!("Status: {news} {familiar}") }));
        lines.extend(after);
        Ok(progress(lines, None))
    }

    /// Takes note of the reference and of nothing else.
    async fn note_image(&self, reference: &ImageReference) -> Result<Pulled> {
        let _changing = self.inner.images.changing.lock().await;
        let familiar = reference.familiar();
        let known = self.inner.images.find(&familiar).is_ok();
        if !known {
            let digest = ring::digest::digest(&ring::digest::SHA256, reference.to_string().as_bytes());
            let id = format!("sha256:{}", hex::encode(digest));
            self.keep(id, &[kept(reference)], None).await?;
        }
        let lines = vec![json!({ "status": "Noted by reference: the layers are pulled where the container runs" })];
        Ok(Pulled { known, lines })
    }

    /// Fetches the image's configuration and keeps it.
    async fn fetch_image(&self, reference: &ImageReference, options: &PullOptions) -> Result<Pulled, FetchFailure> {
        let wanted = options.platform.as_deref().map(ImagePlatform::parse);
        let platform = wanted.clone().unwrap_or_else(|| ImagePlatform::linux(ARCHITECTURE));
        let name = reference.familiar_name();
        let known = self.known_digests(&name, &platform);
        let fetch = Fetch { reference: reference.clone(), platform, auth: options.auth.clone(), known };
        let fetched = self.bounded(&options.gone, self.inner.registry.registries.fetch(&fetch)).await;
        let fetched = fetched.map_err(FetchFailure::Refused)??;

        let _changing = self.inner.images.changing.lock().await;
        let (digest, image) = match fetched {
            Fetched::Known { digest } => {
                let image = self.inner.images.find(&format!("{name}@{digest}")).map_err(FetchFailure::Begun)?;
                (digest, (*image).clone())
            }
            Fetched::New(content) => {
                let os = &content.config.platform.os;
                if !os.is_empty() && os != "linux" {
                    return Err(FetchFailure::Begun(Error::invalid(format!(
                        "image operating system {os:?} cannot be used on this platform: operating system is not supported"
                    ))));
                }
                (content.digest.clone(), record_of(*content))
            }
        };
        let is_known = self.inner.images.find(&reference.familiar()).is_ok_and(|known| known.id == image.id);
        let mut lines = vec![
            json!({ "status": "Fetched the configuration: the layers are pulled where the container runs" }),
            json!({ "status": format!("Digest: {digest}") }),
        ];
        if let (Some(wanted), Some(actual)) = (&wanted, image.platform())
            && wanted.suitability(actual).is_none()
        {
            let text = mismatch(&reference.familiar(), actual, wanted);
            lines.push(json!({ "status": format!("WARNING: {text}") }));
        }
        let names = [kept(reference), format!("{name}@{digest}")];
        self.keep(image.id.clone(), &names, Some(image)).await.map_err(FetchFailure::Begun)?;
        Ok(Pulled { known: is_known, lines })
    }

    /// The digests of a repository of which the image for a platform is known.
    fn known_digests(&self, name: &str, platform: &ImagePlatform) -> Vec<String> {
        let images = self.inner.images.all();
        images
            .iter()
            .filter(|image| image.platform().is_some_and(|actual| platform.suitability(actual) == Some(0)))
            .flat_map(|image| &image.references)
            .filter_map(|reference| reference.split_once('@'))
            .filter(|(repository, _)| *repository == name)
            .map(|(_, digest)| digest.to_owned())
            .collect()
    }

    /// Gives an image these names, and takes them from any other. `image`: what is known of it now.
    async fn keep(&self, id: String, names: &[String], image: Option<ImageRecord>) -> Result<()> {
        for name in names {
            self.inner.take_reference(name, &id).await?;
        }
        let before = self.inner.images.find(&id).ok();
        let mut record = image.or_else(|| before.as_deref().cloned()).unwrap_or_else(|| ImageRecord {
            id,
            references: Vec::new(),
            pulled: Timestamp::now(),
            config: ImageConfig::default(),
            content: None,
        });
        record.references.extend(before.iter().flat_map(|before| before.references.iter().cloned()));
        record.references.extend(names.iter().cloned());
        record.references.sort();
        record.references.dedup();
        self.inner.save_image(record).await
    }
}

/// What the Engine says of an image that is not for the platform that a client names.
pub(crate) fn mismatch(reference: &str, actual: &ImagePlatform, wanted: &ImagePlatform) -> String {
    format!(
        "image with reference {reference} was found but its platform ({actual}) does not match the specified platform ({wanted})"
    )
}

fn record_of(mut content: ImageContent) -> ImageRecord {
    let config = std::mem::take(&mut content.config.config);
    ImageRecord {
        id: content.id.clone(),
        references: Vec::new(),
        pulled: Timestamp::now(),
        config,
        content: Some(content),
    }
}

fn is_warning(line: &Value) -> bool {
    line["status"].as_str().is_some_and(|status| status.starts_with("WARNING: "))
}

fn progress(lines: Vec<Value>, error: Option<Error>) -> ByteStream {
    let lines = lines.into_iter().map(|line| Ok(Bytes::from(format!("{line}\r\n"))));
    stream::iter(lines.chain(error.map(Err)).collect::<Vec<_>>()).boxed()
}
