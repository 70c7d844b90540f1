//! Requests of a guest: policy, addresses, limits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use sockerless_plugins::{HttpConfig, Resolver};

use crate::server::{response, serve, serve_at};
use crate::support::{Setup, act};

/// A server that answers with what it got, and a setup that grants it.
async fn echo() -> (String, Setup) {
    let address = serve(|request| async move {
        let text = format!("{} {} {} {:?}", request.method, request.path, request.header("x-test"), request.body);
        response(200, text)
    })
    .await;
    let url = format!("http://{address}");
    let setup = Setup::default().hosts("127.0.0.1", &[&url]);
    (url, setup)
}

#[tokio::test]
async fn a_granted_request_goes_through() {
    let (url, setup) = echo().await;
    let (_world, backend) = setup.serving().await;
    let answer = act(&backend, "http", &["POST", &format!("{url}/a?b"), "X-Test=yes"], &["body=hello"]).await;
    assert_eq!(answer, r#"200 POST /a?b yes b"hello""#);
}

#[tokio::test]
async fn an_empty_body_has_its_length() {
    let address = serve(|request| async move {
        let lengths: Vec<_> = request.headers.get_all("content-length").iter().collect();
        response(200, format!("{lengths:?}"))
    })
    .await;
    let url = format!("http://{address}");
    let (_world, backend) = Setup::default().hosts("127.0.0.1", &[&url]).serving().await;
    assert_eq!(act(&backend, "http", &["POST", &url], &[]).await, r#"200 ["0"]"#);
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, "200 []");
}

/// The rule says where the host is, and only under its name, scheme and port.
#[tokio::test]
async fn a_host_is_at_a_socket_if_a_rule_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    serve_at(&socket, |request| async move {
        response(200, format!("{} {} at {}", request.method, request.path, request.header("host")))
    });
    let rule = format!(r#"{{"host": "http://engine.docker", "socket": {socket:?}}}"#);
    let mut setup = Setup::default().hosts("engine.docker,other.example", &["other.example"]);
    setup.policy.hosts.as_mut().unwrap().push(serde_json::from_str(&rule).unwrap());
    // Nothing leads to the socket but that rule: not even what all other requests go to.
    setup.http = HttpConfig { endpoint: Some("http://127.0.0.1:1".parse().unwrap()), ..HttpConfig::default() };
    let (_world, backend) = setup.serving().await;
    let ask = async |url: &str| act(&backend, "http", &["GET", url], &[]).await;
    assert_eq!(ask("http://engine.docker/a?b").await, "200 GET /a?b at engine.docker");
    for url in ["https://engine.docker/", "http://engine.docker:81/", "http://x.engine.docker/"] {
        assert!(ask(url).await.starts_with("HttpError::Denied"), "{url}");
    }
    assert!(ask("https://other.example/").await.starts_with("HttpError::Connect"));
}

#[tokio::test]
async fn what_the_policy_does_not_grant_is_denied() {
    let (url, setup) = echo().await;
    let (_world, backend) = setup.serving().await;
    let denied = async |url: &str| {
        let answer = act(&backend, "http", &["GET", url], &[]).await;
        assert!(answer.starts_with("HttpError::Denied"), "{url}: {answer}");
        answer
    };
    assert!(denied("https://evil.example/").await.contains("does not ask for the host `evil.example`"));
    let answer = denied("http://127.0.0.1:1/").await;
    assert!(answer.contains("`http://127.0.0.1:1` among the `hosts`"), "{answer}");
    denied(&url.replace("http:", "https:")).await;
    denied(&url.replace("127.0.0.1", "localhost")).await;
}

#[tokio::test]
async fn malformed_requests_and_header_injection_are_invalid() {
    let (url, setup) = echo().await;
    let (_world, backend) = setup.serving().await;
    for request in [
        &["GET", &url, "X-Test=a\r\nHost: evil"][..],
        &["GET", &url, "X-Test=a\nb"],
        &["GET", &url, "X-Test=a\rb"],
        &["GET", &url, "X-Test=a\0b"],
        &["GET", &url, "X-Test\r\nHost: evil=a"],
        &["GET", &url, "X-Te\0st=a"],
        &["GET", &url, "Host=evil"],
        &["GET", &url, "Authorization=Bearer x"],
        &["GET", &url, "Transfer-Encoding=chunked"],
        &["GET /x HTTP/1.1\r\nHost: evil\r\n\r\nGET", &url],
        &["GET", &format!("{url}/a b")],
        &["CONNECT", &url],
    ] {
        let answer = act(&backend, "http", request, &[]).await;
        assert!(answer.starts_with("HttpError::Invalid"), "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn redirects_are_handed_over() {
    let address = serve(|_| async {
        Response::builder().status(302).header("location", "http://evil.example/").body(Full::default()).unwrap()
    })
    .await;
    let url = format!("http://{address}");
    let (_world, backend) = Setup::default().hosts("127.0.0.1", &[&url]).serving().await;
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, "302 ");
}

struct Fixed(IpAddr);

#[async_trait]
impl Resolver for Fixed {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

#[tokio::test]
async fn a_name_at_a_private_address_is_not_reached_unless_granted() {
    let address = serve(|_| async { response(200, "inside") }).await;
    let rule = format!("http://inside.example:{}", address.port());
    let url = format!("{rule}/");
    let setup = |at: IpAddr, private: bool| {
        let mut setup = Setup::default().hosts("inside.example", &[&rule]);
        setup.policy.hosts.as_mut().unwrap()[0].private = private;
        setup.http = HttpConfig { resolver: Some(Arc::new(Fixed(at))), ..HttpConfig::default() };
        setup
    };
    for at in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1"] {
        let (_world, backend) = setup(at.parse().unwrap(), false).serving().await;
        let answer = act(&backend, "http", &["GET", &url], &[]).await;
        assert!(answer.starts_with("HttpError::Denied"), "{at}: {answer}");
        // A WebSocket that the host opens gets no further.
        let dialled = backend.upgrade(&url.replacen("http", "ws", 1), &[]).await.err();
        assert!(matches!(dialled, Some(sockerless_backend::HttpError::Denied(_))), "{at}: {dialled:?}");
        assert!(answer.contains("inside.example is at"), "{at}: {answer}");
    }
    let (_world, backend) = setup(address.ip(), true).serving().await;
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, "200 inside");
    let (_world, backend) = setup("169.254.169.254".parse().unwrap(), true).serving().await;
    let answer = act(&backend, "http", &["GET", &url], &[]).await;
    assert!(answer.contains("metadata service"), "{answer}");
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_too() {
    // Granted as a public host would be: the address itself makes the rule private, the metadata service stays out.
    let rules = ["http://169.254.169.254"];
    let (_world, backend) = Setup::default().hosts("169.254.169.254", &rules).serving().await;
    let answer = act(&backend, "http", &["GET", "http://169.254.169.254/metadata"], &[]).await;
    assert!(answer.starts_with("HttpError::Denied") && answer.contains("metadata"), "{answer}");
    let answer = act(&backend, "http", &["GET", "http://0xa9fea9fe/metadata"], &[]).await;
    assert!(answer.starts_with("HttpError::Denied") && answer.contains("metadata"), "{answer}");
}

#[tokio::test]
async fn the_endpoint_override_keeps_the_host_header() {
    let address =
        serve(|request| async move { response(200, format!("{} {}", request.header("host"), request.path)) }).await;
    let mut setup = Setup::default().hosts("management.azure.com", &["management.azure.com"]);
    setup.http.endpoint = Some(format!("http://{address}").parse().unwrap());
    let (_world, backend) = setup.serving().await;
    let answer = act(&backend, "http", &["GET", "https://management.azure.com/sub%20s?api-version=1"], &[]).await;
    assert_eq!(answer, "200 management.azure.com /sub%20s?api-version=1");
    let answer = act(&backend, "http", &["GET", "https://evil.example/"], &[]).await;
    assert!(answer.starts_with("HttpError::Denied"), "{answer}");
}

#[tokio::test]
async fn limits_of_time_and_size_hold() {
    let address = serve(|request| async move {
        match request.path.as_str() {
            "/slow" => std::future::pending().await,
            _ => response(200, Bytes::from(vec![b'x'; 1 << 20])),
        }
    })
    .await;
    let url = format!("http://{address}");
    let mut setup = Setup::default().hosts("127.0.0.1", &[&url]);
    setup.limits.http_bytes = 1 << 19;
    setup.limits.create_deadline = Duration::from_secs(3);
    let (_world, backend) = setup.serving().await;
    let answer = act(&backend, "http", &["GET", &format!("{url}/big")], &[]).await;
    assert!(answer.starts_with("HttpError::TooLarge"), "{answer}");
    let answer = act(&backend, "http", &["GET", &format!("{url}/slow")], &["timeout=100"]).await;
    assert!(answer.starts_with("HttpError::Timeout") && answer.contains("within 0.1 s"), "{answer}");
    // Without a limit of its own it ends before the call's deadline, so that the guest can say so.
    let answer = act(&backend, "http", &["GET", &format!("{url}/slow")], &[]).await;
    assert!(answer.starts_with("HttpError::Timeout"), "{answer}");
}

#[tokio::test]
async fn a_server_that_is_not_there_saw_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_world, backend) = Setup::default().hosts("127.0.0.1", &[&url]).serving().await;
    let answer = act(&backend, "http", &["GET", &format!("{url}/?secret=1")], &[]).await;
    assert!(answer.starts_with("HttpError::Connect"), "{answer}");
    assert!(!answer.contains("secret"), "{answer}");
}
