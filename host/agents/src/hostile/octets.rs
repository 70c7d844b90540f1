//! Bytes that are no link: messages, frames and headers without measure, and answers to what nobody has asked.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{Daemon, daemon, reply};
use crate::{AgentFailure, Wait};

const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// SETTINGS with nothing in it, as a server of HTTP/2 begins.
fn beginning() -> Vec<u8> {
    frame(4, 0, 0, &[])
}

/// Sends these bytes on a link of container `a`, over which one request is under way. They must end the link, and that request, and
/// nothing of container `b`.
async fn ends_its_own_link(what: &str, parts: impl IntoIterator<Item = Vec<u8>>) {
    let daemon = daemon().await;
    daemon.agent("b", &daemon.b, |_| reply(204, "")).await;
    let mut socket = daemon.dial("a", daemon.a.expose()).await.unwrap();
    socket.send(Message::binary(beginning())).await.unwrap();
    let link = daemon.registry.link("a", 0).await.unwrap();
    let client = daemon.client.clone();
    let asking = tokio::spawn(async move { client.state("a", "x", Wait::No).await });
    until_asked(&mut socket).await;
    for part in parts {
        // The daemon has hung up: so it should.
        if send(&mut socket, part).await.is_err() {
            break;
        }
    }
    tokio::time::timeout(std::time::Duration::from_secs(60), link.closed.cancelled())
        .await
        .unwrap_or_else(|_| panic!("the link outlives {what}"));
    // It would go on over the next link.
    daemon.registry.forget("a");
    assert!(matches!(asking.await.unwrap(), Err(AgentFailure::NotConnected(_))), "{what}");
    other_is_well(&daemon).await;
}

/// Reads until there is a request: HEADERS, behind what a client of HTTP/2 begins with.
async fn until_asked(socket: &mut WebSocketStream<TcpStream>) {
    const PREFACE: usize = 24;
    let (mut bytes, mut next) = (Vec::new(), PREFACE);
    loop {
        while let Some([a, b, c, kind]) = bytes.get(next..next + 4) {
            if *kind == HEADERS {
                return;
            }
            next += 9 + usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap();
        }
        bytes.extend_from_slice(&socket.next().await.unwrap().unwrap().into_data());
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, part: Vec<u8>) -> Result<(), ()> {
    for piece in part.chunks(64 << 10) {
        socket.send(Message::binary(piece.to_vec())).await.map_err(drop)?;
    }
    Ok(())
}

async fn other_is_well(daemon: &Daemon) {
    assert!(daemon.registry.connected("b"));
    daemon.client.forget("b", "x").await.unwrap();
}

#[tokio::test]
async fn headers_without_end() {
    // A field that is literal, not indexed: its name and value are as long as they say.
    let mut field = vec![0, 1, b'x', 0x7f, 0x81, 0x7e];
    field.extend(vec![b'y'; 16_256]);
    let first = frame(HEADERS, 0, 1, &field[..1000]);
    let further = (0..10_000).map(move |_| frame(CONTINUATION, 0, 1, &field[..16_000]));
    ends_its_own_link("headers without end", std::iter::once(first).chain(further)).await;
}

#[tokio::test]
async fn a_frame_that_is_too_long() {
    ends_its_own_link("a frame of 16 MiB", [frame(0, 0, 1, &vec![0; (1 << 24) - 1])]).await;
}

#[tokio::test]
async fn answers_to_what_nobody_has_asked() {
    // `:status: 200` by its index.
    ends_its_own_link("an answer to no request", [frame(HEADERS, END_HEADERS, 77, &[0x88])]).await;
    ends_its_own_link("a request of the agent's", [frame(HEADERS, END_HEADERS, 2, &[0x82])]).await;
    let promise = [&2_u32.to_be_bytes()[..], &[0x82]].concat();
    ends_its_own_link("a promise", [frame(PUSH_PROMISE, END_HEADERS, 1, &promise)]).await;
}

#[tokio::test]
async fn a_message_that_is_too_long() {
    let daemon = daemon().await;
    daemon.agent("b", &daemon.b, |_| reply(204, "")).await;
    let mut socket = daemon.dial("a", daemon.a.expose()).await.unwrap();
    socket.send(Message::binary(beginning())).await.unwrap();
    let link = daemon.registry.link("a", 0).await.unwrap();
    let _ = socket.send(Message::binary(vec![0; 1 << 20])).await;
    tokio::time::timeout(std::time::Duration::from_secs(60), link.closed.cancelled()).await.expect("the link goes on");
    other_is_well(&daemon).await;
}

#[tokio::test]
async fn text_is_no_link() {
    let daemon = daemon().await;
    let mut socket = daemon.dial("a", daemon.a.expose()).await.unwrap();
    socket.send(Message::binary(beginning())).await.unwrap();
    let link = daemon.registry.link("a", 0).await.unwrap();
    socket.send(Message::text("{}")).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(60), link.closed.cancelled()).await.expect("the link goes on");
}
