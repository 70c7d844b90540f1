//! Containers, but for their streams and files.

use http::StatusCode;
use sockerless_docker::{Config, ContainerUpdate, ContainerUpdated, CreateRequest, Created};
use sockerless_engine::{Error, ListOptions, RemoveOptions};

use super::platform;
use crate::app::Context;
use crate::wire::{Answer, empty, json, ok_empty, read_json, read_json_or_default};

pub(crate) async fn list(context: Context) -> Answer {
    let query = &context.query;
    let options = ListOptions {
        all: query.boolean("all"),
        limit: query.integer("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0),
        size: query.boolean("size"),
        filters: query.filters()?,
    };
    json(StatusCode::OK, &context.app.engine.containers(&options)?)
}

pub(crate) async fn create(context: Context) -> Answer {
    let platform = platform(&context.query)?;
    let name = context.query.string("name");
    let request: Option<CreateRequest> = read_json(&context.headers, context.body).await?;
    let request = request.filter(|request| request.config != Config::default());
    let request = request.ok_or_else(|| Error::invalid("config cannot be empty in order to create a container"))?;
    let created = context.app.engine.create_container(name, platform, request).await?;
    json(StatusCode::CREATED, &Created { id: created.id, warnings: created.warnings })
}

pub(crate) async fn inspect(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.inspect_container(&context.name, context.query.boolean("size"))?)
}

pub(crate) async fn top(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.top(&context.name, context.query.get("ps_args")).await?)
}

pub(crate) async fn changes(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.changes(&context.name).await?)
}

pub(crate) async fn resize(context: Context) -> Answer {
    let (height, width) = (context.query.side("h", "height")?, context.query.side("w", "width")?);
    context.app.engine.resize_container(&context.name, height, width).await?;
    ok_empty()
}

pub(crate) async fn start(context: Context) -> Answer {
    if context.query.get("checkpoint").is_some() {
        return Err(Error::not_implemented("checkpoints are not supported: start the container without one"));
    }
    context.app.engine.start_container(&context.name).await?;
    empty()
}

pub(crate) async fn stop(context: Context) -> Answer {
    let timeout = context.query.seconds("t")?;
    context.app.engine.stop_container(&context.name, context.query.string("signal"), timeout).await?;
    empty()
}

pub(crate) async fn restart(context: Context) -> Answer {
    let timeout = context.query.seconds("t")?;
    context.app.engine.restart_container(&context.name, timeout).await?;
    empty()
}

pub(crate) async fn kill(context: Context) -> Answer {
    context.app.engine.kill_container(&context.name, context.query.get("signal")).await?;
    empty()
}

pub(crate) async fn pause(context: Context) -> Answer {
    context.app.engine.pause_container(&context.name).await?;
    empty()
}

pub(crate) async fn unpause(context: Context) -> Answer {
    context.app.engine.unpause_container(&context.name).await?;
    empty()
}

pub(crate) async fn rename(context: Context) -> Answer {
    context.app.engine.rename_container(&context.name, context.query.get("name").unwrap_or_default()).await?;
    empty()
}

pub(crate) async fn update(context: Context) -> Answer {
    let update: ContainerUpdate = read_json_or_default(&context.headers, context.body).await?;
    let warnings = context.app.engine.update_container(&context.name, update).await?;
    json(StatusCode::OK, &ContainerUpdated { warnings: Some(warnings).filter(|warnings| !warnings.is_empty()) })
}

pub(crate) async fn remove(context: Context) -> Answer {
    let query = &context.query;
    let options =
        RemoveOptions { force: query.boolean("force"), volumes: query.boolean("v"), link: query.boolean("link") };
    context.app.engine.remove_container(&context.name, options).await?;
    empty()
}

pub(crate) async fn prune(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.prune_containers(&context.query.filters()?).await?)
}
