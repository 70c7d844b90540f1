//! Servers and names that mean harm to the daemon that asks them.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hyper::Response;
use sockerless_plugins::{HttpConfig, Resolver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{response, serve};
use crate::support::{Setup, act};

const MIB: u64 = 1 << 20;

/// A backend that may move a MiB in a call, and a server that it may ask.
fn setup(url: &str) -> Setup {
    let mut setup = Setup::default().hosts("127.0.0.1", &[url]);
    setup.limits.http_bytes = MIB;
    setup
}

/// The next connection, when its request has come.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
}

#[tokio::test]
async fn a_response_without_an_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut stream = asked(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut sent = 0;
        // It would go on for ever: that it ends is the other side's doing.
        while stream.write_all(&[b'x'; 10_000]).await.is_ok() {
            sent += 10_000;
        }
        sent
    });
    let (_world, backend) = setup(&url).serving().await;
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, format!("HttpError::TooLarge({MIB})"));
    assert!(server.await.unwrap() > MIB);
}

/// What did not come whole has been moved all the same.
#[tokio::test]
async fn responses_that_break_off_use_up_what_a_call_may_move() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let mut stream = asked(&listener).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
            // The other side may have had enough.
            let _ = stream.write_all(&[b'x'; 300 << 10]).await;
        }
    });
    let (_world, backend) = setup(&url).serving().await;
    // Three that break off, and one that is too large for the rest.
    assert_eq!(act(&backend, "http-until-exhausted", &["GET", &url], &[]).await, "4");
}

#[tokio::test]
async fn what_a_compressed_body_turns_into_is_what_counts() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bytes::Bytes::from(bomb.finish().unwrap());
    assert!((bomb.len() as u64) < MIB);
    let address = serve(move |_| {
        let bomb = bomb.clone();
        async move { Response::builder().header("content-encoding", "gzip").body(bomb.into()).unwrap() }
    })
    .await;
    let url = format!("http://{address}");
    let (_world, backend) = setup(&url).serving().await;
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, format!("HttpError::TooLarge({MIB})"));
}

/// However they are written, and though a rule grants them by name.
#[tokio::test]
async fn metadata_services_are_never_reached() {
    let hosts = [
        "169.254.169.254",
        "168.63.129.16",
        "169.254.170.2",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[fd20:ce::254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
    ];
    let rules: Vec<String> = hosts.iter().map(|host| format!("http://{host}")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let (_world, backend) = Setup::default().hosts(&hosts.join(","), &rules).serving().await;
    for url in rules.iter().copied().chain(["http://0xa9.0xfe.0xa9fe/", "http://[::ffff:168.63.129.16]/"].into_iter()) {
        let answer = act(&backend, "http", &["GET", url], &["timeout=1"]).await;
        assert!(answer.starts_with("HttpError::Denied"), "{url}: {answer}");
        assert!(answer.contains("metadata service") || url.contains("168.63.129.16]"), "{url}: {answer}");
    }
}

/// Answers one address after the other, and counts how often it is asked.
struct Turning {
    addresses: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Resolver for Turning {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.addresses[asked.min(self.addresses.len() - 1)].clone())
    }
}

/// A server on this machine under a name, at the addresses that the name has one after the other. Answers its URL, and how often it was
/// asked for.
fn named(port: u16, private: bool, addresses: &[&[&str]]) -> (Setup, String, Arc<AtomicUsize>) {
    let rule = format!("http://turns.example:{port}");
    let mut setup = Setup::default().hosts("turns.example", &[&rule]);
    setup.policy.hosts.as_mut().unwrap()[0].private = private;
    let asked = Arc::new(AtomicUsize::new(0));
    let addresses = addresses.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect()).collect();
    let resolver = Turning { addresses, asked: Arc::clone(&asked) };
    setup.http = HttpConfig { resolver: Some(Arc::new(resolver)), ..HttpConfig::default() };
    (setup, rule, asked)
}

/// There is no second look at the name between the check and the connection, in which the answer could be another one.
#[tokio::test]
async fn a_name_is_connected_to_where_it_was_checked() {
    let address = serve(|_| async {
        let mut response = response(200, "first");
        response.headers_mut().insert("connection", "close".parse().unwrap());
        response
    })
    .await;
    let (setup, url, asked) = named(address.port(), true, &[&["127.0.0.1"], &["169.254.169.254"]]);
    let (_world, backend) = setup.serving().await;
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, "200 first");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let answer = act(&backend, "http", &["GET", &url], &[]).await;
    assert!(answer.starts_with("HttpError::Denied") && answer.contains("metadata service"), "{answer}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A public address beside a private one is no way to the private one.
#[tokio::test]
async fn of_several_addresses_only_those_that_are_allowed_are_tried() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let address = serve(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { response(200, "inside") }
    })
    .await;
    let (setup, url, asked) = named(address.port(), true, &[&["169.254.169.254", "127.0.0.1", "168.63.129.16"]]);
    let (_world, backend) = setup.serving().await;
    assert_eq!(act(&backend, "http", &["GET", &url], &[]).await, "200 inside");
    let (setup, url, _) = named(address.port(), false, &[&["127.0.0.1", "10.0.0.1", "::1"]]);
    let (_world, backend) = setup.serving().await;
    assert!(act(&backend, "http", &["GET", &url], &[]).await.starts_with("HttpError::Denied"));
    assert_eq!((requests.load(Ordering::SeqCst), asked.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_rule_for_some_paths_and_methods_allows_no_others() {
    let address = serve(|request| async move { response(200, format!("{} {}", request.method, request.path)) }).await;
    let url = format!("http://{address}");
    let mut setup = Setup::default().hosts("127.0.0.1", &[]);
    let rule = format!(r#"{{"host": "{url}", "path-prefix": "/mine", "methods": ["GET"]}}"#);
    setup.policy.hosts = Some(vec![serde_json::from_str(&rule).unwrap()]);
    let (_world, backend) = setup.serving().await;
    assert_eq!(act(&backend, "http", &["GET", &format!("{url}/mine/a?b=/..")], &[]).await, "200 GET /mine/a?b=/..");
    for (method, path) in
        [("POST", "/mine/a"), ("GET", "/other"), ("GET", "/mine/../other"), ("GET", "/mine/..%2fother")]
    {
        let answer = act(&backend, "http", &[method, &format!("{url}{path}")], &[]).await;
        assert!(answer.starts_with("HttpError::Denied"), "{method} {path}: {answer}");
    }
}
