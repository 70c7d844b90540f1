//! What this daemon does not do: never in silence, and where Docker has words for it, in Docker's.

use http::StatusCode;
use serde_json::json;
use sockerless_engine::Error;

use crate::app::Context;
use crate::wire::{Answer, discard, json, ok_empty};

macro_rules! refusals {
    ($($name:ident $kind:ident $text:literal;)*) => {
        $(pub(crate) async fn $name(context: Context) -> Answer {
            discard(context.body).await;
            Err(Error::$kind($text))
        })*
    };
}

refusals! {
    load not_implemented
        "loading images is not supported: the cloud pulls them from a registry; push the image to one, and name it there";
    build not_implemented
        "building images is not supported: build with another builder (docker buildx create), and push to a registry";
    buildkit not_implemented
        "there is no BuildKit here: build with another builder (docker buildx create), and push to a registry";
    swarm_init not_implemented
        "this daemon cannot be part of a swarm: it has no cluster of machines";
    swarm_leave unavailable
        "This node is not part of a swarm";
    no_cluster_volumes unavailable
        "volume update only valid for cluster volumes, but swarm is unavailable";
    no_swarm unavailable
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.";
}

pub(crate) async fn checkpoints(context: Context) -> Answer {
    discard(context.body).await;
    context.app.engine.container_exists(&context.name)?;
    Err(Error::not_implemented("checkpoints are not supported: containers are not on this machine"))
}

pub(crate) async fn commit(context: Context) -> Answer {
    discard(context.body).await;
    context.app.engine.container_exists(context.query.get("container").unwrap_or_default())?;
    Err(Error::not_implemented(
        "committing a container to an image is not supported: build the image elsewhere, and push it to a registry",
    ))
}

/// There never is a build cache, so there is nothing to prune, which `docker system prune` asks for.
pub(crate) async fn build_prune(context: Context) -> Answer {
    const FILTERS: [&str; 10] =
        ["description", "id", "inuse", "parent", "private", "shared", "type", "unused-for", "until", "label"];
    let filters = context.query.filters()?;
    filters.accept(&FILTERS).map_err(|error| Error::invalid(format!("failed to prune build cache: {error}")))?;
    json(StatusCode::OK, &json!({ "CachesDeleted": null, "SpaceReclaimed": 0 }))
}

/// No build is under way that could be cancelled.
pub(crate) async fn build_cancel(context: Context) -> Answer {
    match context.query.get("id") {
        Some(_) => ok_empty(),
        None => Err(Error::invalid("build ID not provided")),
    }
}
