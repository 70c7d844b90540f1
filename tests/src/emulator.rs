//! The emulated Azure.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::Reply;
use crate::built;
use crate::http::ask;
use crate::program::Program;

/// The tenant that an emulator has.
pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";

/// The path of the subscription that an emulator has.
pub const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";

/// Scope of the resource manager.
pub const ARM_SCOPE: &str = "https://management.azure.com/.default";
/// Scope of the logs.
pub const LOGS_SCOPE: &str = "https://api.loganalytics.io/.default";

/// The key of the storage account that an emulator has, `sockerlessstorage`.
pub const STORAGE_KEY: &str = "ZW11bGF0b3Itc3RvcmFnZS1rZXk=";

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    program: Program,
    address: String,
    /// Its own, when it is not part of a world.
    folder: Option<TempDir>,
    environment: Vec<(String, String)>,
}

impl Emulator {
    /// An emulator without a daemon, with this configuration (TOML).
    #[must_use]
    pub fn alone(config: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("skls").tempdir_in("/tmp").unwrap();
        let mut emulator = Self::start(folder.path(), config);
        emulator.folder = Some(folder);
        emulator
    }

    /// The folder of an emulator without a daemon.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("an emulator without a daemon").path()
    }

    pub(crate) fn start(folder: &Path, config: &str) -> Self {
        let file = folder.join("emulator.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(built("SOCKERLESS_TEST_EMULATOR"));
        command
            // What is killed leaves its temporary files: they go with the folder.
            .env("TMPDIR", folder)
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
        Self { program, address, folder: None, environment }
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment in which a daemon uses it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// Whether containers have file systems and mounts of their own on this machine. If not, says that a test is skipped.
    #[must_use]
    pub fn isolates_files(&self) -> bool {
        let isolates = !self.log().contains("plain processes");
        if !isolates {
            eprintln!("skipped: containers have no file systems and mounts of their own on this machine");
        }
        isolates
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
        let reply = self.ask(host, &format!("{method} {path}"), &headers, body.as_bytes());
        (reply.status, reply.text())
    }

    /// A request to one of the emulated hosts, as it is given: method and target, as `GET /v1`.
    #[must_use]
    pub fn ask(&self, host: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        ask(&self.address, host, line, headers, body)
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Changes its configuration while it runs.
    pub fn configure(&self, patch: &Value) {
        let _ = self.control("PATCH", "/config", Some(patch));
    }

    /// Has something happen to the next requests.
    pub fn fault(&self, fault: &Value) {
        let _ = self.control("POST", "/faults", Some(fault));
    }

    /// What the directory answers to its client, who wants a token for a scope.
    #[must_use]
    pub fn ask_for_token(&self, scope: &str) -> Reply {
        let body = format!(
            "client_id=22222222-2222-2222-2222-222222222222&client_secret=emulator-secret&grant_type=client_credentials\
             &scope={scope}"
        );
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        self.ask("login.microsoftonline.com", &format!("POST /{TENANT}/oauth2/v2.0/token"), &form, body.as_bytes())
    }

    /// A token for a scope, as the daemon would get one.
    #[must_use]
    pub fn token(&self, scope: &str) -> String {
        let token = self.ask_for_token(scope).json();
        token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")).to_owned()
    }

    /// What the resource manager answers to its client. The path is below the subscription and may have a query.
    #[must_use]
    pub fn arm(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let authorization = format!("Bearer {}", self.token(ARM_SCOPE));
        let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
        let body = body.map(Value::to_string).unwrap_or_default();
        let mark = if path.contains('?') { '&' } else { '?' };
        let line = format!("{method} {SUBSCRIPTION}{path}{mark}api-version=2025-05-01");
        self.ask("management.azure.com", &line, &headers, body.as_bytes())
    }
}
