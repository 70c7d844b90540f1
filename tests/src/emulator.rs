//! The emulated Azure.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::built;
use crate::http::ask;
use crate::program::Program;

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    program: Program,
    address: String,
    environment: Vec<(String, String)>,
}

impl Emulator {
    pub(crate) fn start(folder: &Path, config: &str) -> Self {
        let file = folder.join("emulator.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(built("SOCKERLESS_TEST_EMULATOR"));
        command
            .arg("--config")
            .arg(file)
            .args(["--listen", "127.0.0.1:0", "--agent"])
            .arg(built("SOCKERLESS_TEST_AGENT"));
        let program = Program::start(&mut command, &folder.join("emulator.log")).unwrap();
        let announcement: Value = serde_json::from_str(program.first_line()).unwrap();
        let address = announcement["address"].as_str().unwrap().to_owned();
        let environment = announcement["environment"].as_object().unwrap();
        let environment =
            environment.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        Self { program, address, environment }
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment in which a daemon uses it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// The function apps that exist, as its control API shows them.
    #[must_use]
    pub fn apps(&self) -> Vec<Value> {
        match self.control("GET", "/apps", None) {
            Value::Array(apps) => apps,
            mut other => match other.get_mut("apps").map(Value::take) {
                Some(Value::Array(apps)) => apps,
                _ => panic!("the control API answered {other}"),
            },
        }
    }

    /// Every request that it has received.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        match self.control("GET", "/requests", None) {
            Value::Array(requests) => requests,
            mut other => match other.get_mut("requests").map(Value::take) {
                Some(Value::Array(requests)) => requests,
                _ => panic!("the control API answered {other}"),
            },
        }
    }

    /// A request to the control API.
    #[must_use]
    pub fn control(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, text) = self.request("control.emulator", method, path, None, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A request to one of the emulated hosts.
    #[must_use]
    pub fn request(
        &self,
        host: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, String) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let authorization = token.map(|token| format!("Bearer {token}"));
        let authorization = authorization.iter().map(|value| ("Authorization", value.as_str()));
        let headers: Vec<_> = [("Content-Type", "application/json")].into_iter().chain(authorization).collect();
        let reply = ask(&self.address, host, &format!("{method} {path}"), &headers, body.as_bytes());
        (reply.status, reply.text())
    }
}
