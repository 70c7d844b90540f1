//! The handshake of a WebSocket, as far as a library for one side of it does not do it already.

use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

/// What the server answers to the key of a request for a WebSocket; nothing if it is no such request.
#[must_use]
pub fn accepted(headers: &HeaderMap) -> Option<HeaderValue> {
    let is = |name: HeaderName, wanted: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains(wanted))
    };
    if !is(UPGRADE, "websocket") || !is(CONNECTION, "upgrade") || !is(SEC_WEBSOCKET_VERSION, "13") {
        return None;
    }
    HeaderValue::from_str(&derive_accept_key(headers.get(SEC_WEBSOCKET_KEY)?.as_bytes())).ok()
}

/// A client's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Draws one.
    #[must_use]
    pub fn generate() -> Self {
        Self(generate_key())
    }

    /// As it stands in the request's `Sec-WebSocket-Key`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the `Sec-WebSocket-Accept` that answers it.
    #[must_use]
    pub fn is_answered_by(&self, accept: &str) -> bool {
        derive_accept_key(self.0.as_bytes()) == accept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(key: &Key) -> HeaderMap {
        let pairs = [
            (CONNECTION, "keep-alive, Upgrade"),
            (UPGRADE, "WebSocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, key.as_str()),
        ];
        pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_answer_fits_the_key_and_no_other() {
        let (key, other) = (Key::generate(), Key::generate());
        let answer = accepted(&request(&key)).unwrap();
        assert!(key.is_answered_by(answer.to_str().unwrap()));
        assert!(!other.is_answered_by(answer.to_str().unwrap()));
    }

    #[test]
    fn what_lacks_a_header_is_no_handshake() {
        for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_KEY] {
            let mut headers = request(&Key::generate());
            headers.remove(&name);
            assert_eq!(accepted(&headers), None, "{name}");
        }
    }
}
