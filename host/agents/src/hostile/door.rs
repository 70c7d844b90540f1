//! Dialling in as somebody else.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{daemon, reply};

#[tokio::test]
async fn the_token_of_one_container_is_not_that_of_another() {
    let daemon = daemon().await;
    let honest = daemon.agent("b", &daemon.b, |_| reply(204, "")).await;
    // Nor is what the daemon keeps of a token, or a container that is not here. All at once, since they wait.
    let kept = daemon.a.callback_hash();
    let (other, kept, unknown) =
        tokio::join!(daemon.dial("b", daemon.a.expose()), daemon.dial("a", &kept), daemon.dial("c", daemon.a.expose()));
    for refused in [other, kept, unknown] {
        assert_eq!(refused.err(), Some(401));
    }
    assert_eq!(daemon.registry.refused(), 3);
    assert!(!daemon.registry.connected("a"));
    // The agent that was there is still the one that is asked.
    daemon.client.forget("b", "x").await.unwrap();
    assert_eq!(*honest.lock().unwrap(), ["DELETE /v1/processes/x"]);
}

#[tokio::test]
async fn a_wrong_token_waits_and_a_right_one_does_not() {
    let daemon = daemon().await;
    let begun = std::time::Instant::now();
    assert_eq!(daemon.dial("a", "wrong").await.err(), Some(401));
    let first = begun.elapsed();
    assert!(first.as_secs() >= 1, "{first:?}");
    // As long as an address that goes on so is kept waiting: by then who has the right token is in, however slow the machine is.
    for _ in 0..4 {
        drop(daemon.registry.refusals().penance(daemon.address.ip()));
    }
    let mut waiting = Box::pin(daemon.dial("a", "wrong"));
    tokio::select! {
        biased;
        refused = &mut waiting => panic!("{refused:?}"),
        admitted = daemon.dial("a", daemon.a.expose()) => assert!(admitted.is_ok()),
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let daemon = daemon().await;
    let mut socket = TcpStream::connect(daemon.address).await.unwrap();
    socket.write_all(b"GET /v1/agents/connect HTTP/1.1\r\n").await.unwrap();
    let line = format!("X-{}: y\r\n", "x".repeat(1000));
    let mut sent = 0;
    // The daemon hangs up, or has answered and reads no more.
    while sent < 1 << 20 && socket.write_all(line.as_bytes()).await.is_ok() {
        sent += line.len();
    }
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    assert!(daemon.dial("a", daemon.a.expose()).await.is_ok());
}
