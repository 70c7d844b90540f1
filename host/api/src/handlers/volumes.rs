//! Volumes.

use http::StatusCode;
use sockerless_docker::VolumeCreate;
use sockerless_engine::Error;

use crate::app::Context;
use crate::wire::{Answer, empty, json, read_json_or_default};

pub(crate) async fn list(context: Context) -> Answer {
    let filters = context
        .query
        .filters()
        .map_err(|error| Error { message: format!("error reading volume filters: {}", error.message), ..error })?;
    json(StatusCode::OK, &context.app.engine.volumes(&filters)?)
}

pub(crate) async fn inspect(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.inspect_volume(&context.name)?)
}

pub(crate) async fn create(context: Context) -> Answer {
    let request: VolumeCreate = read_json_or_default(&context.headers, context.body).await?;
    json(StatusCode::CREATED, &context.app.engine.create_volume(request).await?)
}

pub(crate) async fn remove(context: Context) -> Answer {
    context.app.engine.remove_volume(&context.name, context.query.boolean("force")).await?;
    empty()
}

pub(crate) async fn prune(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.prune_volumes(&context.query.filters()?).await?)
}
