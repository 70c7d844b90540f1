//! Requests to one registry, with what proves who asks.

use http::{HeaderValue, Method, StatusCode};
use sockerless_docker::RegistryAuth;
use sockerless_engine::Error;
use url::Url;

use crate::challenge::{Challenge, challenges};
use crate::refusal::Refusal;
use crate::token;
use crate::transport::{Answer, Ask, PROBE_TIME, Transport};

/// As large as the answer to a ping may be, in bytes: nobody reads it.
const PING_LIMIT: usize = 64 << 10;

/// For what a session is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purpose {
    /// The scope of its tokens: `repository:library/busybox:pull`.
    pub(crate) scope: Option<String>,
    /// Whether a token that stands for the password is wanted.
    pub(crate) lasting: bool,
}

/// A registry that has answered.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    transport: &'a Transport,
    base: Url,
    auth: Option<&'a RegistryAuth>,
    purpose: Purpose,
    status: StatusCode,
    challenges: Vec<Challenge>,
    authorization: Option<HeaderValue>,
    identity: Option<String>,
}

impl<'a> Session<'a> {
    /// Finds the registry, and learns how it asks who is there. Nothing that is secret is sent yet.
    pub(crate) async fn open(
        transport: &'a Transport,
        domain: &str,
        auth: Option<&'a RegistryAuth>,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let bases = transport.hosts.of_registry(domain)?;
        let (base, answer) = first(transport, bases, |base| Ok(Ask::get(join(base, "v2/")?, PING_LIMIT))).await?;
        let challenges =
            if answer.status == StatusCode::UNAUTHORIZED { challenges(&answer.headers) } else { Vec::new() };
        let status = answer.status;
        Ok(Self { transport, base, auth, purpose, status, challenges, authorization: None, identity: None })
    }

    /// Sends a request, first without a word on who asks if nobody has asked for that. `path` is below `/v2/`.
    ///
    /// The answer may be an error of the registry's.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        accept: Option<&'static str>,
        limit: usize,
    ) -> Result<Answer, Refusal> {
        let ask = self.ask(method, path, limit)?;
        self.exchange(Ask { accept, ..ask }).await
    }

    /// A request to be sent. `path` is below `/v2/`.
    pub(crate) fn ask(&self, method: Method, path: &str, limit: usize) -> Result<Ask, Error> {
        let url = join(&self.base, &format!("v2/{path}"))?;
        Ok(Ask { method, ..Ask::get(url, limit) })
    }

    /// The same as [`send`](Self::send) for any request. One to another host goes without what proves who asks.
    pub(crate) async fn exchange(&mut self, mut ask: Ask) -> Result<Answer, Refusal> {
        if ask.url.origin() != self.base.origin() {
            return Ok(self.transport.send(&ask).await?);
        }
        self.authorize(&ask).await?;
        ask.authorization.clone_from(&self.authorization);
        let answer = self.transport.send(&ask).await?;
        if answer.status != StatusCode::UNAUTHORIZED || self.authorization.is_some() {
            return Ok(answer);
        }
        // The registry is open, and this repository is not.
        self.challenges = challenges(&answer.headers);
        self.authorize(&ask).await?;
        ask.authorization.clone_from(&self.authorization);
        if ask.authorization.is_none() { Ok(answer) } else { Ok(self.transport.send(&ask).await?) }
    }

    /// Gets what the registry wants to see, once.
    async fn authorize(&mut self, ask: &Ask) -> Result<(), Refusal> {
        if self.authorization.is_some() {
            return Ok(());
        }
        let prefixed = |error: Error| Error { message: format!("{}{}", ask.prefix(), error.message), ..error };
        if let Some(challenge) = self.challenges.iter().find(|challenge| challenge.scheme == "bearer") {
            let registry_token = self.auth.map(|auth| auth.registrytoken.as_str()).filter(|token| !token.is_empty());
            if let Some(token) = registry_token {
                self.authorization = Some(token::bearer(token)?);
                return Ok(());
            }
            let scope = self.purpose.scope.as_deref();
            let token =
                token::fetch(self.transport, &self.base, challenge, self.auth, scope, self.purpose.lasting).await;
            let token = token.map_err(|refusal| prefixed(refusal.into_error()))?;
            self.authorization = Some(token.authorization);
            self.identity = token.identity;
        } else if self.challenges.iter().any(|challenge| challenge.scheme == "basic") {
            let credentials = self.auth.and_then(RegistryAuth::basic);
            let (user, password) = credentials.ok_or_else(|| prefixed(Error::internal("no basic auth credentials")))?;
            self.authorization = Some(token::basic(&user, &password)?);
        }
        Ok(())
    }

    /// What was answered to the first question, with which nobody said who asks.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The token that stands for the password, if one was asked for and given.
    pub(crate) fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// Where the registry is.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The URL of the base, for errors: `https://ghcr.io/v2/`.
    pub(crate) fn shown(&self) -> String {
        format!("{}v2/", self.base)
    }
}

/// The first of several bases that answers at all. One whose certificate is not to be trusted ends the search: plain HTTP is no
/// remedy for that.
pub(crate) async fn first(
    transport: &Transport,
    bases: Vec<Url>,
    ask: impl Fn(&Url) -> Result<Ask, Error>,
) -> Result<(Url, Answer), Error> {
    let last = bases.len().saturating_sub(1);
    for (at, base) in bases.into_iter().enumerate() {
        let mut ask = ask(&base)?;
        if at < last {
            ask.time = PROBE_TIME;
        }
        match transport.send(&ask).await {
            Ok(answer) => return Ok((base, answer)),
            Err(broken) if at == last || broken.distrusted => return Err(broken.error),
            Err(broken) => tracing::debug!(%base, error = %broken.error, "trying the next scheme"),
        }
    }
    Err(Error::internal("the registry has no address"))
}

pub(crate) fn join(base: &Url, path: &str) -> Result<Url, Error> {
    base.join(path).map_err(|error| Error::internal(format!("{base}{path} is no URL: {error}")))
}
