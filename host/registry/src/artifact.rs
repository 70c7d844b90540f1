//! WebAssembly components in registries, as the CNCF's layout has them: a manifest with one layer, which is the component.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use sockerless_docker::{ImageReference, RegistryAuth, is_digest};
use sockerless_engine::Error;

use crate::manifest::{self, Blob, Body, ImageManifest, OCI_MANIFEST};
use crate::refusal::Refusal;
use crate::session::{Purpose, Session};
use crate::transport::{Ask, Content, Transport};
use crate::{blob, digest};

/// The type of the configuration of a component, which tells it from an image.
const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
const WASM_LAYER: &str = "application/wasm";
/// As large as the answer to a manifest may be, in bytes: nobody reads it.
const ANSWER_LIMIT: usize = 64 << 10;

/// A component in a registry.
#[derive(Debug, Clone, Copy)]
pub struct ArtifactPlace<'a> {
    /// Where: the digest counts more than the tag.
    pub reference: &'a ImageReference,
    /// Who asks.
    pub auth: Option<&'a RegistryAuth>,
}

/// A component that was pulled.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The digest of its manifest.
    pub manifest: String,
    /// Its bytes, which have the digest that the manifest says.
    pub component: Bytes,
}

/// A component that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedArtifact {
    /// The digest of its manifest.
    pub manifest: String,
    /// The size of its manifest in bytes.
    pub size: usize,
    /// Whether the component was not there yet.
    pub uploaded: bool,
}

impl<'a> ArtifactPlace<'a> {
    /// Finds its registry. `actions`: what is to be done there, as scopes of tokens have it.
    pub(crate) async fn session(self, transport: &'a Transport, actions: &str) -> Result<Session<'a>, Error> {
        let scope = Some(format!("repository:{}:{actions}", self.reference.path()));
        Session::open(transport, self.reference.domain(), self.auth, Purpose { scope, lasting: false }).await
    }
}

/// Pulls one of at most `limit` bytes. `found` is told the digests of manifest and component before the component is fetched.
pub(crate) async fn pull(
    transport: &Transport,
    place: ArtifactPlace<'_>,
    limit: usize,
    found: &(dyn Fn(&str, &str) + Sync),
) -> Result<Artifact, Error> {
    let reference = place.reference;
    let refused = |refusal: Refusal| refusal.of_pull(reference);
    let mut session = place.session(transport, "pull").await?;
    let manifest::Found { descriptor, body } = manifest::fetch(&mut session, reference).await.map_err(refused)?;
    let layer = layer(&body, reference)?;
    if usize::try_from(layer.size).is_ok_and(|size| size > limit) {
        return Err(Error::invalid(format!(
            "the component of {} has {} bytes, more than the {limit} that it may have",
            reference.familiar(),
            layer.size
        )));
    }
    found(&descriptor.digest, &layer.digest);
    let component = blob::download(&mut session, reference.path(), &layer.digest, limit, "component").await;
    Ok(Artifact { manifest: descriptor.digest, component: component.map_err(refused)? })
}

/// The layer that is the component.
fn layer<'a>(body: &'a Body, reference: &ImageReference) -> Result<&'a Blob, Error> {
    let other = |what: &str| {
        Error::invalid(format!(
            "{} is no backend, but {what}: a backend is an artifact of the type {WASM_CONFIG} with one layer of the type {WASM_LAYER}, \
             as `docker plugin push` makes one",
            reference.familiar()
        ))
    };
    let ImageManifest { config, artifact_type, layers } = match body {
        Body::Image(manifest) => manifest,
        Body::List(_) => return Err(other("a list of images")),
    };
    if config.media_type != WASM_CONFIG && artifact_type.as_deref() != Some(WASM_CONFIG) {
        let kind = artifact_type.as_deref().unwrap_or(&config.media_type);
        return Err(other(&format!("of the type {kind:?}")));
    }
    match layers.as_slice() {
        [layer] if layer.media_type == WASM_LAYER && is_digest(&layer.digest) => Ok(layer),
        [layer] => Err(other(&format!("has a layer of the type {:?}", layer.media_type))),
        layers => Err(other(&format!("has {} layers", layers.len()))),
    }
}

/// Pushes one. `created`: when it was made, RFC 3339. The same of everything has the same digest.
pub(crate) async fn push(
    transport: &Transport,
    place: ArtifactPlace<'_>,
    component: Bytes,
    created: &str,
) -> Result<PushedArtifact, Error> {
    let repository = place.reference.path();
    let mut session = place.session(transport, "pull,push").await?;
    let layer_digest = digest::sha256(&component);
    let config = json!({
        "created": created,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer_digest],
    });
    let config = Bytes::from(config.to_string());
    let described = |media_type: &str, bytes: &Bytes| json!({ "mediaType": media_type, "digest": digest::sha256(bytes), "size": bytes.len() });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": WASM_CONFIG,
        "config": described(WASM_CONFIG, &config),
        "layers": [described(WASM_LAYER, &component)],
    });
    let manifest = Bytes::from(manifest.to_string());
    let uploaded = blob::upload(&mut session, repository, component).await.map_err(Refusal::into_error)?;
    blob::upload(&mut session, repository, config).await.map_err(Refusal::into_error)?;
    let pushed = PushedArtifact { manifest: digest::sha256(&manifest), size: manifest.len(), uploaded };
    let path = manifest::path(place.reference);
    let put = session.ask(Method::PUT, &path, ANSWER_LIMIT)?;
    let body = Some(Content { media_type: OCI_MANIFEST, bytes: manifest });
    let answer = session.exchange(Ask { body, ..put }).await.map_err(Refusal::into_error)?;
    if answer.status == StatusCode::CREATED { Ok(pushed) } else { Err(Refusal::read(&answer).into_error()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{Server, client, ok, user};

    fn manifest(config_type: &str, layers: &[(&str, &[u8])]) -> Vec<u8> {
        let blob = |(media_type, bytes): &(&str, &[u8])| json!({ "mediaType": media_type, "digest": digest::sha256(bytes), "size": bytes.len() });
        let layers: Vec<_> = layers.iter().map(blob).collect();
        json!({ "schemaVersion": 2, "config": blob(&(config_type, b"{}")), "layers": layers }).to_string().into_bytes()
    }

    async fn pulled(manifest: Vec<u8>, blob: &'static [u8], limit: usize) -> Result<Artifact, String> {
        let server = Server::start(move |asked| match &asked.line {
            line if line.contains("/manifests/") => ok(manifest.clone()),
            line if line.contains("/blobs/") => ok(blob),
            _ => ok("{}"),
        });
        let reference = ImageReference::parse(&format!("{}/team/b:1", server.await.host)).unwrap();
        let place = ArtifactPlace { reference: &reference, auth: None };
        client().pull_component(place, limit, &|_, _| {}).await.map_err(|error| error.message)
    }

    #[tokio::test]
    async fn one_layer_of_the_type_and_of_its_digest_is_a_component() {
        let good = || manifest(WASM_CONFIG, &[(WASM_LAYER, b"wasm")]);
        let artifact = pulled(good(), b"wasm", 4).await.unwrap();
        assert_eq!((artifact.component, artifact.manifest), (Bytes::from("wasm"), digest::sha256(&good())));
        let error = |manifest, blob, limit| async move { pulled(manifest, blob, limit).await.unwrap_err() };
        assert!(error(good(), b"mawm", 4).await.contains("component verification failed"));
        assert!(error(good(), b"wasm", 3).await.contains("has 4 bytes, more than the 3"));
        assert!(error(good(), b"wasmwasm", 4).await.contains("more than the 4 bytes"));
        let image = manifest("application/vnd.oci.image.config.v1+json", &[(WASM_LAYER, b"wasm")]);
        assert!(error(image, b"wasm", 4).await.contains("of the type \"application/vnd.oci.image.config.v1+json\""));
        let two = manifest(WASM_CONFIG, &[(WASM_LAYER, b"wasm"), (WASM_LAYER, b"more")]);
        assert!(error(two, b"wasm", 4).await.contains("has 2 layers"));
        let other = manifest(WASM_CONFIG, &[("text/plain", b"wasm")]);
        assert!(error(other, b"wasm", 4).await.contains("a layer of the type \"text/plain\""));
    }

    /// Registries may have bytes sent elsewhere. The credentials are theirs alone.
    #[tokio::test]
    async fn credentials_do_not_go_along_to_where_an_upload_is_sent() {
        let store = Arc::new(Server::start(|_| (201, Vec::new(), Vec::new())).await);
        let target = format!("http://{}/put?state=x", store.host);
        let registry = Server::start(move |asked| match &asked.line {
            _ if asked.authorization().is_empty() => {
                (401, vec![("WWW-Authenticate", "Basic realm=\"test\"".to_owned())], Vec::new())
            }
            line if line.starts_with("HEAD ") => (404, Vec::new(), Vec::new()),
            line if line.starts_with("POST ") => (202, vec![("Location", target.clone())], Vec::new()),
            line if line.starts_with("PUT ") => (201, Vec::new(), Vec::new()),
            _ => ok("{}"),
        })
        .await;
        let reference = ImageReference::parse(&format!("{}/team/b:1", registry.host)).unwrap();
        let auth = user("secret");
        let place = ArtifactPlace { reference: &reference, auth: Some(&auth) };
        let pushed = client().push_component(place, Bytes::from("wasm"), "2026-01-01T00:00:00Z").await.unwrap();
        assert!(pushed.uploaded);
        let sent = store.asked();
        assert_eq!(sent.len(), 2, "the component and its configuration");
        assert!(sent[0].line.starts_with("PUT /put?state=x&digest=sha256%3A"), "{}", sent[0].line);
        assert_eq!(sent[0].body, "wasm");
        assert!(sent.iter().all(|asked| asked.authorization().is_empty()));
        assert_eq!(registry.lines().last().map(String::as_str), Some("PUT /v2/team/b/manifests/1"));
    }
}
