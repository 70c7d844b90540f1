//! Attach over a WebSocket: what is typed and what is printed, in messages.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use futures_util::{SinkExt, StreamExt};
use sockerless_tests::World;
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

async fn attach(world: &World) -> WebSocketStream<UnixStream> {
    let stream = UnixStream::connect(world.daemon.socket()).await.unwrap();
    let url = "ws://docker/v1.51/containers/w/attach/ws?stream=1&stdin=1&stdout=1";
    client_async(url, stream).await.unwrap().0
}

/// Types a line, and reads it back from `cat`.
async fn echo(socket: &mut WebSocketStream<UnixStream>, line: &str) {
    socket.send(Message::text(line)).await.unwrap();
    let mut back = Vec::new();
    while back.len() < line.len() {
        back.extend_from_slice(&socket.next().await.unwrap().unwrap().into_data());
    }
    assert_eq!(back, line.as_bytes());
}

#[test]
fn a_client_comes_and_goes_and_is_told_of_the_end() {
    let world = World::start();
    world.docker.ok(&["run", "--detach", "--interactive", "--name", "w", "alpine", "cat"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut first = attach(&world).await;
        echo(&mut first, "one\n").await;
        first.close(None).await.unwrap();
        while first.next().await.is_some_and(|message| message.is_ok()) {}
    });
    // Whoever hangs up ends nothing.
    assert_eq!(world.docker.inspect("w")["State"]["Status"], "running");
    let mut second = runtime.block_on(attach(&world));
    runtime.block_on(echo(&mut second, "two\n"));
    world.docker.ok(&["kill", "w"]);
    runtime.block_on(async {
        while let Some(Ok(message)) = second.next().await {
            assert!(message.is_close(), "{message:?}");
        }
    });
}
