//! Dialling agents that cannot dial: what is kept of where they are, and connections by the rules of the backend that told it.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sockerless_agents::{Address, Answer, Connector};
use sockerless_backend::Upgrade;

use crate::engine::Backends;

/// How containers that are made from now on are linked to this daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentLink {
    /// Not at all: they have no agent.
    None,
    /// Their agents dial this base URL, `ws://` or `wss://`.
    Callback(String),
    /// This daemon dials, at the address that the backend tells.
    Dial,
}

/// Of a container whose agent is dialled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dialled {
    /// By which the agent recognises this daemon.
    key: String,
    /// Nothing until the backend has told it.
    at: Option<At>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    backend: String,
    url: String,
}

impl Dialled {
    /// By this key, the address yet to be told.
    pub(crate) fn by(key: String) -> Self {
        Self { key, at: None }
    }

    /// The same with the address.
    pub(crate) fn at(self, backend: &str, url: &str) -> Self {
        Self { at: Some(At { backend: backend.to_owned(), url: url.to_owned() }), ..self }
    }

    /// All that it takes to dial, once that is known.
    pub(crate) fn address(&self) -> Option<Address> {
        let At { backend, url } = self.at.clone()?;
        Some(Address { backend, url, key: self.key.clone() })
    }
}

/// Connections by the rules of whichever version of a backend serves.
pub(crate) struct ByBackend(pub(crate) Arc<dyn Backends>);

#[async_trait]
impl Connector for ByBackend {
    async fn connect(&self, backend: &str, url: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
        let loaded = self.0.get(backend).ok_or_else(|| format!("the backend \"{backend}\" is not loaded"))?;
        Ok(match loaded.upgrade(url, headers).await.map_err(|error| error.to_string())? {
            Upgrade::Switched(headers, stream) => Answer::Switched(headers, Box::new(stream)),
            Upgrade::Declined(response) => Answer::Declined(response.status, response.body),
        })
    }
}
