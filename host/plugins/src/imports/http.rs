//! `http`: requests, checked against the policy and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use sockerless_backend::HttpError as Error;
use sockerless_backend::types as contract;
use tokio::time::Instant;

use crate::bindings::sockerless::backend::http::{Authorization, Host, HttpError, Request, Response};
use crate::credentials::bearer;
use crate::dispatch::Dispatch;
use crate::egress::{Exchange, Signature, exchange, outgoing};
use crate::state::CallState;
use crate::tape::{self, taped};

/// Of a request that names no limit.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(100);
/// Kept back from the call's deadline, so that a backend whose request runs into it can still say so.
const GRACE: Duration = Duration::from_secs(1);
/// Largest response of a dispatched request: it waits in memory for its judge.
const DISPATCHED_RESPONSE: u64 = 1 << 20;

/// How long a request may take that a call sends with so much time left. `asked` is what the request says.
#[must_use]
pub fn longest_exchange(asked: Option<Duration>, rest: Duration) -> Duration {
    asked.unwrap_or(DEFAULT_TIMEOUT).min(rest.saturating_sub(GRACE.min(rest / 10)))
}

impl CallState {
    /// Checks the request and finds out how to sign it. `dispatched`: the host performs it after the call.
    pub(super) async fn exchange_of(&mut self, mut request: Request, dispatched: bool) -> Result<Exchange, Error> {
        self.host_call().map_err(|error| Error::Exhausted(error.to_string()))?;
        let authorization = request.authorization.take();
        let timeout = request.timeout_ms.map(|limit| Duration::from_millis(limit.into()));
        let request = outgoing(request, &self.context.grants)?;
        let signature = self.signature(authorization, &request.url).await?;
        let left = self.spend(request.body.as_ref().map_or(0, |body| body.len() as u64))?;
        let (max_response, timeout) = if dispatched {
            (DISPATCHED_RESPONSE, timeout)
        } else {
            (left, Some(longest_exchange(timeout, self.deadline.saturating_duration_since(Instant::now()))))
        };
        Ok(Exchange { request, signature, max_response, timeout, received: Arc::default() })
    }

    /// Counts bytes. Answers how many are left.
    fn spend(&mut self, bytes: u64) -> Result<u64, Error> {
        let limit = self.context.limits.http_bytes;
        self.spent.http_bytes = self.spent.http_bytes.saturating_add(bytes);
        match limit.checked_sub(self.spent.http_bytes) {
            Some(left) if left > 0 => Ok(left),
            _ => Err(Error::Exhausted(format!("the call has moved the {limit} bytes that it may move by HTTP"))),
        }
    }

    async fn signature(&mut self, authorization: Option<Authorization>, url: &url::Url) -> Result<Signature, Error> {
        match authorization {
            None => Ok(Signature::None),
            Some(Authorization::Credential(credential)) => {
                let credential =
                    self.table.get(&credential).map_err(|_| Error::Invalid("the credential is gone".into()))?;
                self.context.grants.may_sign(&credential.scope, url).map_err(Error::Denied)?;
                let tokens = self.context.shared.tokens.as_ref();
                let tokens = tokens.ok_or_else(|| Error::Denied("this daemon has no source of credentials".into()))?;
                Ok(Signature::Scope { scope: credential.scope.clone(), tokens: Arc::clone(tokens) })
            }
            Some(Authorization::Agent(container)) => {
                let key = self.context.shared.agents.invocation_key(&container).await;
                let key = key.map_err(|error| Error::Other(format!("no key of the agent: {error}")))?;
                bearer(&key).map(Signature::Fixed)
            }
        }
    }

    /// What a server has sent is spent, whole or not.
    pub(super) fn spend_received(&mut self, exchange: &Exchange) {
        let received = exchange.received.load(Ordering::Relaxed);
        self.spent.http_bytes = self.spent.http_bytes.saturating_add(received);
    }

    async fn send_now(&mut self, request: Request) -> Result<contract::Response, Error> {
        let request = self.exchange_of(request, false).await?;
        let client = Arc::clone(&self.context.shared.http);
        let response = exchange(&client, &request).await;
        self.spend_received(&request);
        response
    }

    async fn send_on_its_way(&mut self, request: Request, container: String, run: String) -> Result<(), Error> {
        let request = self.exchange_of(request, true).await?;
        let shared = &self.context.shared;
        if shared.dispatcher.stopped() {
            return Err(Error::Other("the daemon is about to end".into()));
        }
        let Ok(permit) = Arc::clone(&self.context.dispatches).try_acquire_owned() else {
            let limit = self.context.limits.dispatched;
            return Err(Error::Exhausted(format!("{limit} dispatched requests are under way already")));
        };
        if let Some(transport) = &shared.dispatch_http.transport {
            transport.dispatched(&request.request.url);
        }
        shared.dispatcher.start(Dispatch {
            exchange: request,
            container,
            run,
            client: Arc::clone(&shared.dispatch_http),
            outcomes: Arc::clone(&shared.outcomes),
            permit,
        });
        Ok(())
    }
}

impl Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, HttpError>> {
        let response = taped!(
            self,
            "http.send",
            json!({ "request": tape::request(&request, &self.table) }),
            self.send_now(request).await
        );
        Ok(response.map(Into::into).map_err(Into::into))
    }

    async fn dispatch(
        &mut self,
        request: Request,
        container: String,
        run: String,
    ) -> wasmtime::Result<Result<(), HttpError>> {
        let sent = taped!(
            self,
            "http.dispatch",
            json!({ "request": tape::request(&request, &self.table), "container": container, "run": run }),
            self.send_on_its_way(request, container, run).await
        );
        Ok(sent.map_err(Into::into))
    }
}
