//! Tags: by which an app is recognised as ours, and Docker's labels in the room that is left.

use serde_json::{Map, Value};

use crate::bindings::types::Container;

/// Every app that is ours has it.
const MANAGED: &str = "sockerless-managed";
/// Docker's id of the container.
pub(crate) const CONTAINER_ID: &str = "sockerless-container-id";
const NAME: &str = "sockerless-name";
const IMAGE: &str = "sockerless-image";
/// `-0`, `-1`, …: the slices of the labels' JSON, one after the other.
const LABELS: &str = "sockerless-labels";

/// Longest value of a tag, in characters.
const MAX_VALUE: usize = 256;
/// Tags that the labels may take. A resource has up to 50, some of which an organisation's policy may want to add.
const MAX_SLICES: usize = 40;

/// The tags of a container, and how many of its labels found no room.
pub(super) fn of(container: &Container) -> (Map<String, Value>, usize) {
    let mut tags = Map::new();
    let mut put = |name: &str, value: String| tags.insert(name.to_owned(), Value::String(value));
    put(MANAGED, "true".to_owned());
    put(CONTAINER_ID, container.id.clone());
    put(NAME, cut(&format!("/{}", container.name)));
    put(IMAGE, cut(&container.image));
    let (packed, omitted) = pack(&labels(&container.spec));
    for (index, slice) in packed.as_bytes().chunks(MAX_VALUE).enumerate() {
        put(&format!("{LABELS}-{index}"), String::from_utf8_lossy(slice).into_owned());
    }
    (tags, omitted)
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
        of(&container)
    }

    fn unpacked(tags: &Map<String, Value>) -> Value {
        let slices: String =
            (0..).map_while(|n| tags.get(&format!("{LABELS}-{n}"))).map(|slice| slice.as_str().unwrap()).collect();
        serde_json::from_str(&slices).unwrap()
    }

    #[test]
    fn an_app_is_marked() {
        let (tags, omitted) = tags(&json!({}));
        assert_eq!(omitted, 0);
        assert_eq!(Value::Object(tags), json!({ MANAGED: "true", CONTAINER_ID: ID, NAME: "/w", IMAGE: "alpine" }));
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
