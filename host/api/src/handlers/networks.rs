//! Networks.

use http::StatusCode;
use sockerless_docker::{NetworkConnect, NetworkCreate, NetworkDisconnect};

use crate::app::Context;
use crate::wire::{Answer, empty, json, ok_empty, read_json_or_default};

pub(crate) async fn list(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.networks(&context.query.filters()?)?)
}

pub(crate) async fn inspect(context: Context) -> Answer {
    context.query.strict_boolean("verbose")?;
    json(StatusCode::OK, &context.app.engine.inspect_network(&context.name, context.query.get("scope"))?)
}

pub(crate) async fn create(context: Context) -> Answer {
    let request: NetworkCreate = read_json_or_default(&context.headers, context.body).await?;
    json(StatusCode::CREATED, &context.app.engine.create_network(request).await?)
}

pub(crate) async fn connect(context: Context) -> Answer {
    let request: NetworkConnect = read_json_or_default(&context.headers, context.body).await?;
    context.app.engine.connect_network(&context.name, request).await?;
    ok_empty()
}

pub(crate) async fn disconnect(context: Context) -> Answer {
    let request: NetworkDisconnect = read_json_or_default(&context.headers, context.body).await?;
    context.app.engine.disconnect_network(&context.name, request).await?;
    ok_empty()
}

pub(crate) async fn remove(context: Context) -> Answer {
    context.app.engine.remove_network(&context.name).await?;
    empty()
}

pub(crate) async fn prune(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.prune_networks(&context.query.filters()?).await?)
}
