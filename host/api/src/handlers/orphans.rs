//! Containers in a backend's cloud that have no record here: beside Docker's API, below `/sockerless`.

use http::StatusCode;
use serde::Serialize;
use sockerless_engine::{Orphan, OrphanResult};

use crate::app::Context;
use crate::wire::{Answer, discard, json};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    id: String,
    name: String,
    image: String,
    /// What it is called in the cloud.
    place: String,
    /// The daemon that made it.
    owner: Option<String>,
    /// Whether that is this one.
    own: bool,
}

impl From<Orphan> for Found {
    fn from(Orphan { id, name, image, place, owner, own }: Orphan) -> Self {
        Self { id, name, image, place, owner, own }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Done {
    id: String,
    name: String,
    place: String,
    /// Why it was not done.
    error: Option<String>,
}

impl From<OrphanResult> for Done {
    fn from(OrphanResult { id, name, place, error }: OrphanResult) -> Self {
        Self { id, name, place, error }
    }
}

pub(crate) async fn list(context: Context) -> Answer {
    let orphans = context.app.engine.orphans(&context.name).await?;
    json(StatusCode::OK, &orphans.into_iter().map(Found::from).collect::<Vec<_>>())
}

pub(crate) async fn remove(context: Context) -> Answer {
    discard(context.body).await;
    let chosen: Vec<String> = context.query.all("id").map(str::to_owned).collect();
    let results = context.app.engine.remove_orphans(&context.name, &chosen).await?;
    json(StatusCode::OK, &results.into_iter().map(Done::from).collect::<Vec<_>>())
}

pub(crate) async fn rebuild(context: Context) -> Answer {
    discard(context.body).await;
    let owner = context.query.string("owner");
    let results = context.app.engine.rebuild(&context.name, owner.as_deref()).await?;
    json(StatusCode::OK, &results.into_iter().map(Done::from).collect::<Vec<_>>())
}
