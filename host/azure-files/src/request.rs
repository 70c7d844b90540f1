//! One request to the service: authorised, sent, repeated where that is right, and its refusal read.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::{Error, Refusal};
use crate::signature::AccountKey;

/// The version of the service: the first in which a token may also make shares.
const VERSION: &str = "2024-11-04";
/// Of one exchange; 4 MiB must get through a slow line.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How often a request is sent that is refused for now.
const ATTEMPTS: u32 = 4;
/// The longest pause between two attempts, whatever the service asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// As much of the text of an error is read, in bytes.
const ERROR_LIMIT: usize = 16 << 10;

/// What stands for itself in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where tokens come from.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// The value of `Authorization` for the scope `https://storage.azure.com/.default`. The error is for people.
    async fn authorization(&self) -> Result<HeaderValue, String>;
}

/// What proves to the service who asks.
#[derive(Clone)]
pub enum Proof {
    /// A key of the storage account, base64.
    Key(String),
    /// A token of somebody with the role *Storage File Data Privileged Contributor*.
    Tokens(Arc<dyn Tokens>),
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(…)",
            Self::Tokens(_) => "Tokens(…)",
        })
    }
}

/// Which share, and how it is reached.
#[derive(Debug, Clone)]
pub struct ShareOptions {
    /// Name of the storage account.
    pub account: String,
    /// Domain of the cloud's storage: `core.windows.net` for the public one.
    pub domain: String,
    /// Name of the share.
    pub share: String,
    /// Who asks.
    pub proof: Proof,
    /// Another base URL to connect to, for an emulator. The requests name the service's own host all the same.
    pub endpoint: Option<Url>,
}

/// A share.
pub struct ShareClient {
    client: reqwest::Client,
    account: String,
    share: String,
    host: String,
    key: Option<AccountKey>,
    tokens: Option<Arc<dyn Tokens>>,
    endpoint: Option<Url>,
}

impl fmt::Debug for ShareClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareClient").field("host", &self.host).field("share", &self.share).finish_non_exhaustive()
    }
}

/// A request, without what every request has.
pub(crate) struct Call<'c> {
    pub(crate) method: Method,
    /// The file; nothing for the share itself.
    pub(crate) file: Option<&'c str>,
    pub(crate) query: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl ShareClient {
    /// Sends nothing. The HTTP client should follow no redirects and speak HTTP/1.1, in which the host is a header.
    ///
    /// # Errors
    /// The key is not base64.
    pub fn new(client: reqwest::Client, options: ShareOptions) -> Result<Self, Error> {
        let ShareOptions { account, domain, share, proof, endpoint } = options;
        let (key, tokens) = match proof {
            Proof::Key(key) => (Some(AccountKey::parse(&key).ok_or(Error::Key)?), None),
            Proof::Tokens(tokens) => (None, Some(tokens)),
        };
        let host = format!("{account}.file.{domain}");
        Ok(Self { client, account, share, host, key, tokens, endpoint })
    }

    /// The URL of a file, or of the share.
    pub(crate) fn url(&self, file: Option<&str>, query: &str) -> Result<Url, Error> {
        url(&self.host, &self.share, file, query)
    }

    /// Sends a request, and again if the service asks for that. Every operation here has the same outcome when it is repeated, or
    /// says that it was done already.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<HeaderMap, Error> {
        let mut attempt = 1;
        loop {
            let outcome = self.send_once(call).await;
            let pause = match &outcome {
                Ok(response) if is_passing(response.status()) => Some(asked_pause(response.headers())),
                Err(Error::Unreachable(_)) => Some(None),
                _ => None,
            };
            if let Some(asked) = pause.filter(|_| attempt < ATTEMPTS) {
                tokio::time::sleep(asked.unwrap_or(Duration::from_millis(500 << attempt)).min(LONGEST_PAUSE)).await;
                attempt += 1;
                continue;
            }
            let response = outcome?;
            if response.status().is_success() {
                return Ok(response.headers().clone());
            }
            return Err(refusal(response).await.into());
        }
    }

    async fn send_once(&self, call: &Call<'_>) -> Result<reqwest::Response, Error> {
        let url = self.url(call.file, call.query)?;
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &str| -> Result<(), Error> {
            let value =
                HeaderValue::from_str(value).map_err(|_| Error::Other(format!("{name} cannot have such a value")))?;
            headers.insert(HeaderName::from_static(name), value);
            Ok(())
        };
        put("x-ms-version", VERSION)?;
        put("x-ms-date", &httpdate::fmt_http_date(SystemTime::now()))?;
        for (name, value) in &call.headers {
            put(name, value)?;
        }
        if call.method == Method::PUT {
            put("content-length", &call.body.len().to_string())?;
        }
        let authorization = match (&self.key, &self.tokens) {
            (Some(key), _) => HeaderValue::from_str(&key.authorization(&self.account, &call.method, &url, &headers))
                .map_err(|_| Error::Other(format!("{} is the name of no storage account", self.account)))?,
            (None, Some(tokens)) => {
                // Without it the service takes no token: it says that the rights of single files do not matter.
                headers.insert("x-ms-file-request-intent", HeaderValue::from_static("backup"));
                tokens.authorization().await.map_err(Error::Token)?
            }
            (None, None) => return Err(Error::Token("nobody is asked for one".to_owned())),
        };
        let mut authorization = authorization;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        let target = match &self.endpoint {
            None => url,
            Some(endpoint) => {
                let host = HeaderValue::from_str(&self.host).map_err(|_| Error::Other("no host".to_owned()))?;
                headers.insert(HOST, host);
                let mut target = endpoint.clone();
                target.set_path(&format!("{}{}", endpoint.path().trim_end_matches('/'), url.path()));
                target.set_query(url.query());
                target
            }
        };
        let request = self.client.request(call.method.clone(), target).headers(headers).timeout(TIMEOUT);
        let request = if call.method == Method::PUT { request.body(call.body.clone()) } else { request };
        Ok(request.send().await?)
    }
}

fn url(host: &str, share: &str, file: Option<&str>, query: &str) -> Result<Url, Error> {
    let mut url = format!("https://{host}/{share}");
    for segment in file.into_iter().flat_map(|file| file.split('/')) {
        url.push('/');
        url.extend(utf8_percent_encode(segment, SEGMENT));
    }
    let mut url: Url = url.parse().map_err(|_| Error::Other(format!("{host} is the host of no URL")))?;
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    Ok(url)
}

/// Whether a refusal passes by itself.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long the service wants to be left alone.
fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

async fn refusal(mut response: reqwest::Response) -> Refusal {
    let status = response.status().as_u16();
    let code = response.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
    let code = code.to_owned();
    let mut text = Vec::new();
    // What cannot be read is not needed: the code says what it is.
    while let Ok(Some(chunk)) = response.chunk().await {
        text.extend_from_slice(&chunk[..chunk.len().min(ERROR_LIMIT - text.len())]);
        if text.len() == ERROR_LIMIT {
            break;
        }
    }
    Refusal { status, code, message: message(&String::from_utf8_lossy(&text)) }
}

/// The first line of the error's text.
fn message(xml: &str) -> Option<String> {
    let (_, text) = xml.split_once("<Message>")?;
    let text = text.split("</Message>").next()?.lines().next()?.trim();
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_is_its_first_line() {
        let xml =
            "<?xml version=\"1.0\"?><Error><Code>C</Code><Message>a &amp; b\nRequestId:1\nTime:2</Message></Error>";
        assert_eq!(message(xml).as_deref(), Some("a & b"));
        assert_eq!(message("<html>"), None);
    }

    #[test]
    fn a_file_has_a_url() {
        let shown = |file, query| url("a.file.core.windows.net", "agents", file, query).unwrap().to_string();
        assert_eq!(shown(Some("a b"), "comp=x"), "https://a.file.core.windows.net/agents/a%20b?comp=x");
        assert_eq!(shown(Some("x/y"), ""), "https://a.file.core.windows.net/agents/x/y");
        assert_eq!(shown(None, ""), "https://a.file.core.windows.net/agents");
        assert!(url("no host", "agents", None, "").is_err());
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Proof::Key("a2V5".to_owned())), "Key(…)");
    }
}
