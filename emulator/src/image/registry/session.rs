//! Requests to one registry for one repository, with whatever the registry wants to know of who asks.

use std::fmt::Write as _;

use http::header::{ACCEPT, AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use reqwest::{Client, Response};
use serde::Deserialize;
use url::{Host, Url};

use super::challenge::Challenge;
use super::credentials::Credentials;
use crate::config::RegistryConfig;
use crate::image::ImageError;
use crate::image::reference::Reference;

/// Where Docker's own registry is.
const DOCKER: &str = "registry-1.docker.io";

/// Largest answer that is an error, or a token.
const MAX_SMALL: usize = 64 << 10;

/// Whether a request may go to a URL: by HTTPS to every one, without TLS to this machine and to those that the configuration
/// names.
pub(super) fn admits(url: &Url, config: &RegistryConfig) -> bool {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let is_own = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let named = format!("{host}:{port}");
    let is_named =
        || config.plain_http.iter().any(|name| [host, &named].iter().any(|own| name.eq_ignore_ascii_case(own)));
    url.scheme() == "https" || (url.scheme() == "http" && (is_own || is_named()))
}

/// A registry, as one pull speaks to it.
pub(super) struct Session {
    client: Client,
    base: Url,
    repository: String,
    config: RegistryConfig,
    credentials: Option<Credentials>,
    authorization: Option<HeaderValue>,
}

impl Session {
    pub(super) fn new(
        client: Client,
        reference: &Reference,
        config: RegistryConfig,
        credentials: Option<Credentials>,
    ) -> Result<Self, ImageError> {
        let host = if reference.registry == "docker.io" { DOCKER } else { &reference.registry };
        let url = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/"))
                .map_err(|error| ImageError::new(format!("'{host}' is no address of a registry: {error}")))
        };
        let plain = url("http")?;
        let base = if admits(&plain, &config) { plain } else { url("https")? };
        let repository = reference.repository.clone();
        Ok(Self { client, base, repository, config, credentials, authorization: None })
    }

    /// Asks for something of the repository: `manifests/…`, `blobs/…`.
    ///
    /// # Errors
    /// The registry cannot be reached, or answers with anything but success; the text has its reason.
    pub(super) async fn get(&mut self, below: &str, accept: &'static str) -> Result<Response, ImageError> {
        let url = self.base.join(&format!("v2/{}/{below}", self.repository));
        let url = url.map_err(|error| ImageError::new(format!("{below}: {error}")))?;
        let response = self.send(&url, accept).await?;
        let response = match challenge(&response) {
            Some(challenge) if self.authorization.is_none() => {
                self.authorization = Some(self.answer(&challenge, &url).await?);
                self.send(&url, accept).await?
            }
            _ => response,
        };
        succeeded(&url, response).await
    }

    async fn send(&self, url: &Url, accept: &'static str) -> Result<Response, ImageError> {
        let mut request = self.client.get(url.clone()).header(ACCEPT, accept);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        request.send().await.map_err(|error| unreachable(url, &error))
    }

    /// What goes into `Authorization` from now on.
    async fn answer(&self, challenge: &Challenge, asked: &Url) -> Result<HeaderValue, ImageError> {
        let value = match challenge {
            Challenge::Basic => {
                let credentials = self.credentials.as_ref().ok_or_else(|| {
                    ImageError::new(format!(
                        "{asked}: unauthorized: the registry wants user and password, and the app's settings \
                         DOCKER_REGISTRY_SERVER_URL, DOCKER_REGISTRY_SERVER_USERNAME and DOCKER_REGISTRY_SERVER_PASSWORD have \
                         none for it"
                    ))
                })?;
                credentials.basic()
            }
            Challenge::Bearer { realm, service, scope } => {
                format!("Bearer {}", self.token(realm, service.as_deref(), scope.as_deref()).await?)
            }
        };
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| ImageError::new(format!("{asked}: the token or password is no header of HTTP")))?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn token(&self, realm: &str, service: Option<&str>, scope: Option<&str>) -> Result<String, ImageError> {
        #[derive(Deserialize)]
        struct Token {
            #[serde(default)]
            token: Option<String>,
            #[serde(default)]
            access_token: Option<String>,
        }
        let mut url = Url::parse(realm).map_err(|error| ImageError::new(format!("the realm '{realm}': {error}")))?;
        if !admits(&url, &self.config) {
            return Err(ImageError::new(format!(
                "the realm '{realm}' is not spoken to: it is neither HTTPS nor this machine's"
            )));
        }
        let pull = format!("repository:{}:pull", self.repository);
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .append_pair("scope", scope.unwrap_or(&pull));
        let mut request = self.client.get(url.clone());
        if let Some(credentials) = &self.credentials {
            let mut value = HeaderValue::try_from(credentials.basic())
                .map_err(|_| ImageError::new("the user or password is no header of HTTP"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.send().await.map_err(|error| unreachable(&url, &error))?;
        let body = read(&url, succeeded(&url, response).await?, MAX_SMALL).await?;
        let token: Token = serde_json::from_slice(&body).map_err(|error| ImageError::new(format!("{url}: {error}")))?;
        let token = token.token.or(token.access_token).filter(|token| !token.is_empty());
        token.ok_or_else(|| ImageError::new(format!("{url}: the answer has no token")))
    }
}

/// A body of at most so many bytes.
pub(super) async fn read(url: &Url, mut response: Response, limit: usize) -> Result<Vec<u8>, ImageError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
        if body.len() + chunk.len() > limit {
            return Err(ImageError::new(format!("{url}: the answer has more than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error of the way to a registry, with what is behind it.
pub(super) fn unreachable(url: &Url, error: &reqwest::Error) -> ImageError {
    let mut text = format!("{url}");
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        // Writing into a string does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    ImageError::new(text)
}

fn challenge(response: &Response) -> Option<Challenge> {
    if response.status() != StatusCode::UNAUTHORIZED {
        return None;
    }
    let headers = response.headers().get_all(WWW_AUTHENTICATE);
    headers.iter().find_map(|value| Challenge::read(value.to_str().ok()?))
}

async fn succeeded(url: &Url, response: Response) -> Result<Response, ImageError> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    // The status says enough when the reason cannot be read.
    let body = read(url, response, MAX_SMALL).await.unwrap_or_default();
    Err(ImageError::new(format!("{url} is answered with {status}{}", reason(&body))))
}

/// What an answer of the registry gives as its reason.
fn reason(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else { return String::new() };
    let Some(Reason { code, message }) = refusal.errors.into_iter().next() else { return String::new() };
    let message: String = message.chars().filter(|c| !c.is_control()).take(300).collect();
    let code: String = code.chars().filter(|c| !c.is_control()).take(60).collect();
    format!(": {}: {message}", code.to_ascii_lowercase().replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_what_is_named_is_spoken_to_without_tls() {
        let config =
            RegistryConfig { plain_http: vec!["lan:5000".into(), "any.lan".into()], ..RegistryConfig::default() };
        for (url, admitted) in [
            ("https://r.io/", true),
            ("http://r.io/", false),
            ("http://127.0.0.1:5000/", true),
            ("http://[::1]:5000/", true),
            ("http://localhost/", true),
            ("http://lan:5000/", true),
            ("http://lan:5001/", false),
            ("http://ANY.lan:1/", true),
            ("http://127.0.0.1.r.io/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(admits(&Url::parse(url).unwrap(), &config), admitted, "{url}");
        }
    }

    #[test]
    fn the_registrys_reason_is_told() {
        let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}"#;
        assert_eq!(reason(body), ": manifest unknown: manifest unknown");
        assert_eq!(reason(b"<html>"), "");
        assert_eq!(reason(br#"{"errors":[]}"#), "");
    }
}
