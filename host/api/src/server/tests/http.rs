//! Connections that stay HTTP.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::super::Limits;
use super::{read_to_end, read_until, start, start_with};

#[tokio::test]
async fn keeps_the_connection_for_further_requests() {
    let server = start().await;
    let mut socket = server.connect().await;
    for path in ["/a", "/b"] {
        socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: d\r\n\r\n").as_bytes()).await.unwrap();
        let answer = read_until(&mut socket, path).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn answers_pipelined_requests_in_order() {
    let server = start().await;
    let request = "GET /a HTTP/1.1\r\nHost: d\r\n\r\nPOST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\nxyz\
                   GET /c HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(request, false).await;
    let bodies: Vec<&str> =
        answer.split("HTTP/1.1 200 OK").filter_map(|part| part.split_once("\r\n\r\n")).map(|part| part.1).collect();
    assert_eq!(bodies, ["/a", "3", "/c"]);
}

#[tokio::test]
async fn a_client_that_has_ended_its_input_gets_its_answer() {
    let server = start().await;
    for (request, body) in [
        ("GET /a HTTP/1.1\r\nHost: d\r\n\r\n", "/a"),
        ("GET /slow HTTP/1.1\r\nHost: d\r\n\r\n", "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        ("POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello", "5"),
        ("POST /ignore HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello", "ignored"),
        ("POST /count HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "5"),
    ] {
        let answer = server.exchange(request, true).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{request:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_as_such() {
    let server = start().await;
    let answer = server.exchange("POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 9\r\n\r\nhello", true).await;
    assert!(!answer.ends_with("\r\n\r\n5") && !answer.ends_with("\r\n\r\n9"), "{answer:?}");
}

#[tokio::test]
async fn a_stream_begins_with_its_head_and_ends_with_its_client() {
    let mut server = start().await;
    let mut socket = server.connect().await;
    socket.write_all(b"GET /silence HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    assert!(server.dropped.try_recv().is_err());
    drop(socket);
    tokio::time::timeout(Duration::from_secs(30), server.dropped.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn heads_have_a_limit() {
    let server = start_with(Limits { header_bytes: 16 << 10, ..Limits::default() }).await;
    let request = format!("GET /a HTTP/1.1\r\nHost: d\r\nX: {}\r\n\r\n", "x".repeat(20 << 10));
    let answer = server.exchange(&request, false).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_head_must_come_in_time() {
    let server = start_with(Limits { head_timeout: Duration::from_millis(50), ..Limits::default() }).await;
    let mut socket = server.connect().await;
    socket.write_all(b"GET /a HT").await.unwrap();
    read_to_end(&mut socket).await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_has_no_more_time() {
    let server = start_with(Limits { head_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let mut socket = server.connect().await;
    socket.write_all(b"GET /a HTTP/1.1\r\nX: ").await.unwrap();
    let dripping = async {
        while socket.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await
        }
    };
    tokio::time::timeout(Duration::from_secs(60), dripping).await.unwrap();
}

#[tokio::test]
async fn a_body_may_take_long_and_not_be_silent() {
    let limits =
        Limits { head_timeout: Duration::from_millis(50), idle_timeout: Duration::from_secs(2), ..Limits::default() };
    let server = start_with(limits).await;
    let mut socket = server.connect().await;
    socket.write_all(b"POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 10\r\n\r\n").await.unwrap();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        socket.write_all(b"x").await.unwrap();
    }
    read_until(&mut socket, "\r\n\r\n10").await;
    socket.write_all(b"POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 10\r\n\r\nx").await.unwrap();
    assert!(!read_to_end(&mut socket).await.ends_with("\r\n\r\n1"));
}

#[tokio::test]
async fn a_connection_that_is_idle_has_another_time_than_a_head() {
    let server = start_with(Limits { head_timeout: Duration::from_millis(20), ..Limits::default() }).await;
    let mut socket = server.connect().await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        socket.write_all(b"GET /a HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
        read_until(&mut socket, "/a").await;
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = start().await;
    let answer = server.exchange("\x16\x03\x01 hello\r\n\r\n", false).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn further_connections_are_told_so_and_let_go() {
    let server = start_with(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /a HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
    read_until(&mut first, "/a").await;
    for _ in 0..3 {
        let mut second = server.connect().await;
        second.write_all(b"GET /b HTTP/1.1\r\nHost: d\r\n\r\n").await.unwrap();
        let answer = read_to_end(&mut second).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("--max-connections"), "{answer}");
    }
    let mut silent = server.connect().await;
    assert_eq!(read_to_end(&mut silent).await, "");
    drop(first);
    loop {
        let mut second = server.connect().await;
        second.write_all(b"GET /b HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").await.unwrap();
        if read_to_end(&mut second).await.ends_with("/b") {
            break;
        }
    }
}
