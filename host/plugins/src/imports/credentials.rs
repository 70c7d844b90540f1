//! `credentials`: opaque rights to have requests signed. The token stays in the host.

use wasmtime::component::Resource;

use crate::bindings::sockerless::backend::credentials::{CredentialError, Host, HostCredential};
use crate::state::CallState;

/// The right to have requests signed with a token of one scope. Given only for a scope that is granted.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Credential {
    pub(crate) scope: String,
}

impl Host for CallState {
    async fn get(&mut self, scope: String) -> wasmtime::Result<Result<Resource<Credential>, CredentialError>> {
        if let Err(error) = self.host_call() {
            return Ok(Err(CredentialError::Other(error.to_string())));
        }
        if !self.context.grants.grants_scope(&scope) {
            let text = format!("the backend's descriptor does not ask for the scope `{scope}`");
            return Ok(Err(CredentialError::Denied(text)));
        }
        let Some(tokens) = &self.context.shared.tokens else {
            return Ok(Err(CredentialError::Unavailable("this daemon runs without a source of credentials".into())));
        };
        if let Err(error) = tokens.get(&scope).await {
            return Ok(Err(CredentialError::Unavailable(error.to_string())));
        }
        Ok(Ok(self.table.push(Credential { scope })?))
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
