//! Shared Key: the signature by which a request proves to know the account's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};
use ring::hmac;
use url::Url;

/// Headers whose values are signed in this order, whether they are there or not.
const SIGNED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// The key of an account.
pub(crate) struct AccountKey(hmac::Key);

impl AccountKey {
    /// Of base64. Nothing if it is none.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let key = STANDARD.decode(key.trim()).ok()?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The value of `Authorization`. The headers must be those that are sent, `content-length` among them if there is a body.
    pub(crate) fn authorization(&self, account: &str, method: &Method, url: &Url, headers: &HeaderMap) -> String {
        let text = string_to_sign(account, method, url, headers);
        format!("SharedKey {account}:{}", STANDARD.encode(hmac::sign(&self.0, text.as_bytes())))
    }
}

fn string_to_sign(account: &str, method: &Method, url: &Url, headers: &HeaderMap) -> String {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut text = format!("{method}\n");
    for name in SIGNED {
        // Since version 2015-02-21 a length of nothing is signed as none.
        if !(name == "content-length" && value(name) == "0") {
            text += value(name);
        }
        text.push('\n');
    }
    let mut own: Vec<&str> =
        headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("x-ms-")).collect();
    own.sort_unstable();
    for name in own {
        text += &format!("{name}:{}\n", value(name).trim());
    }
    text += &format!("/{account}{}", url.path());
    let mut query: Vec<_> = url.query_pairs().collect();
    query.sort();
    for (name, value) in query {
        text += &format!("\n{}:{value}", name.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_is_signed() {
        let url = "https://a.file.core.windows.net/agents/x%20y?restype=share&comp=range".parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-ms-version", "2024-11-04"), ("x-ms-date", "d"), ("content-length", "5"), ("accept", "*/*")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        let expected = "PUT\n\n\n5\n\n\n\n\n\n\n\n\nx-ms-date:d\nx-ms-version:2024-11-04\n/a/agents/x%20y\ncomp:range\nrestype:share";
        assert_eq!(string_to_sign("a", &Method::PUT, &url, &headers), expected);
        headers.insert("content-length", "0".parse().unwrap());
        assert!(string_to_sign("a", &Method::PUT, &url, &headers).starts_with("PUT\n\n\n\n\n"));
    }

    #[test]
    fn a_key_is_base64() {
        assert!(AccountKey::parse("not base64!").is_none());
        assert!(AccountKey::parse(" a2V5\n").is_some());
    }
}
