//! Commands in running containers.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::future::ready;
use futures_util::stream::once;
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use sockerless_docker::{ExecCreate, ExecStart};
use sockerless_engine::{Error, Session};

use super::session;
use crate::app::Context;
use crate::server::{Hijack, pump};
use crate::wire::{Answer, Reply, json, ok_empty, read_json_or_default};

pub(crate) async fn create(context: Context) -> Answer {
    let request: ExecCreate = read_json_or_default(&context.headers, context.body).await?;
    if request.cmd.as_ref().is_none_or(Vec::is_empty) {
        return Err(Error::invalid("No exec command specified"));
    }
    let id = context.app.engine.create_exec(&context.name, request)?;
    json(StatusCode::CREATED, &json!({ "Id": id }))
}

pub(crate) async fn start(context: Context) -> Answer {
    let engine = context.app.engine.clone();
    let tty = engine.inspect_exec(&context.name)?.process_config.tty;
    let options: ExecStart = read_json_or_default(&context.headers, context.body).await?;
    if options.detach {
        engine.start_exec(&context.name, &options).await?;
        return ok_empty();
    }
    let head = session::head(&context.headers, tty, context.version, &context.app.identity());
    let (place, stopping) = (context.app.streams.take()?, context.peer.stopping());
    let id = context.name;
    let pause = if loses_early_output(&context.headers) { HEAD_START } else { Duration::ZERO };
    // The head goes out before the command is started, as with the Engine: some clients lose output that comes together with
    // it. From here on errors are output.
    Ok(Reply::Hijack(Hijack::new(head, move |socket, early| async move {
        let _place = place;
        tokio::time::sleep(pause).await;
        let session = match engine.start_exec(&id, &options).await {
            Ok(session) => session.unwrap_or(Session { tty, output: None, stdin: None }),
            Err(error) => Session { tty, output: Some(once(ready(Ok(output(&error, tty)))).boxed()), stdin: None },
        };
        pump(socket, early, session.output, session.stdin, stopping).await;
    })))
}

/// How long a client that needs it has for reading the head before output follows. The Engine takes longer for any command.
const HEAD_START: Duration = Duration::from_millis(30);

/// The Docker SDK for Python reads the head through a buffer and then from the socket below it: what has come together with
/// the head it never sees.
fn loses_early_output(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.contains("docker-sdk-python") || agent.starts_with("tc-python")
}

/// An error as a line of standard output, framed unless the client expects a terminal.
fn output(error: &Error, tty: bool) -> Bytes {
    let line = format!("{}\r\n", error.message);
    let mut output = BytesMut::with_capacity(line.len() + 8);
    if !tty {
        output.put_slice(&[1, 0, 0, 0]);
        output.put_u32(u32::try_from(line.len()).unwrap_or(u32::MAX));
    }
    output.put_slice(line.as_bytes());
    output.freeze()
}

pub(crate) async fn inspect(context: Context) -> Answer {
    let found = context.app.engine.inspect_exec(&context.name)?;
    // A client whose session the shutdown has ended asks how its command ended, and takes no answer for success.
    if found.running && context.peer.stopping().is_cancelled() {
        return Err(Error::unavailable("the daemon is stopping, and the command goes on"));
    }
    json(StatusCode::OK, &found)
}

pub(crate) async fn resize(context: Context) -> Answer {
    let (height, width) = (context.query.side("h", "height")?, context.query.side("w", "width")?);
    context.app.engine.resize_exec(&context.name, height, width).await?;
    ok_empty()
}

#[cfg(test)]
mod tests {
    use super::output;
    use sockerless_engine::Error;

    #[test]
    fn errors_are_framed_for_those_who_read_frames() {
        let error = Error::conflict("no");
        assert_eq!(&output(&error, true)[..], b"no\r\n");
        assert_eq!(&output(&error, false)[..], b"\x01\0\0\0\0\0\0\x04no\r\n");
    }
}
