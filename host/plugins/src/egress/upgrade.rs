//! WebSockets that the host opens by itself, at an address that a backend named: under the same policy, checks of addresses and
//! endpoint override as a backend's requests.

use http::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sockerless_backend::{HttpError, Upgrade};
use url::Url;

use super::client::{HttpClient, Outgoing};
use super::exchange::{Exchange, Signature};
use super::request::{invalid, origin, url as checked};
use super::streams::connect;
use crate::policy::Grants;

/// Most bytes of an answer that is no 101: it only adds to an error.
const DECLINED: u64 = 64 << 10;

/// The URL of a WebSocket as that of the request that begins it, which is what the policy speaks of.
pub(crate) fn websocket_url(text: &str) -> Result<Url, HttpError> {
    let text = match text.split_once("://") {
        Some(("wss", rest)) => format!("https://{rest}"),
        Some(("ws", rest)) => format!("http://{rest}"),
        _ => return Err(invalid("the URL is not one of ws or wss")),
    };
    checked(&text)
}

/// Whether the policy lets a WebSocket be opened there.
pub(crate) fn may_dial(text: &str, grants: &Grants) -> Result<(), HttpError> {
    let url = websocket_url(text)?;
    if url.path() != "/" || url.query().is_some() {
        return Err(invalid("the address of an agent has no path and no query: wss://host[:port]"));
    }
    grants.reaches(&url).map_err(|reason| denied(&url, &reason))
}

fn denied(url: &Url, reason: &str) -> HttpError {
    HttpError::Denied(format!("a WebSocket to {}: {reason}", origin(url)))
}

/// Asks for the upgrade, and answers when the server has.
pub(crate) async fn upgrade(
    client: &HttpClient,
    grants: &Grants,
    url: &str,
    headers: &[(&str, &str)],
) -> Result<Upgrade, HttpError> {
    if client.transport.is_some() {
        return Err(HttpError::Other(
            "in the place of the network there is something that has no WebSockets".to_owned(),
        ));
    }
    let url = websocket_url(url)?;
    let route = grants.route(&Method::GET, &url).map_err(|reason| denied(&url, &reason))?;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid(error.to_string()))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| invalid(error.to_string()))?;
        value.set_sensitive(name == AUTHORIZATION);
        map.insert(name, value);
    }
    map.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    map.insert(UPGRADE, HeaderValue::from_static("websocket"));
    map.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    let request = Outgoing { method: Method::GET, headers: map, body: None, route, rule: grants.rule(&url), url };
    let (signature, received) = (Signature::None, Default::default());
    let exchange = Exchange { request, signature, max_response: DECLINED, timeout: None, received };
    connect(client, &exchange).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_sees_a_websocket_as_the_request_that_begins_it() {
        assert_eq!(websocket_url("wss://a.net/x").unwrap().as_str(), "https://a.net/x");
        assert_eq!(websocket_url("ws://a.net:81").unwrap().as_str(), "http://a.net:81/");
        for text in ["https://a.net", "a.net", "wss://user@a.net", "wss://a b", "file:///x", "wss:///"] {
            assert!(websocket_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_one_that_the_policy_grants_and_nothing_else() {
        assert!(matches!(may_dial("wss://a.net", &Grants::default()), Err(HttpError::Denied(_))));
        for text in ["wss://a.net/path", "wss://a.net/?q", "https://a.net"] {
            assert!(matches!(may_dial(text, &Grants::default()), Err(HttpError::Invalid(_))), "{text}");
        }
    }
}
