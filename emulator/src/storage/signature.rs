//! Shared Key: the signature of a request by the key of its account.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use url::form_urlencoded;

use crate::http::Exchange;

/// Headers whose values are signed without their names, in this order.
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

/// Whether the signature (base64) is that of the request by the key (base64).
pub(super) fn is_valid(exchange: &Exchange, account: &str, key: &str, signature: &str) -> bool {
    let (Ok(key), Ok(signature)) = (STANDARD.decode(key), STANDARD.decode(signature)) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, string_to_sign(exchange, account).as_bytes(), &signature).is_ok()
}

/// The text that is signed, as it is since version 2015-02-21.
fn string_to_sign(exchange: &Exchange, account: &str) -> String {
    let mut text = format!("{}\n", exchange.method);
    for name in SIGNED {
        let value = exchange.header(name).unwrap_or_default();
        // A body of no length counts as none.
        if !(name == "content-length" && value == "0") {
            text.push_str(value);
        }
        text.push('\n');
    }
    let mut own: Vec<_> = exchange.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-")).collect();
    own.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in own {
        let value = String::from_utf8_lossy(value.as_bytes());
        let words: Vec<_> = value.split_ascii_whitespace().collect();
        text.push_str(&format!("{name}:{}\n", words.join(" ")));
    }
    text.push_str(&format!("/{account}{}", exchange.path));
    let mut parameters: Vec<_> = form_urlencoded::parse(exchange.query.as_bytes())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect();
    parameters.sort();
    for parameters in parameters.chunk_by(|one, other| one.0 == other.0) {
        let values: Vec<_> = parameters.iter().map(|(_, value)| value.as_str()).collect();
        text.push_str(&format!("\n{}:{}", parameters[0].0, values.join(",")));
    }
    text
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    #[test]
    fn the_text_is_that_of_the_documentation() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("x-ms-version", "2024-11-04"), ("x-ms-date", "Fri,  26 Jun 2015 23:39:12 GMT"), ("content-length", "0")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        let exchange = Exchange {
            method: Method::PUT,
            path: "/agents/a%20b".to_owned(),
            query: "Timeout=20&comp=range&comp=list".to_owned(),
            host: "account.file.core.windows.net".to_owned(),
            headers,
            body: bytes::Bytes::new(),
        };
        let expected = "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2024-11-04\n\
                        /account/agents/a%20b\ncomp:list,range\ntimeout:20";
        assert_eq!(string_to_sign(&exchange, "account"), expected);
        let signature = STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"key"), expected.as_bytes()));
        assert!(is_valid(&exchange, "account", &STANDARD.encode("key"), &signature));
        assert!(!is_valid(&exchange, "account", &STANDARD.encode("yek"), &signature));
        assert!(!is_valid(&exchange, "other", &STANDARD.encode("key"), &signature));
    }
}
