//! Commands in running containers.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::StatusCode;
use serde_json::json;
use sockerless_docker::{ExecCreate, ExecStart};
use sockerless_engine::Error;

use super::session;
use crate::app::Context;
use crate::server::Hijack;
use crate::wire::{Answer, Reply, json, ok_empty, read_json, read_json_or_default};

pub(crate) async fn create(context: Context) -> Answer {
    let request: ExecCreate = read_json(&context.headers, context.body).await?;
    if request.cmd.as_ref().is_none_or(Vec::is_empty) {
        return Err(Error::invalid("No exec command specified"));
    }
    let id = context.app.engine.create_exec(&context.name, request)?;
    json(StatusCode::CREATED, &json!({ "Id": id }))
}

pub(crate) async fn start(context: Context) -> Answer {
    let engine = &context.app.engine;
    engine.inspect_exec(&context.name)?;
    let options: ExecStart = read_json_or_default(&context.headers, context.body).await?;
    let started = engine.start_exec(&context.name, &options).await;
    if options.detach {
        started?;
        return ok_empty();
    }
    let identity = context.app.identity();
    let head = |tty| session::head(&context.headers, tty, context.version, &identity);
    Ok(Reply::Hijack(match started {
        Ok(Some(session)) => session::hijack(head(session.tty), session),
        Ok(None) => Hijack::last_words(head(options.tty)),
        // The Engine has taken the connection over by now: its errors are output.
        Err(error) => {
            let mut answer = BytesMut::from(head(options.tty).as_bytes());
            answer.put(output(&error, options.tty));
            Hijack::last_words(answer)
        }
    }))
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
    json(StatusCode::OK, &context.app.engine.inspect_exec(&context.name)?)
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
