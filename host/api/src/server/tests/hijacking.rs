//! Connections that stop being HTTP.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::super::{Limits, Listener, run};
use super::{Probe, read_to_end, read_until, start};

const UPGRADE: &str = "POST /echo HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const PLAIN: &str = "POST /echo HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n";
const WITH_BODY: &str =
    "POST /echo HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}";

#[tokio::test]
async fn input_that_came_with_the_request_is_not_lost() {
    let server = start().await;
    for request in [UPGRADE, PLAIN, WITH_BODY] {
        let answer = server.exchange(&format!("{request}early"), true).await;
        assert_eq!(answer, "HEAD\r\n\r\nearly<5>", "{request}");
    }
}

#[tokio::test]
async fn no_input_at_all_is_an_end_of_input() {
    let server = start().await;
    for request in [UPGRADE, PLAIN, WITH_BODY] {
        assert_eq!(server.exchange(request, true).await, "HEAD\r\n\r\n<0>", "{request}");
    }
}

#[tokio::test]
async fn input_that_looks_like_a_request_is_input() {
    let server = start().await;
    let early = "GET /a HTTP/1.1\r\nHost: d\r\n\r\n\0\u{1}";
    let answer = server.exchange(&format!("{PLAIN}{early}"), true).await;
    assert_eq!(answer, format!("HEAD\r\n\r\n{early}<{}>", early.len()));
}

#[tokio::test]
async fn after_other_requests_on_the_same_connection() {
    let server = start().await;
    let mut socket = server.connect().await;
    socket.write_all(b"GET /a HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    read_until(&mut socket, "/a").await;
    socket.write_all(format!("GET /b HTTP/1.1\r\nHost: d\r\n\r\n{UPGRADE}x").as_bytes()).await.unwrap();
    let answer = read_until(&mut socket, "HEAD\r\n\r\nx").await;
    assert!(answer.contains("\r\n\r\n/b"), "{answer}");
    socket.write_all(b"y").await.unwrap();
    read_until(&mut socket, "y").await;
    socket.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut socket).await, "<2>");
}

#[tokio::test]
async fn large_input_passes_whole_and_in_order_at_the_pace_of_the_reader() {
    let server = start().await;
    let socket = server.connect().await;
    let (mut reader, mut writer) = socket.into_split();
    let data: Vec<u8> = (0..8_u32 << 20).map(|at| (at % 251) as u8).collect();
    let sent = data.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(UPGRADE.as_bytes()).await.unwrap();
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    // Nobody reads: everything between here and there fills up, and the sender has to wait.
    tokio::task::yield_now().await;
    assert!(!sending.is_finished());
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer).await.unwrap();
    sending.await.unwrap();
    let body = answer.strip_prefix(b"HEAD\r\n\r\n").unwrap();
    assert!(body[..data.len()] == data[..]);
    assert_eq!(&body[data.len()..], format!("<{}>", data.len()).as_bytes());
}

#[tokio::test]
async fn without_output_the_session_ends_with_the_input() {
    let mut server = start().await;
    let answer = server.exchange("POST /sink HTTP/1.1\r\nHost: d\r\n\r\nx", true).await;
    assert_eq!(answer, "HEAD\r\n\r\n");
    tokio::time::timeout(Duration::from_secs(30), server.dropped.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn last_words_reach_a_client_that_goes_on_sending() {
    let server = start().await;
    let mut socket = server.connect().await;
    let request = format!("POST /words HTTP/1.1\r\nHost: d\r\n\r\n{}", "x".repeat(100_000));
    socket.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(read_to_end(&mut socket).await, "HTTP/1.1 404 Not Found\r\n\r\nno\r\n");
}

#[tokio::test]
async fn half_close_works_on_tcp() {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.url().strip_prefix("tcp://").unwrap().to_owned();
    let stop = CancellationToken::new();
    let (dropped, _receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = tokio::spawn(run(vec![listener], Probe { dropped }.into(), Limits::default(), stop.clone()));
    let mut socket = TcpStream::connect(&address).await.unwrap();
    socket.write_all(format!("{PLAIN}early").as_bytes()).await.unwrap();
    read_until(&mut socket, "early").await;
    socket.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut socket).await, "<5>");
    stop.cancel();
    server.await.unwrap();
}
