//! Signatures of what lies in a registry, as sigstore's cosign keeps them: beside it, under a tag that is made of its digest.
//!
//! A signature is over a text, the *payload*, which names the digest that is signed and the repository that it is signed for.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use sockerless_docker::ImageReference;
use sockerless_engine::{Error, ErrorKind};

use crate::artifact::ArtifactPlace;
use crate::manifest::{self, Body};
use crate::refusal::Refusal;
use crate::transport::Transport;
use crate::{blob, digest};

const PAYLOAD_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// As large as a payload may be, in bytes.
const PAYLOAD_LIMIT: usize = 64 << 10;
/// As many signatures of one thing are looked at.
const SIGNATURES: usize = 64;

/// What stands before the point of a public key on the curve P-256 in its DER: algorithm, curve, and the kind of what follows.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The length of the point in bytes.
const P256_POINT: usize = 65;

/// A public key whose signatures count: ECDSA on the curve P-256.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureKey(Vec<u8>);

impl SignatureKey {
    /// Reads a key as cosign writes it to `cosign.pub`.
    ///
    /// # Errors
    /// What it is instead, for people.
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
        const END: &str = "-----END PUBLIC KEY-----";
        if pem.contains("PRIVATE KEY-----") {
            return Err("it holds a private key: the public one is wanted, cosign.pub");
        }
        let (_, rest) = pem.split_once(BEGIN).ok_or("it has no line -----BEGIN PUBLIC KEY-----")?;
        let (text, _) = rest.split_once(END).ok_or("it has no line -----END PUBLIC KEY-----")?;
        let text: String = text.split_ascii_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| "what is between its lines is no base64")?;
        match der.strip_prefix(&P256_PREFIX) {
            Some(point) if point.len() == P256_POINT && point.first() == Some(&4) => Ok(Self(point.to_vec())),
            _ => Err("it is no key of ECDSA on the curve P-256, as `cosign generate-key-pair` makes them"),
        }
    }

    fn has_signed(&self, payload: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0).verify(payload, signature).is_ok()
    }
}

/// The beginning of its digest.
impl fmt::Debug for SignatureKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SignatureKey").field(&digest::sha256(&self.0).get(..19)).finish()
    }
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    docker_reference: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    docker_manifest_digest: String,
}

/// Looks whether one of the keys has signed a manifest for the repository in which it lies.
///
/// # Errors
/// None has: why not, as far as there is something like a signature. The registry cannot be reached.
pub(crate) async fn verify(
    transport: &Transport,
    place: ArtifactPlace<'_>,
    manifest: &str,
    keys: &[SignatureKey],
) -> Result<(), Error> {
    let reference = place.reference;
    let refuse = |reason: &str| {
        Err(Error::forbidden(format!(
            "{} is not installed: {reason}. Its digest is {manifest}; the keys whose signatures count stand in the daemon's configuration",
            reference.familiar_name()
        )))
    };
    let tag = format!("{}.sig", manifest.replace(':', "-"));
    let beside = ImageReference::parse(&format!("{}:{tag}", reference.canonical_name()));
    let beside = beside.map_err(|error| Error::internal(format!("no signature is looked for: {error}")))?;
    let mut session = place.session(transport, "pull").await?;
    let found = match manifest::fetch(&mut session, &beside).await.map_err(Refusal::into_error) {
        Err(error) if error.kind == ErrorKind::NotFound => {
            return refuse(&format!("it has no signature, no tag {tag}"));
        }
        found => found?,
    };
    let Body::Image(signatures) = found.body else { return refuse(&format!("its tag {tag} is no list of signatures")) };
    let mut reason = "none of its signatures is by a key that counts".to_owned();
    let layers = signatures.layers.iter().filter(|layer| layer.media_type == PAYLOAD_TYPE);
    for layer in layers.take(SIGNATURES) {
        let signature = layer.annotations.get(ANNOTATION).and_then(|text| STANDARD.decode(text).ok());
        let Some(signature) = signature else { continue };
        let payload = blob::download(&mut session, reference.path(), &layer.digest, PAYLOAD_LIMIT, "signature").await;
        let payload = payload.map_err(Refusal::into_error)?;
        if !keys.iter().any(|key| key.has_signed(&payload, &signature)) {
            continue;
        }
        match says(&payload, reference, manifest) {
            Ok(()) => return Ok(()),
            Err(other) => reason = other,
        }
    }
    refuse(&reason)
}

/// Whether a payload is about a manifest, in the repository of a reference.
fn says(payload: &[u8], reference: &ImageReference, manifest: &str) -> Result<(), String> {
    let Payload { critical } = serde_json::from_slice(payload)
        .map_err(|error| format!("what is signed by a key that counts is not understood: {error}"))?;
    let signed = critical.image.docker_manifest_digest;
    if signed != manifest {
        return Err(format!("its signature is of something else, {signed:?}"));
    }
    let named = critical.identity.docker_reference;
    match ImageReference::parse(&named) {
        Ok(other) if other.domain() == reference.domain() && other.path() == reference.path() => Ok(()),
        _ => Err(format!("its signature is for another repository, {named:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 6979, appendix A.2.5: any point of the curve will do.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanb33yBpSkTfkHdJ7wHxDw1QDhgG7\n\
        4/wbDNR5+wO3pAgPnd+eHjb7yQ3PEFjkk2RhtuOBVZTcfSHUKQ==\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn keys_are_public_and_of_the_one_kind() {
        assert_eq!(SignatureKey::from_pem(PEM).unwrap().0.len(), P256_POINT);
        assert!(SignatureKey::from_pem(&PEM.replace("PUBLIC", "PRIVATE")).unwrap_err().contains("private key"));
        assert!(SignatureKey::from_pem("").unwrap_err().contains("BEGIN PUBLIC KEY"));
        assert!(SignatureKey::from_pem(&PEM.replace("MFkw", "MFow")).unwrap_err().contains("P-256"));
        assert!(SignatureKey::from_pem(&PEM.replace("MFkw", "M!kw")).unwrap_err().contains("base64"));
    }

    #[test]
    fn a_payload_is_about_this_manifest_in_this_repository() {
        let reference = ImageReference::parse("r.io/team/b:1").unwrap();
        let payload = |repository: &str, digest: &str| {
            serde_json::json!({ "critical": {
                "identity": { "docker-reference": repository },
                "image": { "docker-manifest-digest": digest },
                "type": "cosign container image signature",
            }, "optional": null })
            .to_string()
        };
        let says = |text: String| says(text.as_bytes(), &reference, "sha256:1");
        assert_eq!(says(payload("r.io/team/b", "sha256:1")), Ok(()));
        assert!(says(payload("r.io/team/b", "sha256:2")).unwrap_err().contains("of something else"));
        assert!(says(payload("r.io/team/c", "sha256:1")).unwrap_err().contains("for another repository"));
        assert!(says(payload("", "sha256:1")).unwrap_err().contains("for another repository"));
        assert!(says("{}".to_owned()).unwrap_err().contains("not understood"));
    }
}
