//! Manifests: what a name in a registry stands for.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use serde::Deserialize;
use sockerless_docker::{Descriptor, ImagePlatform, ImageReference, is_digest};
use sockerless_engine::Error;

use crate::digest;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::transport::Answer;

/// As large as a manifest may be, in bytes: what registries take, too.
const MANIFEST_LIMIT: usize = 4 << 20;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// A manifest, or a list of manifests, with its own digest.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) descriptor: Descriptor,
    pub(crate) body: Body,
}

/// The two kinds.
#[derive(Debug)]
pub(crate) enum Body {
    Image(ImageManifest),
    List(Vec<ListEntry>),
}

/// An image: its configuration and its layers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageManifest {
    pub(crate) config: Blob,
    /// What it is, if it is something else than an image.
    #[serde(default)]
    pub(crate) artifact_type: Option<String>,
    #[serde(default)]
    pub(crate) layers: Vec<Blob>,
}

/// Something with a digest and a size.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Blob {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: String,
    #[serde(default)]
    pub(crate) size: i64,
    /// What is said of it.
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A manifest in a list.
#[derive(Debug, Deserialize)]
pub(crate) struct ListEntry {
    #[serde(flatten)]
    pub(crate) blob: Blob,
    #[serde(default)]
    pub(crate) platform: Option<ImagePlatform>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    #[serde(default)]
    schema_version: i64,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    manifests: Option<Vec<ListEntry>>,
    #[serde(default)]
    config: Option<serde_json::Value>,
    #[serde(default)]
    layers: Option<serde_json::Value>,
}

/// The digest that the registry names for a tag, without the manifest: registries do not count this as a pull. Nothing if
/// the registry does not say, or says no: it gives its reasons when it is asked for the manifest itself.
pub(crate) async fn digest_of(
    session: &mut Session<'_>,
    reference: &ImageReference,
) -> Result<Option<String>, Refusal> {
    let answer = session.send(http::Method::HEAD, &path(reference), Some(ACCEPT), MANIFEST_LIMIT).await?;
    let digest = answer.headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
    let digest = digest.filter(|digest| answer.status.is_success() && is_digest(digest));
    Ok(digest.map(str::to_owned))
}

/// The manifest that a reference stands for.
pub(crate) async fn fetch(session: &mut Session<'_>, reference: &ImageReference) -> Result<Found, Refusal> {
    let answer = session.send(http::Method::GET, &path(reference), Some(ACCEPT), MANIFEST_LIMIT).await?;
    if !answer.status.is_success() {
        return Err(Refusal::read(&answer));
    }
    Ok(read(&answer, reference)?)
}

/// The manifest of a platform, from a list.
pub(crate) async fn fetch_entry(
    session: &mut Session<'_>,
    reference: &ImageReference,
    entry: &Blob,
) -> Result<ImageManifest, Refusal> {
    let pinned = if is_digest(&entry.digest) { reference.clone().with_tag(&entry.digest).ok() } else { None };
    let pinned =
        pinned.ok_or_else(|| Error::internal(format!("invalid digest in the manifest list: {:?}", entry.digest)))?;
    match fetch(session, &pinned).await?.body {
        Body::Image(manifest) => Ok(manifest),
        Body::List(_) => Err(Error::internal("unexpected manifest list in a manifest list").into()),
    }
}

/// Where a manifest is: the digest says more than the tag.
pub(crate) fn path(reference: &ImageReference) -> String {
    let which = reference.digest().or(reference.tag()).unwrap_or("latest");
    format!("{}/manifests/{which}", reference.path())
}

fn read(answer: &Answer, reference: &ImageReference) -> Result<Found, Error> {
    let body = &answer.body;
    let digest = match reference.digest() {
        Some(digest) if digest::matches(body, digest) => digest.to_owned(),
        Some(digest) => return Err(Error::internal(format!("manifest verification failed for digest {digest}"))),
        None => digest::sha256(body),
    };
    let unreadable = |error: serde_json::Error| {
        Error::internal(format!("the manifest of {} cannot be read: {error}", reference.familiar()))
    };
    let shape: Shape = serde_json::from_slice(body).map_err(unreadable)?;
    let header = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let header = header.split(';').next().unwrap_or_default().trim();
    let known = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST];
    let mut media_type = if known.contains(&header) { header } else { shape.media_type.as_str() };
    if shape.schema_version == 1 {
        return Err(Error::invalid(format!(
            "Docker Image Format v1 and Docker Image manifest version 2, schema 1 are not supported: suggest the author of \
             {} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2",
            reference.familiar()
        )));
    }
    let (is_list, is_image) = (shape.manifests.is_some(), shape.config.is_some() || shape.layers.is_some());
    // One that is both would be one thing to whom checks it and another to whom runs it.
    if is_list == is_image {
        return Err(Error::invalid(format!(
            "the manifest of {} is neither an image nor a list of images",
            reference.familiar()
        )));
    }
    if media_type.is_empty() {
        media_type = if is_list { OCI_INDEX } else { OCI_MANIFEST };
    }
    if is_list != matches!(media_type, OCI_INDEX | DOCKER_LIST) {
        return Err(Error::invalid(format!(
            "the manifest of {} is not of its type {media_type}",
            reference.familiar()
        )));
    }
    let size = i64::try_from(body.len()).unwrap_or(i64::MAX);
    let descriptor = Descriptor { media_type: media_type.to_owned(), digest, size };
    let body = match shape.manifests {
        Some(manifests) => Body::List(manifests),
        None => Body::Image(serde_json::from_slice(body).map_err(unreadable)?),
    };
    Ok(Found { descriptor, body })
}

/// The entry that fits a platform best.
pub(crate) fn choose<'a>(entries: &'a [ListEntry], wanted: &ImagePlatform) -> Result<&'a Blob, Error> {
    entries
        .iter()
        .filter_map(|entry| Some((wanted.suitability(entry.platform.as_ref()?)?, &entry.blob)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, blob)| blob)
        .ok_or_else(|| Error::not_found(format!("no matching manifest for {wanted} in the manifest list entries")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use sockerless_docker::{ImagePlatform, ImageReference};

    use super::{Answer, Body, choose, digest, read};

    fn answer(content_type: &str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, content_type.parse().unwrap());
        Answer { status: StatusCode::OK, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    fn error(content_type: &str, body: &str) -> String {
        read(&answer(content_type, body), &ImageReference::parse("r.io/a:1").unwrap()).unwrap_err().message
    }

    #[test]
    fn what_is_ambiguous_or_mistaken_is_refused() {
        let config = format!(r#"{{"digest":"{}"}}"#, digest::sha256(b""));
        assert!(error("x", &format!(r#"{{"schemaVersion":2,"manifests":[],"config":{config}}}"#)).contains("neither"));
        assert!(error("x", r#"{"schemaVersion":2}"#).contains("neither"));
        assert!(error("x", r#"{"schemaVersion":1,"fsLayers":[]}"#).contains("schema 1"));
        assert!(error(super::OCI_INDEX, &format!(r#"{{"config":{config}}}"#)).contains("not of its type"));
        assert!(error(super::OCI_MANIFEST, r#"{"manifests":[]}"#).contains("not of its type"));
        assert!(error(super::OCI_MANIFEST, "{").contains("cannot be read"));
        assert!(error(super::OCI_MANIFEST, r#"{"config":{"size":1}}"#).contains("cannot be read"));
    }

    #[test]
    fn a_digest_is_held_against_the_bytes() {
        let body = format!(r#"{{"config":{{"digest":"{}"}}}}"#, digest::sha256(b""));
        let right = ImageReference::parse(&format!("r.io/a@{}", digest::sha256(body.as_bytes()))).unwrap();
        let found = read(&answer("text/plain", &body), &right).unwrap();
        assert_eq!(Some(found.descriptor.digest.as_str()), right.digest());
        assert_eq!(found.descriptor.media_type, super::OCI_MANIFEST);
        let wrong = ImageReference::parse(&format!("r.io/a@{}", digest::sha256(b""))).unwrap();
        assert!(
            read(&answer("text/plain", &body), &wrong).unwrap_err().message.starts_with("manifest verification failed")
        );
    }

    #[test]
    fn the_best_of_a_list() {
        let entry = |digest: &str, platform: &str| format!(r#"{{"digest":"{digest}","platform":{platform}}}"#);
        let list = format!(
            r#"{{"manifests":[{},{},{},{},{{"digest":"none"}}]}}"#,
            entry("attestation", r#"{"architecture":"unknown","os":"unknown"}"#),
            entry("386", r#"{"architecture":"386","os":"linux"}"#),
            entry("amd64", r#"{"architecture":"amd64","os":"linux"}"#),
            entry("v6", r#"{"architecture":"arm","os":"linux","variant":"v6"}"#),
        );
        let found = read(&answer(super::OCI_INDEX, &list), &ImageReference::parse("r.io/a:1").unwrap()).unwrap();
        let Body::List(entries) = found.body else { panic!("no list") };
        let chosen = |platform: &str| {
            choose(&entries, &ImagePlatform::parse(platform))
                .map(|blob| blob.digest.clone())
                .map_err(|error| error.message)
        };
        assert_eq!(chosen("linux/amd64").as_deref(), Ok("amd64"));
        assert_eq!(chosen("linux/386").as_deref(), Ok("386"));
        assert_eq!(chosen("linux/arm/v7").as_deref(), Ok("v6"));
        assert_eq!(
            chosen("linux/s390x").unwrap_err(),
            "no matching manifest for linux/s390x in the manifest list entries"
        );
    }
}
