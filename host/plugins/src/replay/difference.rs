//! Where a call went another way, in words.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sockerless_recorder::Outcome;

/// A text is shown up to so many characters.
const SHOWN: usize = 200;

/// The first difference between a call as it was recorded and as it goes now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The export.
    pub export: String,
    /// The container that it is about.
    pub container: Option<String>,
    /// When the recorded call began.
    pub time: Timestamp,
    /// What differs.
    pub step: Step,
}

/// What of a call differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// An import: function and arguments.
    Import {
        /// Counts the imports of the call, from 0.
        number: usize,
        /// What was recorded; none: the call ended there.
        recorded: Option<(String, Value)>,
        /// What is called now; none: the call ends there.
        now: Option<(String, Value)>,
    },
    /// The end.
    End {
        /// How the recorded call ended.
        recorded: Outcome,
        /// How it ends now.
        now: Outcome,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { export, container, time, step } = self;
        write!(formatter, "{export}")?;
        if let Some(container) = container {
            write!(formatter, " of the container {}", container.get(..12).unwrap_or(container))?;
        }
        writeln!(formatter, ", recorded at {time}")?;
        match step {
            Step::Import { number, recorded, now } => {
                writeln!(formatter, "in the call of import {}", number + 1)?;
                writeln!(formatter, "  recorded: {}", named(recorded.as_ref()))?;
                write!(formatter, "  now:      {}", named(now.as_ref()))?;
                match (recorded, now) {
                    (Some((one, recorded)), Some((other, now))) if one == other => at(formatter, recorded, now),
                    _ => Ok(()),
                }
            }
            Step::End { recorded, now } => {
                writeln!(formatter, "in how it ended")?;
                writeln!(formatter, "  recorded: {}", ended(recorded))?;
                write!(formatter, "  now:      {}", ended(now))?;
                match (recorded, now) {
                    (Outcome::Returned(recorded), Outcome::Returned(now)) => at(formatter, recorded, now),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// The place in two values.
fn at(formatter: &mut fmt::Formatter<'_>, recorded: &Value, now: &Value) -> fmt::Result {
    let Some(Place { path, recorded, now }) = first(recorded, now) else { return Ok(()) };
    let shown = |value: Option<Value>| value.map_or("nothing".to_owned(), |value| short(&value.to_string()));
    write!(formatter, "\nat {path}\n  recorded: {}\n  now:      {}", shown(recorded), shown(now))
}

/// A function, and of a request where it goes.
fn named(called: Option<&(String, Value)>) -> String {
    let Some((function, arguments)) = called else { return "nothing more".to_owned() };
    let part = |name: &str| arguments.get("request").and_then(|request| request.get(name)).and_then(Value::as_str);
    match (part("method"), part("url")) {
        (Some(method), Some(url)) => format!("{function} {method} {url}"),
        _ => format!("{function} {}", short(&arguments.to_string())),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Returned(value) => format!("it returned {}", short(&value.to_string())),
        Outcome::Failed(text) => format!("it failed: {text}"),
        Outcome::Cut(text) => format!("it was ended: {text}"),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Where two values differ first.
#[derive(Debug, PartialEq)]
struct Place {
    path: String,
    recorded: Option<Value>,
    now: Option<Value>,
}

/// Looks also into JSON that is a text, as bodies are.
fn first(recorded: &Value, now: &Value) -> Option<Place> {
    fn search(path: &str, recorded: &Value, now: &Value) -> Option<Place> {
        match (recorded, now) {
            (Value::Object(one), Value::Object(other)) => {
                let missing = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
                missing.into_iter().find_map(|name| child(&format!("{path}.{name}"), one.get(name), other.get(name)))
            }
            (Value::Array(one), Value::Array(other)) => (0..one.len().max(other.len()))
                .find_map(|index| child(&format!("{path}[{index}]"), one.get(index), other.get(index))),
            (Value::String(one), Value::String(other)) if one != other => {
                let parsed = |text: &str| serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_number());
                let inside = match (parsed(one), parsed(other)) {
                    (Some(one), Some(other)) => search(path, &one, &other),
                    _ => None,
                };
                inside.or_else(|| place(path, Some(recorded), Some(now)))
            }
            _ if recorded == now => None,
            _ => place(path, Some(recorded), Some(now)),
        }
    }
    fn child(path: &str, recorded: Option<&Value>, now: Option<&Value>) -> Option<Place> {
        match (recorded, now) {
            (Some(recorded), Some(now)) => search(path, recorded, now),
            _ => place(path, recorded, now),
        }
    }
    fn place(path: &str, recorded: Option<&Value>, now: Option<&Value>) -> Option<Place> {
        let path = path.trim_start_matches('.').to_owned();
        Some(Place { path, recorded: recorded.cloned(), now: now.cloned() })
    }
    search("", recorded, now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_place_is_found_also_in_json_that_is_a_text() {
        let value = |image: &str| {
            let body = json!({ "name": "same", "properties": { "settings": [1, { "image": image }] } });
            json!({ "request": { "method": "PUT", "body": body.to_string() } })
        };
        assert_eq!(first(&value("a"), &value("a")), None);
        let place = first(&value("a"), &value("b")).unwrap();
        assert_eq!(place.path, "request.body.properties.settings[1].image");
        assert_eq!((place.recorded, place.now), (Some(json!("a")), Some(json!("b"))));
    }

    #[test]
    fn what_is_only_on_one_side_is_a_difference() {
        let path = |one: Value, other: Value| first(&one, &other).map(|place| place.path);
        assert_eq!(path(json!({ "a": 1 }), json!({ "a": 1, "b": null })).as_deref(), Some("b"));
        assert_eq!(path(json!({ "a": [1, 2] }), json!({ "a": [1] })).as_deref(), Some("a[1]"));
        assert_eq!(path(json!({ "a": "[1]" }), json!({ "a": "[1 ]" })).as_deref(), Some("a"), "the form differs");
        assert_eq!(path(json!(1), json!("1")).as_deref(), Some(""));
    }

    #[test]
    fn a_person_sees_which_call_and_what_was_expected() {
        let request = |url: &str| json!({ "request": { "method": "GET", "url": url } });
        let difference = Difference {
            export: "lifecycle.create".into(),
            container: Some("0123456789abcdef".into()),
            time: Timestamp::UNIX_EPOCH,
            step: Step::Import {
                number: 4,
                recorded: Some(("http.send".into(), request("https://a.example/"))),
                now: Some(("http.send".into(), request("https://b.example/"))),
            },
        };
        let text = difference.to_string();
        for words in [
            "lifecycle.create of the container 0123456789ab, recorded at 1970-01-01T00:00:00Z\n",
            "in the call of import 5\n",
            "  recorded: http.send GET https://a.example/\n  now:      http.send GET https://b.example/\n",
            "at request.url\n  recorded: \"https://a.example/\"\n",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
