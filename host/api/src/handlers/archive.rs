//! Files in and out of containers.

use http::{HeaderValue, Response};
use sockerless_docker::PathStat;
use sockerless_engine::{Error, Extraction};

use crate::app::Context;
use crate::wire::{Answer, Body, Query, byte_stream, discard, full, ok_empty, stream};

fn path(query: &Query) -> Result<&str, Error> {
    // The missing space is the Engine's.
    query.get("path").ok_or_else(|| Error::invalid("bad parameter: pathcannot be empty"))
}

fn with_stat(mut response: Response<Body>, stat: &PathStat) -> Answer {
    let value = HeaderValue::from_str(&stat.to_header())
        .map_err(|error| Error::internal(format!("what is known of the path does not fit a header: {error}")))?;
    response.headers_mut().insert(PathStat::HEADER, value);
    Ok(response.into())
}

pub(crate) async fn stat(context: Context) -> Answer {
    let stat = context.app.engine.archive_stat(&context.name, path(&context.query)?).await?;
    with_stat(Response::new(full("")), &stat)
}

pub(crate) async fn get(context: Context) -> Answer {
    let (stat, tar) = context.app.engine.archive_get(&context.name, path(&context.query)?).await?;
    with_stat(stream("application/x-tar", tar), &stat)
}

pub(crate) async fn put(context: Context) -> Answer {
    let query = &context.query;
    let extraction = Extraction {
        no_overwrite_dir_non_dir: query.boolean("noOverwriteDirNonDir"),
        copy_uid_gid: query.boolean("copyUIDGID"),
    };
    // A client that is refused in the middle of sending reports the broken connection, and not why.
    if let Err(error) = context.app.engine.container_exists(&context.name) {
        discard(context.body).await;
        return Err(error);
    }
    context.app.engine.archive_put(&context.name, path(query)?, extraction, byte_stream(context.body)).await?;
    ok_empty()
}

pub(crate) async fn export(context: Context) -> Answer {
    let tar = context.app.engine.export(&context.name).await?;
    Ok(stream("application/octet-stream", tar).into())
}
