//! `credentials`: opaque rights to have requests signed. The token stays in the host.

use serde::{Deserialize, Serialize};
use wasmtime::component::Resource;

use crate::bindings::sockerless::backend::credentials::{CredentialError, Host, HostCredential};
use crate::state::CallState;
use crate::tape::taped;

/// The right to have requests signed with a token of one scope. Given only for a scope that is granted.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Credential {
    pub(crate) scope: String,
}

/// [`CredentialError`], as it is recorded.
#[derive(Serialize, Deserialize)]
enum Refusal {
    Denied(String),
    Unavailable(String),
    Other(String),
}

impl From<Refusal> for CredentialError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(text) => Self::Denied(text),
            Refusal::Unavailable(text) => Self::Unavailable(text),
            Refusal::Other(text) => Self::Other(text),
        }
    }
}

impl CallState {
    /// Sees to it that there is a token of this scope.
    async fn acquire(&mut self, scope: &str) -> Result<(), Refusal> {
        self.host_call().map_err(|error| Refusal::Other(error.to_string()))?;
        if !self.context.grants.grants_scope(scope) {
            let text = format!("the backend's descriptor does not ask for the scope `{scope}`");
            return Err(Refusal::Denied(text));
        }
        let Some(tokens) = &self.context.shared.tokens else {
            return Err(Refusal::Unavailable("this daemon runs without a source of credentials".into()));
        };
        tokens.get(scope).await.map_err(|error| Refusal::Unavailable(error.to_string()))?;
        Ok(())
    }
}

impl Host for CallState {
    async fn get(&mut self, scope: String) -> wasmtime::Result<Result<Resource<Credential>, CredentialError>> {
        match taped!(self, "credentials.get", { scope }, self.acquire(&scope).await) {
            Ok(()) => Ok(Ok(self.table.push(Credential { scope })?)),
            Err(refusal) => Ok(Err(refusal.into())),
        }
    }
}

impl HostCredential for CallState {
    async fn scope(&mut self, credential: Resource<Credential>) -> wasmtime::Result<String> {
        self.host_call()?;
        Ok(self.table.get(&credential)?.scope.clone())
    }

    async fn drop(&mut self, credential: Resource<Credential>) -> wasmtime::Result<()> {
        self.table.delete(credential)?;
        Ok(())
    }
}
