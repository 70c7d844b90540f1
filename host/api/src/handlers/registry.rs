//! What registries are asked for beside images; and images on their way to elsewhere.

use http::{HeaderMap, StatusCode};
use sockerless_docker::RegistryAuth;
use sockerless_engine::{ByteStream, Error, SearchOptions};

use super::images::progress;
use crate::app::Context;
use crate::wire::{Answer, json, read_json_or_default, stream};

/// Who asks the registry. As the Engine does, takes a malformed header for none.
pub(super) fn registry_auth(headers: &HeaderMap) -> Option<RegistryAuth> {
    let header = headers.get("x-registry-auth")?.to_str().ok()?;
    RegistryAuth::from_header(header).unwrap_or_else(|error| {
        tracing::debug!(%error, "credentials for a registry are passed over");
        None
    })
}

pub(crate) async fn login(context: Context) -> Answer {
    let auth: RegistryAuth = read_json_or_default(&context.headers, context.body).await?;
    json(StatusCode::OK, &context.app.engine.login(&auth, &context.peer.gone()).await?)
}

pub(crate) async fn distribution(context: Context) -> Answer {
    let auth = registry_auth(&context.headers);
    let found = context.app.engine.distribution(&context.name, auth.as_ref(), &context.peer.gone()).await?;
    json(StatusCode::OK, &found)
}

pub(crate) async fn search(context: Context) -> Answer {
    let query = &context.query;
    let limit = query.get("limit").map(|text| {
        let invalid = || format!("invalid limit specified: strconv.Atoi: parsing {text:?}: invalid syntax");
        text.parse().map_err(|_| Error::invalid(invalid()))
    });
    let options = SearchOptions {
        term: query.string("term").unwrap_or_default(),
        limit: limit.transpose()?,
        filters: query.filters()?,
        auth: registry_auth(&context.headers),
        gone: context.peer.gone(),
    };
    json(StatusCode::OK, &context.app.engine.search_images(options).await?)
}

pub(crate) async fn push(context: Context) -> Answer {
    Ok(progress(context.app.engine.push_image(&context.name, context.query.get("tag"))?).into())
}

pub(crate) async fn save(context: Context) -> Answer {
    archive(context.app.engine.save_images(std::iter::once(context.name.as_str()))?)
}

pub(crate) async fn save_several(context: Context) -> Answer {
    archive(context.app.engine.save_images(context.query.all("names"))?)
}

fn archive(bytes: ByteStream) -> Answer {
    Ok(stream("application/x-tar", bytes).into())
}
