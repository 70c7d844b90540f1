//! Events.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::object::{is_default, or_default};

/// Something that happened. The first three fields are the form of old clients, which the Engine still sends for
/// containers and images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventMessage {
    #[serde(skip_serializing_if = "is_default")]
    pub status: String,
    #[serde(skip_serializing_if = "is_default")]
    pub id: String,
    #[serde(skip_serializing_if = "is_default")]
    pub from: String,
    #[serde(rename = "Type")]
    pub r#type: String,
    #[serde(rename = "Action")]
    pub action: String,
    #[serde(rename = "Actor")]
    pub actor: Actor,
    #[serde(skip_serializing_if = "is_default")]
    pub scope: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "is_default")]
    pub time: i64,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano", skip_serializing_if = "is_default")]
    pub time_nano: i64,
}

/// Whom it happened to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "Attributes", deserialize_with = "or_default")]
    pub attributes: BTreeMap<String, String>,
}

impl EventMessage {
    /// An event of this daemon, at a time in nanoseconds since 1970, with the old fields where the Engine has them.
    #[must_use]
    pub fn new(kind: &str, action: &str, actor: Actor, time_nano: i64) -> Self {
        let (mut status, mut id, mut from) = (String::new(), String::new(), String::new());
        if kind == "container" || kind == "image" {
            action.clone_into(&mut status);
            actor.id.clone_into(&mut id);
            if kind == "container" {
                from = actor.attributes.get("image").cloned().unwrap_or_default();
            }
        }
        Self {
            status,
            id,
            from,
            r#type: kind.to_owned(),
            action: action.to_owned(),
            actor,
            scope: "local".to_owned(),
            time: time_nano.div_euclid(1_000_000_000),
            time_nano,
        }
    }
}
