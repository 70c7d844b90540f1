//! Tags: by which an app is recognised as ours, and Docker's labels in the room that is left.

use serde_json::{Map, Value};

use crate::bindings::types::Container;

/// Every app that is ours has it.
const MANAGED: &str = "sockerless-managed";
/// The id of the daemon that made it.
const DAEMON: &str = "sockerless-daemon";
/// Docker's id of the container.
pub(crate) const CONTAINER_ID: &str = "sockerless-container-id";
const NAME: &str = "sockerless-name";
const IMAGE: &str = "sockerless-image";
/// Path and header by which the agent is spoken to.
const AGENT: &str = "sockerless-agent";
/// `-0`, `-1`, …: the slices of the labels' JSON, one after the other.
const LABELS: &str = "sockerless-labels";

/// Longest value of a tag, in characters.
const MAX_VALUE: usize = 256;
/// Tags that the labels may take. A resource has up to 50, some of which an organisation's policy may want to add.
const MAX_SLICES: usize = 40;

/// What an app says of itself, the labels aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Docker's id.
    pub(crate) container: String,
    /// The daemon's id. Apps that were made by an early version have none.
    pub(crate) daemon: Option<String>,
    /// Docker's name, without the slash.
    pub(crate) name: String,
    pub(crate) image: String,
    /// Path and header of the agent's door, if there is an agent.
    pub(crate) agent: Option<(String, String)>,
}

impl Marks {
    /// Those of a container that is about to be made.
    pub(crate) fn of(container: &Container, daemon: &str, agent: Option<(&str, &str)>) -> Self {
        Self {
            container: container.id.clone(),
            daemon: Some(daemon.to_owned()),
            name: container.name.clone(),
            image: container.image.clone(),
            agent: agent.map(|(path, header)| (path.to_owned(), header.to_owned())),
        }
    }

    /// Those that the tags of an app have; nothing if it is none of ours.
    pub(crate) fn read(tags: &Value) -> Option<Self> {
        let text = |name| tag(tags, name).unwrap_or_default().to_owned();
        let container = tag(tags, CONTAINER_ID)?.to_owned();
        let name = text(NAME);
        Some(Self {
            container,
            daemon: tag(tags, DAEMON).map(str::to_owned),
            name: name.strip_prefix('/').unwrap_or(&name).to_owned(),
            image: text(IMAGE),
            agent: tag(tags, AGENT)
                .and_then(|agent| agent.split_once(' '))
                .map(|(path, header)| (path.to_owned(), header.to_owned())),
        })
    }

    /// The tags, with the labels of a create body, and how many of these found no room.
    pub(super) fn tags(&self, spec: &str) -> (Map<String, Value>, usize) {
        let mut tags = Map::new();
        let mut put = |name: &str, value: String| tags.insert(name.to_owned(), Value::String(value));
        put(MANAGED, "true".to_owned());
        put(CONTAINER_ID, self.container.clone());
        put(NAME, cut(&format!("/{}", self.name)));
        put(IMAGE, cut(&self.image));
        if let Some(daemon) = &self.daemon {
            put(DAEMON, cut(daemon));
        }
        if let Some((path, header)) = &self.agent {
            put(AGENT, cut(&format!("{path} {header}")));
        }
        let (packed, omitted) = pack(&labels(spec));
        for (index, slice) in packed.as_bytes().chunks(MAX_VALUE).enumerate() {
            put(&format!("{LABELS}-{index}"), String::from_utf8_lossy(slice).into_owned());
        }
        (tags, omitted)
    }
}

/// The value of a tag. Azure keeps a tag's name as it was written first, in whatever case.
pub(super) fn tag<'t>(tags: &'t Value, name: &str) -> Option<&'t str> {
    let tags = tags.as_object()?;
    tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
}

/// The labels that the tags of an app have. Of slices that are not whole, none.
pub(crate) fn labels_in(tags: &Value) -> Vec<(String, String)> {
    let slices: String = (0..MAX_SLICES).map_while(|index| tag(tags, &format!("{LABELS}-{index}"))).collect();
    let labels: Map<String, Value> = serde_json::from_str(&slices).unwrap_or_default();
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    labels.into_iter().map(|(name, value)| (name, text(value))).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_VALUE).collect()
}

/// The labels of a create body. Of something else, none: the labels are decoration there, the host keeps them.
fn labels(spec: &str) -> Vec<(String, String)> {
    let spec: Value = serde_json::from_str(spec).unwrap_or_default();
    let labels = spec.pointer("/Config/Labels").or_else(|| spec.get("Labels")).and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// The labels as one JSON object of ASCII characters, so that it can be sliced anywhere; those that fit, whole.
fn pack(labels: &[(String, String)]) -> (String, usize) {
    if labels.is_empty() {
        return (String::new(), 0);
    }
    let mut packed = String::from("{");
    let mut omitted = 0;
    for (name, value) in labels {
        let member = format!("{}:{}", quoted(name), quoted(value));
        if packed.len() + member.len() + 2 > MAX_VALUE * MAX_SLICES {
            omitted += 1;
            continue;
        }
        if packed.len() > 1 {
            packed.push(',');
        }
        packed.push_str(&member);
    }
    packed.push('}');
    (packed, omitted)
}

fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{ID, container};

    fn tags(labels: &Value) -> (Map<String, Value>, usize) {
        let mut container = container(&["x"]);
        container.spec = json!({ "Config": { "Labels": labels } }).to_string();
        Marks::of(&container, "daemon", Some(("/p", "h"))).tags(&container.spec)
    }

    fn unpacked(tags: &Map<String, Value>) -> Value {
        let labels = labels_in(&Value::Object(tags.clone()));
        Value::Object(labels.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
    }

    #[test]
    fn an_app_is_marked() {
        let (tags, omitted) = tags(&json!({}));
        assert_eq!(omitted, 0);
        assert_eq!(
            Value::Object(tags),
            json!({
            MANAGED: "true", CONTAINER_ID: ID, NAME: "/w", IMAGE: "alpine", DAEMON: "daemon", AGENT: "/p h" })
        );
    }

    #[test]
    fn marks_are_read_back_in_any_case_of_their_names() {
        let marks = Marks::of(&container(&["x"]), "daemon", Some(("/p", "h")));
        let upper = |name: &String| name.to_uppercase();
        let tags: Map<_, _> = marks.tags("{}").0.iter().map(|(name, value)| (upper(name), value.clone())).collect();
        assert_eq!(Marks::read(&Value::Object(tags)), Some(marks));
        assert_eq!(Marks::read(&json!({ "sockerless-managed": "true" })), None);
        assert_eq!(Marks::read(&Value::Null), None);
        let early = Marks::read(&json!({ CONTAINER_ID: ID })).unwrap();
        assert_eq!((early.daemon, early.agent), (None, None));
    }

    #[test]
    fn slices_that_are_not_whole_have_no_labels() {
        let tags = json!({ "sockerless-labels-0": "{\"a\":\"b" });
        assert_eq!(labels_in(&tags), []);
        assert_eq!(labels_in(&json!({})), []);
    }

    #[test]
    fn labels_are_sliced_and_come_back() {
        let labels = json!({ "a": "b", "empty": "", "odd": "☃ü\"\\\n💥", "long": "é".repeat(700) });
        let (tags, omitted) = tags(&labels);
        assert_eq!(omitted, 0);
        assert!(tags.len() <= 50 && tags.len() > 6);
        assert!(tags.values().all(|value| value.as_str().unwrap().chars().count() <= MAX_VALUE));
        assert_eq!(unpacked(&tags), labels);
    }

    #[test]
    fn labels_beyond_the_room_are_left_out_whole() {
        let labels: Map<String, Value> =
            (0..30).map(|n| (format!("label-{n}"), json!("v".repeat(if n == 3 { 20_000 } else { 400 })))).collect();
        let (tags, omitted) = tags(&Value::Object(labels));
        assert!(tags.len() <= 50);
        assert!(omitted > 1);
        let back = unpacked(&tags);
        assert_eq!(back.as_object().unwrap().len(), 30 - omitted);
        assert_eq!(back.get("label-3"), None);
    }

    #[test]
    fn a_body_that_is_none_has_no_labels() {
        assert_eq!(labels("no JSON"), []);
        assert_eq!(labels(r#"{"Config":{"Labels":null}}"#), []);
    }
}
