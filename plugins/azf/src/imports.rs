//! The world inside a component: the host's imports.

use crate::bindings::agents::{self, AgentError, AgentSetup};
use crate::bindings::credentials::{self, Credential, CredentialError};
use crate::bindings::http::{self, Authorization, Response};
use crate::bindings::log::Level;
use crate::bindings::types::Timestamp;
use crate::bindings::{clock, config, host, log};
use crate::world::{Request, SendError, Signer, World};

/// The host.
pub(crate) struct Imports;

impl World for Imports {
    fn send(&self, request: &Request) -> Result<Response, SendError> {
        let response = signed(request, http::send)?;
        // The host has let go of the token and found no better one. Why, says whoever was to give it.
        if let (401, Signer::Scope(scope)) = (response.status, &request.signer) {
            drop(credentials::get(scope).map_err(unsigned)?);
        }
        Ok(response)
    }

    fn dispatch(&self, request: &Request, container: &str, run: &str) -> Result<(), SendError> {
        signed(request, |request| http::dispatch(request, container, run))
    }

    fn provision(&self, container: &str) -> Result<Option<AgentSetup>, AgentError> {
        agents::provision(container)
    }

    fn reachable_at(&self, container: &str, url: &str) -> Result<(), AgentError> {
        agents::reachable_at(container, url)
    }

    fn prepare(&self, container: &str, run: &str) -> Result<(), AgentError> {
        agents::prepare(container, run)
    }

    fn await_connect(&self, container: &str, run: &str, timeout_ms: u32) -> Result<(), AgentError> {
        agents::await_connect(container, run, timeout_ms)
    }

    fn answered(&self, container: &str, run: &str) -> Option<u16> {
        agents::answered(container, run)
    }

    fn connected(&self, container: &str) -> bool {
        agents::connected(container)
    }

    fn disconnect(&self, container: &str) -> Result<(), AgentError> {
        agents::disconnect(container)
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn sleep(&self, milliseconds: u64) {
        clock::sleep(milliseconds);
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        log::write(level, message, &fields);
    }

    fn config(&self, key: &str) -> Option<String> {
        config::get(key)
    }

    fn daemon(&self) -> String {
        host::id()
    }
}

/// Turns a request into the host's form, with its proof, and has something done with it.
fn signed<T>(
    request: &Request,
    act: impl FnOnce(&http::Request<'_>) -> Result<T, http::HttpError>,
) -> Result<T, SendError> {
    let credential: Option<Credential> = match &request.signer {
        Signer::Scope(scope) => Some(credentials::get(scope).map_err(unsigned)?),
        Signer::None | Signer::Agent(_) => None,
    };
    let authorization = match (&request.signer, &credential) {
        (Signer::Agent(container), _) => Some(Authorization::Agent(container.clone())),
        (_, Some(credential)) => Some(Authorization::Credential(credential)),
        (_, None) => None,
    };
    let request = http::Request {
        method: request.method.to_owned(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        timeout_ms: request.timeout_ms,
        authorization,
    };
    act(&request).map_err(SendError::Http)
}

fn unsigned(error: CredentialError) -> SendError {
    match error {
        CredentialError::Denied(text) => SendError::ScopeDenied(text),
        CredentialError::Unavailable(text) | CredentialError::Other(text) => SendError::Unsigned(text),
    }
}
