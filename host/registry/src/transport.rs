//! One request, with its redirects.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sockerless_engine::Error;
use url::Url;

use crate::hosts::Hosts;

/// For one request, to the end of its answer.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(30);
/// For the first request to a registry that may speak plain HTTP instead: what is no TLS server may not answer at all.
pub(crate) const PROBE_TIME: Duration = Duration::from_secs(10);
const CONNECT_TIME: Duration = Duration::from_secs(15);
const REDIRECTS: usize = 10;
/// As much as is read of an answer that is an error, in bytes.
const ERROR_LIMIT: usize = 64 << 10;

/// The body of a request.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl Content {
    /// Where a method is one with a body, and there is nothing to send.
    pub(crate) fn none() -> Self {
        Self { media_type: "application/octet-stream", bytes: Bytes::new() }
    }

    pub(crate) fn form(text: String) -> Self {
        Self { media_type: "application/x-www-form-urlencoded", bytes: text.into() }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) accept: Option<&'static str>,
    /// Goes to the host of `url` and to no other.
    pub(crate) authorization: Option<HeaderValue>,
    /// What it sends.
    pub(crate) body: Option<Content>,
    /// As large as the answer may be, in bytes.
    pub(crate) limit: usize,
    pub(crate) time: Duration,
}

impl Ask {
    pub(crate) fn get(url: Url, limit: usize) -> Self {
        Self { method: Method::GET, url, accept: None, authorization: None, body: None, limit, time: REQUEST_TIME }
    }

    /// How the Engine begins the text of an error of this request.
    pub(crate) fn prefix(&self) -> String {
        let method = match self.method {
            Method::HEAD => "Head",
            Method::POST => "Post",
            Method::PUT => "Put",
            _ => "Get",
        };
        format!("{method} \"{}\": ", self.url)
    }
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) error: Error,
    /// Whether the server has shown a certificate that is not to be trusted: it then must not be spoken to at all.
    pub(crate) distrusted: bool,
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        broken.error
    }
}

/// Sends requests.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    pub(crate) hosts: Hosts,
}

impl Transport {
    pub(crate) fn new(tls: rustls::ClientConfig, hosts: Hosts) -> Result<Self, Error> {
        let mut tls = tls;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            // By hand: each hop is held against the hosts that may be spoken to, and loses what proves who asks.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Digests are those of the bytes as they come.
            .no_gzip()
            .connect_timeout(CONNECT_TIME)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("sockerless/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| Error::internal(format!("the client of registries cannot be made: {error}")))?;
        Ok(Self { http, hosts })
    }

    /// Sends a request, follows redirects, and reads the answer.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Answer, Broken> {
        let work = self.follow(ask);
        tokio::time::timeout(ask.time, work).await.unwrap_or_else(|_| Err(broken(ask, "context deadline exceeded")))
    }

    async fn follow(&self, ask: &Ask) -> Result<Answer, Broken> {
        let mut url = ask.url.clone();
        for _ in 0..=REDIRECTS {
            let downgraded = url.scheme() == "http" && ask.url.scheme() != "http";
            if downgraded || !self.hosts.admits(&url) {
                let host = url.host_str().unwrap_or_default().to_owned();
                return Err(broken(
                    ask,
                    &format!(
                        "{}://{host} is not spoken to: only https is, but for this machine's own registries and those that \
                         SOCKERLESS_INSECURE_REGISTRIES names",
                        url.scheme()
                    ),
                ));
            }
            let mut request = self.http.request(ask.method.clone(), url.clone());
            if let Some(accept) = ask.accept {
                request = request.header(ACCEPT, accept);
            }
            if let Some(authorization) = &ask.authorization
                && url.origin() == ask.url.origin()
            {
                request = request.header(AUTHORIZATION, authorization.clone());
            }
            if let Some(Content { media_type, bytes }) = &ask.body {
                request = request.header(CONTENT_TYPE, *media_type).body(bytes.clone());
            }
            let response = request.send().await.map_err(|error| failed(ask, &url, &error))?;
            match redirect(&response) {
                // What is sent is for whom it was meant: a form holds a secret.
                Some(target) if ask.body.is_none() => url = target,
                _ => return read(ask, &url, response).await,
            }
        }
        Err(broken(ask, &format!("stopped after {REDIRECTS} redirects")))
    }
}

/// Where an answer leads to, if it does.
fn redirect(response: &reqwest::Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok()
}

/// Reads an answer; of an error only the beginning.
async fn read(ask: &Ask, url: &Url, mut response: reqwest::Response) -> Result<Answer, Broken> {
    let status = response.status();
    let headers = response.headers().clone();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(ask, url, &error))? {
        if status.is_success() {
            if body.len() + chunk.len() > ask.limit {
                return Err(broken(ask, &format!("the answer has more than the {} bytes that it may have", ask.limit)));
            }
            body.extend_from_slice(&chunk);
        } else {
            let room = ERROR_LIMIT - body.len();
            body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if body.len() == ERROR_LIMIT {
                break;
            }
        }
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

fn broken(ask: &Ask, reason: &str) -> Broken {
    let error = Error::internal(format!("{}{reason}", ask.prefix()));
    Broken { error, distrusted: false }
}

/// Words for a request that failed: those of Go's library where there is the same, as clients look for them.
fn failed(ask: &Ask, url: &Url, error: &reqwest::Error) -> Broken {
    let authority = || {
        let host = url.host_str().unwrap_or_default();
        format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
    };
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    // An error of I/O does not show what it holds as its source, but as its inside.
    let tls = causes().find_map(|cause| {
        cause
            .downcast_ref::<rustls::Error>()
            .or_else(|| cause.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>())
    });
    if let Some(tls) = tls {
        let distrusted = matches!(tls, rustls::Error::InvalidCertificate(_));
        let text = if distrusted { format!("tls: failed to verify certificate: {tls}") } else { format!("tls: {tls}") };
        return Broken { distrusted, ..broken(ask, &text) };
    }
    let io = causes().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let innermost = causes().last().map_or_else(|| error.to_string(), ToString::to_string);
    let named = causes().any(|cause| cause.to_string().contains("dns error"));
    let reason = if named {
        format!("dial tcp: lookup {}: {innermost}", url.host_str().unwrap_or_default())
    } else if io == Some(std::io::ErrorKind::ConnectionRefused) {
        format!("dial tcp {}: connect: connection refused", authority())
    } else if error.is_timeout() && error.is_connect() {
        format!("dial tcp {}: i/o timeout", authority())
    } else if error.is_connect() {
        format!("dial tcp {}: {innermost}", authority())
    } else {
        innermost
    };
    broken(ask, &reason)
}
