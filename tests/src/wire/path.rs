//! Places in an answer: `State.Status`, `[0].Names[0]`, `Mounts[Name=data].Driver`, `[*].Id`, `Id[:12]`.

use std::fmt;

use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A member of an object.
    Key(String),
    /// An element of a list, counted from the end if negative.
    Index(i64),
    /// The first element of a list, one member of which has this value.
    Where(String, String),
    /// What the rest of the path finds in every element of a list.
    All,
    /// The beginning of a text.
    Prefix(usize),
    /// How many characters, elements or members there are.
    Length,
}

/// A place in a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    text: String,
    steps: Vec<Step>,
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Path {
    /// Reads a path. `$` is the whole.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (inside, behind) = inner.split_once(']').ok_or_else(|| format!("no ']' in {text:?}"))?;
                steps.push(bracket(inside).ok_or_else(|| format!("what is [{inside}] in {text:?}?"))?);
                rest = behind;
                continue;
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let (key, behind) = if let Some(quoted) = rest.strip_prefix('"') {
                quoted.split_once('"').ok_or_else(|| format!("no closing quote in {text:?}"))?
            } else {
                rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()))
            };
            if key.is_empty() {
                return Err(format!("an empty name in {text:?}"));
            }
            steps.push(if key == "#" { Step::Length } else { Step::Key(key.to_owned()) });
            rest = behind;
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// What is there, if anything.
    pub(super) fn find(&self, value: &Value) -> Option<Value> {
        find(&self.steps, value)
    }
}

fn bracket(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(length) = inside.strip_prefix(':') {
        return length.parse().ok().map(Step::Prefix);
    }
    if let Some((key, value)) = inside.split_once('=') {
        return Some(Step::Where(key.to_owned(), value.to_owned()));
    }
    inside.parse().ok().map(Step::Index)
}

fn find(steps: &[Step], value: &Value) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value.clone()) };
    match step {
        Step::Key(key) => find(rest, value.get(key)?),
        Step::Index(index) => {
            let list = value.as_array()?;
            let length = i64::try_from(list.len()).ok()?;
            let index = if *index < 0 { index + length } else { *index };
            find(rest, list.get(usize::try_from(index).ok()?)?)
        }
        Step::Where(key, wanted) => {
            // The key may be a path of its own: `[Actor.ID=x]`.
            let key = Path::parse(key).ok()?;
            let is_it = |element: &&Value| key.find(element).is_some_and(|found| shown(&found) == *wanted);
            find(rest, value.as_array()?.iter().find(is_it)?)
        }
        Step::All => Some(Value::Array(value.as_array()?.iter().filter_map(|element| find(rest, element)).collect())),
        Step::Prefix(length) => find(rest, &json!(value.as_str()?.chars().take(*length).collect::<String>())),
        Step::Length => {
            let length = match value {
                Value::String(text) => text.chars().count(),
                Value::Array(list) => list.len(),
                Value::Object(map) => map.len(),
                _ => return None,
            };
            find(rest, &json!(length))
        }
    }
}

/// A value as it stands in a path or in a request: a text without quotes.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Path;
    use serde_json::{Value, json};

    fn found(path: &str, value: &Value) -> Option<Value> {
        Path::parse(path).unwrap().find(value)
    }

    #[test]
    fn places() {
        let value = json!({
            "Id": "0123456789", "State": { "Status": "running" }, "a.b": { "c": 1 },
            "Names": ["/x", "/y"], "Mounts": [{ "Name": "m", "RW": true }, { "Name": "n", "RW": false }],
        });
        for (path, want) in [
            ("State.Status", Some(json!("running"))),
            ("\"a.b\".c", Some(json!(1))),
            ("Names[0]", Some(json!("/x"))),
            ("Names[-1]", Some(json!("/y"))),
            ("Names[2]", None),
            ("Names.#", Some(json!(2))),
            ("Id.#", Some(json!(10))),
            ("Id[:4]", Some(json!("0123"))),
            ("Mounts[Name=n].RW", Some(json!(false))),
            ("Mounts[RW=true].Name", Some(json!("m"))),
            ("Mounts[Name=o]", None),
            ("Mounts[*].Name", Some(json!(["m", "n"]))),
            ("Nope.Nope", None),
            ("$.Id", Some(json!("0123456789"))),
        ] {
            assert_eq!(found(path, &value), want, "{path}");
        }
        assert_eq!(found("$", &value), Some(value.clone()));
        assert_eq!(found("[0]", &json!([7])), Some(json!(7)));
        assert_eq!(found("[Actor.ID=x].n", &json!([{ "Actor": { "ID": "x" }, "n": 2 }])), Some(json!(2)));
    }

    #[test]
    fn no_paths() {
        for text in ["a[", "a[x]", "a..b", "\"a"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}
