//! What Azure was sent: the requests that the emulator has received, as tests look at them.

use serde_json::Value;

use crate::{Emulator, eventually};

/// A request to Azure.
#[derive(Debug, Clone)]
pub struct Sent(Value);

impl Sent {
    /// Its kind: `PUT site`, `POST site/config/appsettings/list`, `POST function`, `POST query`, `GET operation`, ….
    #[must_use]
    pub fn kind(&self) -> String {
        let (service, path) = (self.text("service"), self.text("path").to_ascii_lowercase());
        let what = match service {
            "arm" if path.contains("/operation") => "operation".to_owned(),
            "arm" => match path.split_once("/sites/") {
                Some((_, site)) => site.split_once('/').map_or("site".to_owned(), |(_, rest)| format!("site/{rest}")),
                None => path.rsplit_once("/providers/").map_or(path.clone(), |(_, rest)| rest.to_owned()),
            },
            "site" if path == "/api/function" => "function".to_owned(),
            "logs" if path.ends_with("/query") => "query".to_owned(),
            "ingestion" => "telemetry".to_owned(),
            _ => format!("{service} {path}"),
        };
        format!("{} {what}", self.text("method"))
    }

    /// A part of it: `method`, `host`, `path`, `query`, `body`.
    #[must_use]
    pub fn text(&self, part: &str) -> &str {
        self.0[part].as_str().unwrap_or_else(|| panic!("{part} of {}", self.0))
    }

    /// The status it was answered with.
    #[must_use]
    pub fn status(&self) -> u64 {
        self.0["status"].as_u64().unwrap_or_else(|| panic!("{}", self.0))
    }

    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.0["headers"].as_array()?;
        headers.iter().find(|pair| pair[0] == name).and_then(|pair| pair[1].as_str())
    }

    /// Its body.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text("body")).unwrap_or_else(|error| panic!("{error}: {}", self.0))
    }

    /// An app setting in the body of the PUT of a site; nothing if there is none of this name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        let body = self.json();
        let list =
            body["properties"]["siteConfig"]["appSettings"].as_array().unwrap_or_else(|| panic!("{body}")).clone();
        let found: Vec<_> = list.iter().filter(|pair| pair["name"] == name).collect();
        assert!(found.len() < 2, "{name} is set twice: {list:?}");
        found.first().and_then(|pair| pair["value"].as_str()).map(str::to_owned)
    }
}

impl Emulator {
    /// What it was sent since the last [`forget`](Self::forget), but for questions about tokens, the daemon's checks and the agents' telemetry.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        let all = self.requests().into_iter().map(Sent);
        all.filter(|sent| !matches!(sent.text("service"), "login" | "ingestion")).collect()
    }

    /// The kinds of what it was sent.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        self.sent().iter().map(Sent::kind).collect()
    }

    /// The last request of a kind; waits for one. What the front end passes on is known when it is over.
    #[track_caller]
    #[must_use]
    pub fn last(&self, kind: &str) -> Sent {
        eventually(kind, || self.sent().into_iter().rev().find(|sent| sent.kind() == kind))
    }

    /// Forgets what it was sent so far.
    pub fn forget(&self) {
        let _ = self.control("DELETE", "/requests", None);
    }
}
