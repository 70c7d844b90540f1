//! The backends of this daemon: beside Docker's API, below `/sockerless`.

use http::StatusCode;

use crate::app::Context;
use crate::wire::{Answer, collect, json};

/// As large as a component may be.
const COMPONENT_LIMIT: usize = 64 << 20;

pub(crate) async fn list(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.backends.list().await)
}

pub(crate) async fn load(context: Context) -> Answer {
    let component = collect(context.body, COMPONENT_LIMIT).await?;
    json(StatusCode::OK, &context.app.backends.load(context.query.string("name"), component).await?)
}
