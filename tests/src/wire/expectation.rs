//! What is expected of an answer.

use std::fmt;

use serde_json::Value;

use super::client::Answer;
use super::path::{Path, shown};

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The JSON body.
    Json(Path),
    /// The JSON values that follow one another in the body, as a list.
    Lines(Path),
    /// A header.
    Header(String),
    /// The body as it is.
    Body,
    /// One stream of the frames in the body: 1 or 2.
    Stream(u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Is(String),
    IsNot(String),
    Contains(String),
    ContainsNot(String),
    OfType(String),
}

/// One expectation, such as `State.Status = running`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    part: Part,
    test: Test,
    text: String,
}

impl fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

const TYPES: [&str; 12] =
    ["string", "number", "boolean", "list", "object", "null", "absent", "present", "empty", "filled", "time", "id"];

impl Part {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("header ") {
            return Ok(Self::Header(name.trim().to_owned()));
        }
        Ok(match text {
            "body" => Self::Body,
            "stdout" => Self::Stream(1),
            "stderr" => Self::Stream(2),
            _ => match text.strip_prefix("lines") {
                Some(path) if path.is_empty() || path.starts_with(['.', '[']) => {
                    Self::Lines(Path::parse(&format!("${path}"))?)
                }
                _ => Self::Json(Path::parse(text)?),
            },
        })
    }

    /// The same, with variables in it replaced.
    pub(super) fn with(&self, replace: impl Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        Ok(match self {
            Self::Json(path) => Self::Json(Path::parse(&replace(&path.to_string())?)?),
            Self::Lines(path) => Self::Lines(Path::parse(&replace(&path.to_string())?)?),
            other => other.clone(),
        })
    }

    /// What an answer has there.
    pub(super) fn find(&self, answer: &Answer) -> Option<Value> {
        match self {
            Self::Json(path) => path.find(&serde_json::from_slice(&answer.body).ok()?),
            Self::Lines(path) => {
                let values = serde_json::Deserializer::from_slice(&answer.body).into_iter::<Value>();
                path.find(&Value::Array(values.map_while(Result::ok).collect()))
            }
            Self::Header(name) => answer.header(name).map(Value::from),
            Self::Body => Some(Value::from(String::from_utf8_lossy(&answer.body).into_owned())),
            Self::Stream(stream) => Some(Value::from(frames(&answer.body, *stream))),
        }
    }
}

/// The content of one stream's frames.
fn frames(mut bytes: &[u8], stream: u8) -> String {
    let mut content = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (frame, rest) = rest.split_at(length.min(rest.len()));
        if head[0] == stream {
            content.extend_from_slice(frame);
        }
        bytes = rest;
    }
    String::from_utf8_lossy(&content).into_owned()
}

impl Expectation {
    /// Reads one, if the text is one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // The operator that comes first: texts may contain what looks like another.
        let operators = [" = ", " != ", " ~ ", " !~ ", " : "];
        let (at, operator) = operators
            .iter()
            .filter_map(|operator| Some((text.find(operator)?, *operator)))
            .min_by_key(|(at, _)| *at)
            .ok_or_else(|| format!("neither an expectation nor anything else: {text:?}"))?;
        let part = Part::parse(text[..at].trim())?;
        let value = text[at + operator.len()..].trim().to_owned();
        let test = match operator {
            " = " => Test::Is(value),
            " != " => Test::IsNot(value),
            " ~ " => Test::Contains(value),
            " !~ " => Test::ContainsNot(value),
            _ => {
                if let Some(unknown) = value.split('|').find(|kind| !TYPES.contains(kind)) {
                    return Err(format!("{unknown:?} is none of {}", TYPES.join(", ")));
                }
                Test::OfType(value)
            }
        };
        Ok(Self { part, test, text: text.to_owned() })
    }

    /// The error message that an answer should carry: in quotes if it has line breaks, or spaces at its ends.
    pub(super) fn message(text: &str) -> Self {
        let part = Part::Json(Path::parse("message").expect("a path"));
        let is_quoted = serde_json::from_str::<String>(text).is_ok();
        let value = if is_quoted { text.to_owned() } else { Value::from(text).to_string() };
        Self { part, test: Test::Is(value), text: format!("=> {text}") }
    }

    /// The same, with variables in it replaced.
    pub(super) fn with(&self, replace: impl Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        let part = self.part.with(&replace)?;
        let test = match &self.test {
            Test::Is(value) => Test::Is(replace(value)?),
            Test::IsNot(value) => Test::IsNot(replace(value)?),
            Test::Contains(value) => Test::Contains(replace(value)?),
            Test::ContainsNot(value) => Test::ContainsNot(replace(value)?),
            Test::OfType(kind) => Test::OfType(kind.clone()),
        };
        Ok(Self { part, test, text: replace(&self.text)? })
    }

    /// What is wrong, if anything.
    pub(super) fn check(&self, answer: &Answer) -> Result<(), String> {
        let found = self.part.find(answer);
        let holds = match (&self.test, &found) {
            (Test::OfType(kinds), found) => kinds.split('|').any(|kind| is_of_type(kind, found.as_ref())),
            (Test::Is(wanted), Some(found)) => is(wanted, found),
            (Test::IsNot(wanted), Some(found)) => !is(wanted, found),
            (Test::Contains(wanted), Some(found)) => contains(found, wanted),
            (Test::ContainsNot(wanted), Some(found)) => !contains(found, wanted),
            (_, None) => false,
        };
        if holds {
            return Ok(());
        }
        let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
        Err(format!("expected {}\n         but there is {}", self.text, super::run::shortened(&found)))
    }
}

/// Whether it is this JSON value, or this text if it is no JSON.
fn is(wanted: &str, found: &Value) -> bool {
    serde_json::from_str(wanted).unwrap_or_else(|_| Value::from(wanted)) == *found
        || found.as_str().is_some_and(|found| found == wanted)
}

fn contains(found: &Value, wanted: &str) -> bool {
    match found {
        Value::String(text) => {
            let wanted = serde_json::from_str::<String>(wanted).unwrap_or_else(|_| wanted.to_owned());
            text.contains(&wanted)
        }
        Value::Array(list) => list.iter().any(|element| is(wanted, element)),
        Value::Object(map) => map.contains_key(&shown(&Value::from(wanted))),
        _ => false,
    }
}

fn is_of_type(kind: &str, found: Option<&Value>) -> bool {
    let Some(found) = found else { return kind == "absent" };
    match kind {
        "absent" => false,
        "present" => true,
        "string" => found.is_string(),
        "number" => found.is_number(),
        "boolean" => found.is_boolean(),
        "list" => found.is_array(),
        "object" => found.is_object(),
        "null" => found.is_null(),
        "empty" => length(found) == Some(0),
        "filled" => length(found).is_some_and(|length| length > 0),
        "time" => found.as_str().is_some_and(is_time),
        "id" => {
            found.as_str().is_some_and(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        }
        _ => false,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(list) => Some(list.len()),
        Value::Object(map) => Some(map.len()),
        _ => None,
    }
}

/// RFC 3339, as far as shape goes.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let zone = shape.ends_with('Z') || shape.ends_with("+00:00") || shape.ends_with("-00:00");
    shape.starts_with("0000-00-00T00:00:00") && zone
}

#[cfg(test)]
mod tests {
    use super::{Answer, Expectation};

    fn answer(body: &str) -> Answer {
        Answer {
            status: 200,
            headers: vec![("Api-Version".to_owned(), "1.51".to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    fn holds(text: &str, body: &str) -> bool {
        Expectation::parse(text).unwrap().check(&answer(body)).is_ok()
    }

    #[test]
    fn values() {
        let body =
            r#"{"s":"run: ning = x","n":3,"l":["a",{"b":1}],"m":{"k":null},"e":[],"t":"2026-01-01T00:00:00.5Z"}"#;
        for text in [
            "s = run: ning = x",
            "s = \"run: ning = x\"",
            "s != x",
            "s ~ ning",
            "s !~ y",
            "s : string",
            "n = 3",
            "n : number",
            "l ~ a",
            "l ~ {\"b\": 1}",
            "l !~ b",
            "l.# = 2",
            "m ~ k",
            "m.k = null",
            "m.k : null",
            "m.x : absent",
            "m.k : present",
            "e = []",
            "e : empty",
            "l : filled",
            "e : null|empty",
            "t : time",
            "n : string|number",
            "header api-version = 1.51",
            "header nope : absent",
            "body ~ ning",
        ] {
            assert!(holds(text, body), "{text}");
        }
        for text in ["s = x", "nope = 1", "nope != 1", "n = \"3\"", "e : filled", "s : time", "s : id", "header x = y"]
        {
            assert!(!holds(text, body), "{text}");
        }
    }

    #[test]
    fn streams_of_values_and_frames() {
        assert!(holds("lines[1].a = 2", "{\"a\":1}\r\n{\"a\":2}\n"));
        assert!(holds("lines.# = 2", "{\"a\":1}\r\n{\"a\":2}\n"));
        let frames = "\u{1}\0\0\0\0\0\0\u{3}one\u{2}\0\0\0\0\0\0\u{1}!\u{1}\0\0\0\0\0\0\u{1}\n";
        assert!(holds("stdout = \"one\\n\"", frames));
        assert!(holds("stderr = !", frames));
    }

    #[test]
    fn messages() {
        let message = Expectation::message("no: \"x\"");
        assert!(message.check(&answer(r#"{"message":"no: \"x\""}"#)).is_ok());
        let error = message.check(&answer(r#"{"message":"other"}"#)).unwrap_err();
        assert!(error.contains("other") && error.contains("=> no"), "{error}");
        assert!(Expectation::message(r#""a\nb ""#).check(&answer(r#"{"message":"a\nb "}"#)).is_ok());
    }

    #[test]
    fn variables() {
        let replace = |text: &str| Ok(text.replace("{id}", "abc"));
        let expectation = Expectation::parse("[Id={id}].Name = x{id}").unwrap().with(replace).unwrap();
        assert!(expectation.check(&answer(r#"[{"Id":"abc","Name":"xabc"}]"#)).is_ok());
    }

    #[test]
    fn no_expectations() {
        for text in ["s", "s == x", "s : thing", "s[ = 1"] {
            assert!(Expectation::parse(text).is_err(), "{text}");
        }
    }
}
