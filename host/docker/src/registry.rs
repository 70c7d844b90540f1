//! What registries say, as the API hands it on.

use serde::{Deserialize, Serialize};

use crate::ImagePlatform;
use crate::object::{is_default, or_default};

/// The answer of `POST /auth`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoginAnswer {
    /// Stands for the password from now on, if the registry has given one.
    pub identity_token: String,
    /// `Login Succeeded`.
    pub status: String,
}

/// What a name stands for in a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The type of the manifest.
    pub media_type: String,
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: i64,
}

/// The answer of `GET /distribution/{name}/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DistributionInspect {
    /// The manifest, or the list of manifests.
    pub descriptor: Descriptor,
    /// For what there are images.
    pub platforms: Vec<ImagePlatform>,
}

/// A repository that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchResult {
    /// How many users like it.
    #[serde(deserialize_with = "or_default")]
    pub star_count: i64,
    /// Whether Docker keeps it.
    #[serde(deserialize_with = "or_default")]
    pub is_official: bool,
    /// The repository.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// No longer told by any registry.
    #[serde(deserialize_with = "or_default")]
    pub is_automated: bool,
    /// What its owner says of it.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
}

/// The configuration of an image, as it lies in a registry. Its digest is the image's id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageManifestConfig {
    /// When it was built, RFC 3339.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub created: String,
    /// Who built it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub author: String,
    /// A word on it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub comment: String,
    /// What built it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub docker_version: String,
    /// For what it is built.
    #[serde(flatten)]
    pub platform: ImagePlatform,
    /// What it gives to its containers.
    #[serde(deserialize_with = "or_default")]
    pub config: crate::ImageConfig,
    /// Its layers.
    #[serde(deserialize_with = "or_default")]
    pub rootfs: LayerList,
    /// How it was built, the first step first.
    #[serde(deserialize_with = "or_default")]
    pub history: Vec<BuildStep>,
}

/// The layers of an image by the digests of what is in them, the lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerList {
    /// The digests, of uncompressed archives.
    #[serde(deserialize_with = "or_default")]
    pub diff_ids: Vec<String>,
}

/// A step of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildStep {
    /// When, RFC 3339.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub created: String,
    /// By which command.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub created_by: String,
    /// A word on it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub comment: String,
    /// Whether it made no layer.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub empty_layer: bool,
}
