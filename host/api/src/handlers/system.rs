//! The daemon itself.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use sockerless_docker::{DiskUsage, Filters, VolumeUsage};
use sockerless_engine::{Error, EventOptions, ListOptions};

use crate::app::Context;
use crate::wire::{Answer, Reply, endless, full, json};

const BUILDER: HeaderName = HeaderName::from_static("builder-version");
const SWARM: HeaderName = HeaderName::from_static("swarm");

/// Tells clients that there is somebody, and what they may expect. There is no BuildKit: version 1 of the builder.
pub(crate) async fn ping(_: Context) -> Answer {
    let mut response = Response::new(full("OK"));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (PRAGMA, "no-cache"),
        (BUILDER, "1"),
        (SWARM, "inactive"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response.into())
}

/// The same without the body, whose length the Engine says to be 0.
pub(crate) async fn ping_head(context: Context) -> Answer {
    let answer = ping(context).await?;
    Ok(match answer {
        Reply::Response(response) => {
            let mut response = Response::from_parts(response.into_parts().0, full(""));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            response.into()
        }
        other => other,
    })
}

pub(crate) async fn info(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.info())
}

pub(crate) async fn version(context: Context) -> Answer {
    json(StatusCode::OK, &context.app.engine.version())
}

pub(crate) async fn events(context: Context) -> Answer {
    let query = &context.query;
    // Unlike with logs, 0 is a time.
    let time = |name: &str| match query.get(name) {
        Some("0") => Ok(Some(Timestamp::UNIX_EPOCH)),
        _ => query.time(name),
    };
    let options = EventOptions { since: time("since")?, until: time("until")?, filters: query.filters()? };
    let left = context.left()?;
    let lines = context.app.engine.events(options)?.map(|event| match serde_json::to_vec(&event) {
        Ok(mut line) => {
            line.push(b'\n');
            Ok(Bytes::from(line))
        }
        Err(error) => Err(Error::internal(error.to_string())),
    });
    Ok(endless("application/json", lines, left).into())
}

/// Nothing of a container, image or volume takes room on this machine: the sizes are 0, and the lists are true.
pub(crate) async fn disk_usage(context: Context) -> Answer {
    let wanted: Vec<&str> = context.query.all("type").collect();
    if let Some(unknown) =
        wanted.iter().find(|kind| !matches!(**kind, "container" | "image" | "volume" | "build-cache"))
    {
        return Err(Error::invalid(format!("unknown object type: {unknown}")));
    }
    let wants = |kind: &str| wanted.is_empty() || wanted.contains(&kind);
    let engine = &context.app.engine;
    let mut usage = DiskUsage::default();
    if wants("image") {
        let mut images = engine.images(&Filters::default())?;
        // What lies in a registry takes no room here.
        images.iter_mut().for_each(|image| image.size = 0);
        usage.images = Some(images);
    }
    if wants("container") {
        usage.containers = Some(engine.containers(&ListOptions { all: true, size: true, ..ListOptions::default() })?);
    }
    if wants("volume") {
        let dangling = |dangling: &str| {
            let mut filters = Filters::default();
            filters.insert("dangling", dangling);
            engine.volumes(&filters).map(|list| list.volumes)
        };
        let (unused, used) = (dangling("true")?, dangling("false")?);
        let counted = [(unused, 0), (used, 1)].into_iter().flat_map(|(volumes, ref_count)| {
            volumes.into_iter().map(move |mut volume| {
                volume.usage_data = Some(VolumeUsage { ref_count, size: 0 });
                volume
            })
        });
        usage.volumes = Some(counted.collect());
    }
    if wants("build-cache") {
        usage.build_cache = Some(Vec::new());
    }
    json(StatusCode::OK, &usage)
}
