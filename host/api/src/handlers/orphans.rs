//! Containers in a backend's cloud that have no record here: beside Docker's API, below `/sockerless`.

use http::StatusCode;

use crate::app::Context;
use crate::wire::{Answer, Query, discard, json};

/// Which of them are meant: each `id` of the query.
fn chosen(query: &Query) -> Vec<String> {
    query.all("id").map(str::to_owned).collect()
}

pub(crate) async fn list(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.orphans(&context.name, &chosen(&context.query)).await?)
}

pub(crate) async fn remove(context: Context) -> Answer {
    discard(context.body).await;
    json(StatusCode::OK, &context.app.engine.remove_orphans(&context.name, &chosen(&context.query)).await?)
}

pub(crate) async fn rebuild(context: Context) -> Answer {
    discard(context.body).await;
    let owner = context.query.string("owner");
    json(StatusCode::OK, &context.app.engine.rebuild(&context.name, owner.as_deref()).await?)
}
