//! Headers on their way through the front end.

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// Headers that concern one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Whether a message asks for another protocol on its connection.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE) && tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"))
}

/// Takes away what belongs to the connection, but for the upgrade that is passed through.
pub(super) fn strip(headers: &mut HeaderMap) {
    let upgrade = headers.get(UPGRADE).filter(|_| is_upgrade(headers)).cloned();
    let named: Vec<HeaderName> = tokens(headers).filter_map(|token| token.parse().ok()).collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
    if let Some(protocol) = upgrade {
        headers.insert(UPGRADE, protocol);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    }
}

/// Adds what the front end tells the app of the client.
pub(super) fn forward(headers: &mut HeaderMap, uri: &Uri, host: &str, peer: SocketAddr) {
    let before = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let chain = before.map_or_else(|| peer.to_string(), |before| format!("{before}, {peer}"));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    for (name, value) in [
        ("x-forwarded-for", chain.as_str()),
        ("x-forwarded-host", host),
        // The platform ends TLS; the emulator's clients think that they spoke it.
        ("x-forwarded-proto", "https"),
        ("x-appservice-proto", "https"),
        ("x-original-url", path),
        ("x-waws-unencoded-url", path),
        ("client-ip", &peer.to_string()),
        ("x-client-ip", &peer.ip().to_string()),
        ("x-client-port", &peer.port().to_string()),
        ("disguised-host", host),
        ("was-default-hostname", host),
        ("max-forwards", "10"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Ok(host) = HeaderValue::from_str(host) {
        headers.insert(HOST, host);
    }
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_belongs_to_the_connection_stays_there() {
        let mut headers = headers(&[("connection", "keep-alive, x-own"), ("x-own", "1"), ("x-other", "2")]);
        strip(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-other"]);
    }

    #[test]
    fn an_upgrade_passes() {
        let mut headers = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert!(is_upgrade(&headers));
        strip(&mut headers);
        assert_eq!(
            (&headers["connection"], &headers["upgrade"]),
            (&"Upgrade".parse().unwrap(), &"websocket".parse().unwrap())
        );
    }

    #[test]
    fn the_chain_of_clients_grows() {
        let mut headers = headers(&[("x-forwarded-for", "10.0.0.1")]);
        forward(&mut headers, &"/a?b".parse().unwrap(), "app.azurewebsites.net", "127.0.0.1:5".parse().unwrap());
        assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 127.0.0.1:5");
        assert_eq!(headers["x-original-url"], "/a?b");
        assert_eq!(headers["host"], "app.azurewebsites.net");
    }
}
