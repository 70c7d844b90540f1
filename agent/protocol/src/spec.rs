//! What a process is to be.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A process as Docker describes one. Absent and empty fields have Docker's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessSpec {
    /// The words of the command. Empty in the specification of a container's own process, whose words stand on the agent's
    /// command line.
    pub argv: Vec<String>,
    /// It gets a terminal of its own.
    pub tty: bool,
    /// Its standard input is a pipe; otherwise it is empty.
    pub open_stdin: bool,
    /// `NAME=value` pairs. Nothing of the agent's own environment is added but what Docker adds: `PATH`, `HOSTNAME`, `HOME`,
    /// and `TERM` with a terminal, where they are not given.
    pub env: Vec<String>,
    /// Working directory, made if it is missing; empty is `/`.
    pub working_dir: String,
    /// The working directory is not made: that it is missing is an error, as it is for a command beside the container's own.
    pub working_dir_exists: bool,
    /// `user`, `user:group`, by name or number; empty is root, or whoever the agent runs as if it is not root.
    pub user: String,
    /// Height and width of the terminal.
    pub console_size: Option<[u16; 2]>,
    /// The signal by which the platform's wish to stop is passed on; empty is `SIGTERM`.
    pub stop_signal: String,
    /// `HOSTNAME` in its environment.
    pub hostname: Option<String>,
    /// Folders that are there, empty, from the start of the agent on: where the client mounts volumes, which hold nothing here.
    pub folders: Vec<String>,
}

/// A specification that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the specification of the process is unreadable: {0}")]
pub struct SpecError(String);

impl ProcessSpec {
    /// As the value of an environment variable: only `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn encode(&self) -> String {
        // A struct of strings, numbers and booleans has JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The reverse of [`Self::encode`].
    ///
    /// # Errors
    /// The text is something else.
    pub fn decode(text: &str) -> Result<Self, SpecError> {
        let json = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| SpecError(error.to_string()))?;
        serde_json::from_slice(&json).map_err(|error| SpecError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_characters_survive() {
        let spec = ProcessSpec {
            argv: vec!["a b".into(), "'\"$`\\\n☃".into(), String::new()],
            env: vec!["with.dots=ü\n".into()],
            console_size: Some([24, 80]),
            ..ProcessSpec::default()
        };
        let text = spec.encode();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        assert_eq!(ProcessSpec::decode(&text).unwrap(), spec);
    }

    #[test]
    fn fields_of_a_newer_version_are_no_error_and_rubbish_is() {
        let newer = URL_SAFE_NO_PAD.encode(r#"{"tty":true,"newer":1}"#);
        assert!(ProcessSpec::decode(&newer).unwrap().tty);
        for rubbish in ["", "%%", "bm9wZQ"] {
            assert!(ProcessSpec::decode(rubbish).is_err(), "{rubbish}");
        }
    }
}
