//! A backend's request, checked.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use sockerless_backend::HttpError;
use url::Url;

use super::client::Outgoing;
use crate::bindings::sockerless::backend::http::Request;
use crate::policy::Grants;

const MAX_URL: usize = 16 << 10;
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Headers that say how the message is framed, where it goes and who sends it: the host's.
const RESERVED: [HeaderName; 11] = [
    header::HOST,
    header::CONNECTION,
    header::UPGRADE,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
];
const RESERVED_UNNAMED: [&str; 2] = ["keep-alive", "proxy-connection"];

/// Checks form and policy of a request. What comes out can be sent.
pub(crate) fn outgoing(request: Request, grants: &Grants) -> Result<Outgoing, HttpError> {
    let method = method(&request.method)?;
    let url = url(&request.url)?;
    let headers = headers(&request.headers)?;
    let route = grants
        .route(&method, &url)
        .map_err(|reason| HttpError::Denied(format!("{method} {}: {reason}", origin(&url))))?;
    let rule = grants.rule(&url);
    Ok(Outgoing { method, url, headers, body: request.body.map(Bytes::from), route, rule })
}

/// Scheme, host and port: what of a URL may stand in an error, as a query can hold secrets.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

pub(super) fn invalid(text: impl Into<String>) -> HttpError {
    HttpError::Invalid(text.into())
}

fn method(text: &str) -> Result<Method, HttpError> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT | Method::TRACE) => Err(invalid(format!("the method {text} is not allowed"))),
        Ok(method) if text.len() <= 32 => Ok(method),
        _ => Err(invalid("the method is not one word of letters")),
    }
}

pub(super) fn url(text: &str) -> Result<Url, HttpError> {
    if text.len() > MAX_URL {
        return Err(invalid(format!("the URL is longer than {MAX_URL} bytes")));
    }
    // The parser drops these silently, and then the URL that was checked is not the one that was written.
    if text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return Err(invalid("the URL has a space or a control character; encode it with %"));
    }
    let mut url = Url::parse(text).map_err(|error| invalid(format!("the URL cannot be read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(invalid("the URL is not an absolute one of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("the URL holds a user name or password; use `authorization` instead"));
    }
    url.set_fragment(None);
    if url.as_str().parse::<Uri>().is_err() {
        return Err(invalid("the URL has characters that HTTP does not allow; encode them with %"));
    }
    Ok(url)
}

fn headers(list: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    let bytes: usize = list.iter().map(|(name, value)| name.len() + value.len()).sum();
    if list.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(invalid(format!("more than {MAX_HEADERS} headers, or {MAX_HEADER_BYTES} bytes of them")));
    }
    let mut headers = HeaderMap::with_capacity(list.len());
    for (name, value) in list {
        let shown = name.escape_debug();
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid(format!("`{shown}` is not the name of a header")))?;
        if RESERVED.contains(&parsed) || RESERVED_UNNAMED.contains(&parsed.as_str()) {
            let instead = if parsed == header::AUTHORIZATION { "; use `authorization` instead" } else { "" };
            return Err(invalid(format!("the header `{parsed}` is the host's{instead}")));
        }
        // `Accept-Encoding` is the host's too, since it decompresses; whatever a backend asks for here, the body it
        // gets is the same.
        if parsed == header::ACCEPT_ENCODING {
            continue;
        }
        let value = HeaderValue::from_str(value).map_err(|_| {
            invalid(format!("the value of the header `{parsed}` has a line break or a character outside ASCII"))
        })?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_headers_of_the_host_and_injection() {
        let one = |name: &str, value: &str| headers(&[(name.into(), value.into())]);
        for name in ["Host", "CONNECTION", "authorization", "Content-Length", "transfer-encoding", "Keep-Alive"] {
            assert!(one(name, "x").is_err(), "{name}");
        }
        for (name, value) in
            [("x", "a\r\nhost: b"), ("x", "a\nb"), ("x\r\ny", "a"), ("x", "a\0"), ("", "a"), ("x y", "a")]
        {
            assert!(one(name, value).is_err(), "{name:?} {value:?}");
        }
        assert_eq!(one("X-Fine", "yes; no").unwrap().len(), 1);
        assert!(headers(&vec![("a".to_owned(), "b".to_owned()); 101]).is_err());
        assert!(one("a", &"b".repeat(MAX_HEADER_BYTES)).is_err());
    }

    #[test]
    fn refuses_odd_urls_and_methods() {
        for text in [
            "/path",
            "ftp://a.net/",
            "file:///etc/passwd",
            "https://user@a.net/",
            "https://user:password@a.net/",
            "https://a.net/a b",
            "https://a.net/\r\nx: y",
            "data:text/plain,x",
            "https:///",
        ] {
            assert!(url(text).is_err(), "{text:?}");
        }
        assert_eq!(url("https://A.net/x?y#z").unwrap().as_str(), "https://a.net/x?y");
        assert!(method("CONNECT").is_err());
        assert!(method("GET /").is_err());
        assert!(method("PATCH").is_ok());
    }

    #[test]
    fn reads_addresses_in_disguise_as_addresses() {
        for text in ["http://0x7f000001/", "http://2130706433/", "http://127.1/", "http://0177.0.0.1/"] {
            assert_eq!(url(text).unwrap().host_str(), Some("127.0.0.1"), "{text}");
        }
    }
}
