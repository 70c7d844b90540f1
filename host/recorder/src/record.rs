//! What is recorded.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The version of the form in which records are written. Another one is not read.
pub const FORMAT: u32 = 1;

/// A value that takes up more than so many bytes is left out: what stands in its place says how many they were.
pub(crate) const MAX_VALUE: usize = 1 << 20;

const OMITTED: &str = "omitted";

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// The first line of each file.
    Header(Header),
    /// A request of Docker's API was answered.
    Request(DockerRequest),
    /// A call of an export begins.
    Call(Call),
    /// In a call, the component calls an import.
    Import(Import),
    /// The import has answered.
    Answer(Answer),
    /// In a call, the component reads one of WASI's clocks.
    Reading(Reading),
    /// The call has ended.
    End(End),
    /// Something is missing here.
    Lost(Lost),
}

/// What the lines of a file are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the daemon.
    pub daemon: String,
    /// Version of the WIT package.
    pub wit: String,
    /// Drawn when the recorder starts: calls are numbered anew in each session.
    pub session: String,
    /// When the file was begun.
    pub time: Timestamp,
}

/// A request of Docker's API, without query and body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerRequest {
    /// When its answer began.
    pub time: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path of the URL.
    pub path: String,
    /// The status of the answer. Absent: the connection was taken over, for the streams of a process.
    pub status: Option<u16>,
    /// How long it took until the answer began.
    pub milliseconds: u64,
}

/// A call of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its number in the session.
    pub id: u64,
    /// When it began.
    pub time: Timestamp,
    /// The name of the backend. Absent: it has not said it yet.
    pub backend: Option<String>,
    /// `sha256:` and 64 hexadecimal digits of the component's bytes.
    pub digest: String,
    /// Interface and function, as the WIT package has them: `lifecycle.create`.
    pub export: String,
    /// The container that it is about.
    pub container: Option<String>,
    /// Of which all random numbers of the call are made: 64 hexadecimal digits.
    pub seed: String,
    /// By the names of the WIT package.
    pub arguments: Value,
    /// Texts that must not be recorded: the values of the backend's settings that are declared secret.
    #[serde(skip)]
    pub secrets: Arc<[String]>,
}

/// A call of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// The call in which it happens.
    pub call: u64,
    /// Counts the imports of the call, from 0.
    pub number: u32,
    /// Interface and function: `http.send`.
    pub function: String,
    /// By the names of the WIT package.
    pub arguments: Value,
}

/// What an import answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The call in which it happens.
    pub call: u64,
    /// Which of its imports.
    pub number: u32,
    /// What it answered.
    pub result: Value,
}

/// A clock of WASI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The time of day.
    Wall,
    /// The one that never goes back.
    Monotonic,
}

/// What a clock of WASI said. Those of the interface `clock` are imports like others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The call in which it happens.
    pub call: u64,
    /// Which clock.
    pub clock: Clock,
    /// Its time.
    pub nanoseconds: u64,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Which call.
    pub call: u64,
    /// When it ended.
    pub time: Timestamp,
    /// How many imports it has called.
    pub imports: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The export returned this.
    Returned(Value),
    /// The component failed, in these words.
    Failed(String),
    /// The host ended it, in these words.
    Cut(String),
}

/// Records are missing, from before this line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How many, at least.
    pub records: u64,
    /// Why.
    pub reason: String,
}

/// Whether something was left out of a value because it was too large.
#[must_use]
pub fn is_omitted(value: &Value) -> bool {
    match value {
        Value::Object(members) if members.len() == 1 => members.get(OMITTED).is_some_and(Value::is_u64),
        _ => false,
    }
}

/// Leaves a value out that is too large.
pub(crate) fn bound(value: &mut Value) {
    let weight = weight(value);
    if weight > MAX_VALUE {
        *value = json!({ OMITTED: weight });
    }
}

/// About how many bytes a value takes up.
pub(crate) fn weight(value: &Value) -> usize {
    const EACH: usize = 8;
    EACH + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| EACH + name.len() + weight(value)).sum(),
    }
}

impl Record {
    /// About how many bytes it takes up.
    pub(crate) fn weight(&self) -> usize {
        const HEAD: usize = 256;
        HEAD + match self {
            Self::Call(call) => weight(&call.arguments),
            Self::Import(import) => weight(&import.arguments),
            Self::Answer(answer) => weight(&answer.result),
            Self::End(End { outcome: Outcome::Returned(value), .. }) => weight(value),
            Self::End(End { outcome: Outcome::Failed(text) | Outcome::Cut(text), .. }) => text.len(),
            Self::Request(request) => request.path.len(),
            Self::Header(_) | Self::Reading(_) | Self::Lost(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_left_out_and_says_so() {
        let mut value = json!({ "body": "x".repeat(MAX_VALUE) });
        bound(&mut value);
        assert!(is_omitted(&value), "{value}");
        let mut small = json!({ "omitted": "no" });
        bound(&mut small);
        assert!(!is_omitted(&small), "a value of that name is none that was left out");
    }
}
