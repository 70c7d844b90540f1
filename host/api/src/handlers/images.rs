//! Images.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Response, StatusCode};
use serde_json::json;
use sockerless_engine::{ByteStream, Error, PullOptions};

use super::platform;
use super::registry::registry_auth;
use crate::app::Context;
use crate::wire::{Answer, Body, discard, json, no_body, stream};

pub(crate) async fn list(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.images(&context.query.filters()?)?)
}

pub(crate) async fn inspect(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.inspect_image(&context.name)?)
}

pub(crate) async fn history(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.image_history(&context.name)?)
}

/// A pull. Once its progress is under way, an error is a line of it.
pub(crate) async fn create(context: Context) -> Answer {
    let query = &context.query;
    let platform = platform(query)?;
    if query.get("fromSrc").is_some() {
        discard(context.body).await;
        return Err(Error::not_implemented(
            "importing images is not supported: push the image to a registry, and pull it from there",
        ));
    }
    let options = PullOptions {
        name: query.string("fromImage").unwrap_or_default(),
        tag: query.string("tag"),
        platform,
        auth: registry_auth(&context.headers),
        gone: context.peer.gone(),
    };
    Ok(progress(context.app.engine.pull_image(options).await?).into())
}

/// Lines of progress: an error is one of them.
pub(super) fn progress(lines: ByteStream) -> Response<Body> {
    let lines = lines.map(|line| {
        Ok(line.unwrap_or_else(|error| {
            let error = json!({ "errorDetail": { "message": error.message }, "error": error.message });
            Bytes::from(format!("{error}\r\n"))
        }))
    });
    stream("application/json", lines)
}

pub(crate) async fn tag(context: Context) -> Answer {
    let query = &context.query;
    let repository = query.get("repo").unwrap_or_default();
    context.app.engine.tag_image(&context.name, repository, query.get("tag")).await?;
    no_body(StatusCode::CREATED)
}

pub(crate) async fn remove(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.remove_image(&context.name, context.query.boolean("force")).await?)
}

pub(crate) async fn prune(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.prune_images(&context.query.filters()?).await?)
}
