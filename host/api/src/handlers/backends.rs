//! The backends of this daemon: beside Docker's API, below `/sockerless`.

use http::StatusCode;
use serde_json::json;

use crate::app::Context;
use crate::wire::{Answer, discard, json, upload};

/// As large as a component may be.
pub(super) const COMPONENT_LIMIT: usize = 64 << 20;

pub(crate) async fn list(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.backends.list())
}

pub(crate) async fn load(context: Context) -> Answer {
    let component = upload(&context.app.uploads, context.body, COMPONENT_LIMIT).await?;
    json(StatusCode::OK, &context.app.backends.load(context.query.string("name"), component).await?)
}

pub(crate) async fn rollback(context: Context) -> Answer {
    discard(context.body).await;
    json(StatusCode::OK, &context.app.backends.rollback(&context.name).await?)
}

pub(crate) async fn unload(context: Context) -> Answer {
    let left = context.app.backends.unload(&context.name, context.query.boolean("force")).await?;
    json(StatusCode::OK, &json!({ "Containers": left }))
}
