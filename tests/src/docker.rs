//! The Docker CLI.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{Ran, built};

/// The Docker CLI, pointed at a daemon, with a configuration folder of its own.
#[derive(Debug, Clone)]
pub struct Docker {
    host: String,
    config: PathBuf,
}

impl Docker {
    /// A CLI for the daemon at this address (`unix://…`), with this folder for its configuration.
    #[must_use]
    pub fn at(host: String, config: PathBuf) -> Self {
        std::fs::create_dir_all(&config).unwrap();
        Self { host, config }
    }

    /// The command with these arguments, not yet started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("SOCKERLESS_TEST_DOCKER"));
        command.args(arguments).env("DOCKER_HOST", &self.host).env("DOCKER_CONFIG", &self.config);
        command.env_remove("DOCKER_CONTEXT").env_remove("DOCKER_API_VERSION");
        command
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    /// Runs a command to its end with this standard input.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        Ran::run(&mut self.command(arguments), stdin)
    }

    /// Runs a command that must succeed, and answers its output without the last newline.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok().to_owned()
    }

    /// Starts a command whose streams are pipes.
    #[must_use]
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the Docker CLI")
    }

    /// Runs a command on a terminal of this size (rows, columns), by `script`, typing this.
    #[must_use]
    pub fn on_terminal(&self, arguments: &[&str], rows: u16, columns: u16, typed: &str) -> Ran {
        let quoted: Vec<String> = std::iter::once(built("SOCKERLESS_TEST_DOCKER").display().to_string())
            .chain(arguments.iter().map(|word| (*word).to_owned()))
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect();
        let line = format!("stty rows {rows} cols {columns}; exec {}", quoted.join(" "));
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--echo", "never", "--command", &line, "/dev/null"]);
        command.env("DOCKER_HOST", &self.host).env("DOCKER_CONFIG", &self.config).env("TERM", "xterm");
        Ran::run(&mut command, typed.as_bytes())
    }

    /// What `docker inspect` says of one object.
    #[track_caller]
    #[must_use]
    pub fn inspect(&self, name: &str) -> Value {
        let text = self.ok(&["inspect", name]);
        let mut all: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }
}
