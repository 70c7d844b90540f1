//! The record of a container as it travels with it into the cloud, among the settings of its agent: what a daemon whose store was
//! lost rebuilds its list from.
//!
//! It says what the container was made as. What became of it since, its state and a new name among it, is in the store alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sockerless_docker::{Config, HostConfig};

use crate::error::{Error, Result};
use crate::record::{ContainerRecord, State};

/// Most characters of the text. A container whose record is longer, by its labels or mounts, goes without: clouds bound a setting,
/// and Linux an environment variable (128 KiB).
const MAX: usize = 32 << 10;

/// The record as the value of an environment variable, `[A-Za-z0-9_-]` only. The environment is left out: it is in the specification of the
/// process, which travels too. Nothing if it is too long.
pub(crate) fn encode(record: &ContainerRecord) -> Option<String> {
    let config = Config { env: None, ..record.config.clone() };
    let bare = ContainerRecord {
        config,
        handle: None,
        state: State::default(),
        intent: None,
        restart_count: 0,
        stopped_by_client: false,
        ..record.clone()
    };
    let mut json = serde_json::to_value(bare).ok()?;
    sparse(json.get_mut("config"), &Config::default());
    sparse(json.get_mut("host_config"), &HostConfig::default());
    let text = URL_SAFE_NO_PAD.encode(json.to_string());
    (text.len() <= MAX).then_some(text)
}

/// The reverse of [`encode`], without the environment.
///
/// # Errors
/// The text is something else, or was written by a version whose records this one does not read.
pub(crate) fn decode(text: &str) -> Result<ContainerRecord> {
    let unreadable = |error: String| Error::internal(format!("the record that it carries is unreadable: {error}"));
    let json = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))
}

/// Takes out of an object what it has by default.
fn sparse<T: Serialize>(value: Option<&mut Value>, default: &T) {
    let default = serde_json::to_value(default).unwrap_or_default();
    if let Some(object) = value.and_then(Value::as_object_mut) {
        object.retain(|name, value| default.get(name) != Some(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Status;

    fn record() -> ContainerRecord {
        let config = Config {
            image: "alpine:3".into(),
            env: Some(vec!["SECRET=x".into()]),
            labels: Some([("a".to_owned(), "ü \"'".to_owned())].into()),
            cmd: Some(vec!["echo".into(), "☃".into()]),
            tty: true,
            ..Config::default()
        };
        ContainerRecord {
            id: "ab".repeat(32),
            name: "web".into(),
            created: "2026-11-26T01:02:03.5Z".parse().unwrap(),
            backend: "azf".into(),
            image_id: "sha256:00".into(),
            platform: "linux".into(),
            host_config: HostConfig { auto_remove: true, ..HostConfig::default() },
            endpoints: Default::default(),
            mounts: Vec::new(),
            command: vec!["echo".into(), "☃".into()],
            handle: None,
            state: State { status: Status::Running, exits: 3, ..State::default() },
            intent: None,
            restart_count: 2,
            stopped_by_client: true,
            config,
        }
    }

    #[test]
    fn what_a_container_was_made_as_comes_back() {
        let record = record();
        let text = encode(&record).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert!(text.len() < 1500, "{}", text.len());
        let back = decode(&text).unwrap();
        assert_eq!((&back.id, &back.name, back.created), (&record.id, &record.name, record.created));
        assert_eq!(back.config, Config { env: None, ..record.config });
        assert_eq!((back.host_config, back.command), (record.host_config, record.command));
        assert_eq!((back.state, back.restart_count, back.stopped_by_client), (State::default(), 0, false));
    }

    #[test]
    fn one_that_is_too_long_is_left_out_and_rubbish_is_an_error() {
        let mut record = record();
        record.config.labels = Some([("a".to_owned(), "x".repeat(MAX))].into());
        assert_eq!(encode(&record), None);
        for rubbish in ["", "%", "bm9wZQ", "e30"] {
            assert!(decode(rubbish).unwrap_err().message.contains("unreadable"), "{rubbish}");
        }
    }
}
