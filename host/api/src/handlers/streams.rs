//! What a container writes, and how it ends.

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::once;
use http::StatusCode;
use sockerless_docker::{WaitError, WaitResponse};
use sockerless_engine::{AttachOptions, Error, LogOptions, StatsOptions, WaitCondition, WaitResult};

use super::{session, websocket};
use crate::app::Context;
use crate::wire::{Answer, Reply, Version, collect, endless, json, raw_error, stream};

/// As large as the body of a request to attach may be, which nobody reads.
const OPTIONS_LIMIT: usize = 64 << 10;

pub(crate) async fn attach(context: Context) -> Answer {
    let options = attach_options(&context, false);
    // Some clients send their options a second time as a body, which is not for the process.
    let (place, stopping) = (context.stream()?, context.peer.stopping());
    collect(context.body, OPTIONS_LIMIT).await?;
    Ok(Reply::Hijack(match context.app.engine.attach(&context.name, options).await {
        Ok(session) => {
            let head = session::head(&context.headers, session.tty, context.version, "");
            session::hijack(head, session, place, stopping)
        }
        Err(error) => raw_error(&error),
    }))
}

/// The same over a WebSocket, whose messages take the place of frames.
pub(crate) async fn attach_websocket(context: Context) -> Answer {
    context.app.engine.container_exists(&context.name)?;
    let accept = websocket::accept(&context.headers)?;
    let place = context.stream()?;
    let session = context.app.engine.attach(&context.name, attach_options(&context, true)).await?;
    Ok(Reply::Hijack(websocket::hijack(&accept, session.output, session.stdin, place, context.peer.stopping())))
}

fn attach_options(context: &Context, bare: bool) -> AttachOptions {
    let query = &context.query;
    AttachOptions {
        stream: query.boolean("stream"),
        logs: query.boolean("logs"),
        stdin: query.boolean("stdin"),
        stdout: query.boolean("stdout"),
        stderr: query.boolean("stderr"),
        detach_keys: query.string("detachKeys"),
        bare,
    }
}

pub(crate) async fn logs(context: Context) -> Answer {
    let query = &context.query;
    let options = LogOptions {
        follow: query.boolean("follow"),
        stdout: query.boolean("stdout"),
        stderr: query.boolean("stderr"),
        timestamps: query.boolean("timestamps"),
        since: query.time("since")?,
        until: query.time("until")?,
        // Whatever is not a number means all, as with the Engine.
        tail: query.get("tail").and_then(|tail| tail.parse().ok()),
    };
    if !options.stdout && !options.stderr {
        return Err(Error::invalid("Bad parameters: you must choose at least one stream"));
    }
    let left = options.follow.then(|| context.left()).transpose()?;
    let output = context.app.engine.container_logs(&context.name, options).await?;
    let content_type = session::content_type(output.tty, context.version);
    Ok(match left {
        Some(left) => endless(content_type, output.stream, left).into(),
        None => stream(content_type, output.stream).into(),
    })
}

pub(crate) async fn stats(context: Context) -> Answer {
    let query = &context.query;
    let options = StatsOptions {
        stream: query.get("stream").is_none() || query.boolean("stream"),
        one_shot: query.boolean("one-shot"),
    };
    // No such container comes first.
    context.app.engine.container_exists(&context.name)?;
    if options.stream && options.one_shot {
        return Err(Error::invalid("cannot have stream=true and one-shot=true"));
    }
    let left = options.stream.then(|| context.left()).transpose()?;
    let lines = context.app.engine.stats(&context.name, options).await?;
    Ok(match left {
        Some(left) => endless("application/json", lines, left).into(),
        None => stream("application/json", lines).into(),
    })
}

pub(crate) async fn wait(context: Context) -> Answer {
    let condition = match context.query.get("condition") {
        None | Some("not-running") => WaitCondition::NotRunning,
        Some("next-exit") => WaitCondition::NextExit,
        Some("removed") => WaitCondition::Removed,
        Some(other) => return Err(Error::invalid(format!("invalid condition: {other:?}"))),
    };
    let wait = context.app.engine.wait_container(&context.name, condition)?;
    let (place, stopping) = (context.stream()?, context.peer.stopping());
    let exited = async move {
        let _place = place;
        tokio::select! {
            result = wait.exited() => result,
            // The container goes on: its end is the next daemon's to tell.
            () = stopping.cancelled() => WaitResult::stopping(),
        }
    };
    if context.version < Version::new(1, 30) {
        // These clients take a status for the end of the wait.
        let response = tokio::select! {
            result = exited => response(result),
            () = context.peer.gone().cancelled_owned() => return Err(Error::unavailable("the client is gone")),
        };
        return json(StatusCode::OK, &response);
    }
    let line = async move {
        serde_json::to_vec(&response(exited.await))
            .map(|mut line| {
                line.push(b'\n');
                Bytes::from(line)
            })
            .map_err(|error| Error::internal(error.to_string()))
    };
    // The head goes out now: the client starts the container when it has it.
    Ok(endless("application/json", once(line.boxed()), context.peer.gone().cancelled_owned()).into())
}

fn response(result: WaitResult) -> WaitResponse {
    WaitResponse { status_code: result.status_code, error: result.error.map(|message| WaitError { message }) }
}
