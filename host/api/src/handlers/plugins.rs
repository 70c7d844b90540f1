//! Docker's plugins: the backends, those that are loaded and those that are kept and disabled.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderValue, Response, StatusCode};
use sockerless_docker::{
    ImageReference, Plugin, PluginConfig, PluginEnv, PluginPrivilege, PluginRootFs, PluginSettings,
};
use sockerless_engine::Error;
use sockerless_telemetry::Context as Work;

use super::backends::COMPONENT_LIMIT;
use super::plugin_archive;
use super::registry::registry_auth;
use crate::app::Context;
use crate::plugins::{PluginSummary, Progress, Remote};
use crate::wire::{Answer, Body, discard, empty, json, ok_empty, read_json, read_json_or_default, upload};

pub(crate) async fn list(context: Context) -> Answer {
    let filters = context.query.filters()?;
    filters.accept(&["capability", "enabled"])?;
    // None is a driver of Docker's.
    let capable = filters.contains("capability");
    let (enabled, disabled) = (filters.boolean("enabled", true)?, !filters.boolean("enabled", false)?);
    let plugins = if capable { Vec::new() } else { context.app.plugins.plugins() };
    let shown = plugins.iter().filter(|plugin| if plugin.enabled { enabled } else { disabled });
    json(StatusCode::OK, &shown.map(plugin).collect::<Vec<_>>())
}

pub(crate) async fn inspect(context: Context) -> Answer {
    json(StatusCode::OK, &plugin(&find(&context)?))
}

pub(crate) async fn create(context: Context) -> Answer {
    let name = plugin_name(context.query.get("name").unwrap_or_default());
    let limit = plugin_archive::archive_limit(COMPONENT_LIMIT);
    let archive = upload(&context.app.uploads, context.body, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
    let component = tokio::task::spawn_blocking(move || plugin_archive::component(&archive, COMPONENT_LIMIT)).await;
    let component = component.map_err(|error| Error::internal(format!("the archive was not read: {error}")))??;
    context.app.plugins.create(name?, component).await?;
    empty()
}

pub(crate) async fn enable(context: Context) -> Answer {
    let found = find(&context);
    discard(context.body).await;
    context.app.plugins.enable(&found?.backend).await?;
    ok_empty()
}

pub(crate) async fn disable(context: Context) -> Answer {
    let found = find(&context);
    discard(context.body).await;
    context.app.plugins.disable(&found?.backend, context.query.boolean("force")).await?;
    ok_empty()
}

pub(crate) async fn set(context: Context) -> Answer {
    let found = find(&context);
    let settings: Vec<String> = read_json(&context.headers, context.body).await?;
    context.app.plugins.set(&found?.backend, settings).await?;
    empty()
}

/// Answers what is gone, as the Engine does.
pub(crate) async fn remove(context: Context) -> Answer {
    let found = find(&context)?;
    context.app.plugins.remove(&found.backend, context.query.boolean("force")).await?;
    json(StatusCode::OK, &plugin(&found))
}

/// What a plugin wants. Ends with its client, as it changes nothing.
pub(crate) async fn privileges(context: Context) -> Answer {
    let remote = remote(&context, Vec::new());
    let gone = context.peer.gone();
    tokio::select! {
        wanted = context.app.plugins.privileges(&remote) => json(StatusCode::OK, &wanted?),
        () = gone.cancelled() => Err(Error::unavailable("the client has gone")),
    }
}

/// The header tells the client by which name to enable it.
pub(crate) async fn install(mut context: Context) -> Answer {
    let accepted = accepted(&mut context).await?;
    let remote = remote(&context, accepted);
    let name = plugin_name(context.query.get("name").unwrap_or_else(|| without_digest(&remote.reference)))?;
    let plugins = Arc::clone(&context.app.plugins);
    let named = HeaderValue::from_str(&name).map_err(|_| Error::invalid("invalid reference format"))?;
    let mut response =
        progressing(|progress| async move { plugins.install(name, remote, progress).await }.boxed()).await?;
    response.headers_mut().insert("docker-plugin-name", named);
    Ok(response.into())
}

pub(crate) async fn upgrade(mut context: Context) -> Answer {
    let found = find(&context);
    let accepted = accepted(&mut context).await?;
    let (backend, remote) = (found?.backend, remote(&context, accepted));
    let plugins = Arc::clone(&context.app.plugins);
    let work = |progress| async move { plugins.upgrade(&backend, remote, progress).await }.boxed();
    Ok(progressing(work).await?.into())
}

pub(crate) async fn push(context: Context) -> Answer {
    let found = find(&context);
    let auth = registry_auth(&context.headers);
    discard(context.body).await;
    let (plugins, backend) = (Arc::clone(&context.app.plugins), found?.backend);
    Ok(progressing(|progress| async move { plugins.push(&backend, auth, progress).await }.boxed()).await?.into())
}

/// What the user has accepted.
async fn accepted(context: &mut Context) -> Result<Vec<PluginPrivilege>, Error> {
    read_json_or_default(&context.headers, &mut context.body).await
}

fn remote(context: &Context, accepted: Vec<PluginPrivilege>) -> Remote {
    let reference = context.query.string("remote").unwrap_or_default();
    Remote { reference, auth: registry_auth(&context.headers), accepted }
}

/// Does something that tells of its progress. An error is a status as long as nothing was told.
async fn progressing(
    work: impl FnOnce(Progress) -> BoxFuture<'static, Result<(), Error>>,
) -> Result<Response<Body>, Error> {
    let (progress, mut lines) = Progress::new();
    let work = work(progress.clone());
    // Goes on when the client goes away.
    tokio::spawn(Work::current().run(async move {
        if let Err(error) = work.await {
            progress.fail(error).await;
        }
    }));
    let first = lines.recv().await.transpose()?;
    let rest = futures_util::stream::poll_fn(move |context| lines.poll_recv(context));
    let all = futures_util::stream::iter(first.map(Ok)).chain(rest);
    Ok(super::images::progress(all.map(|line| Ok(Bytes::from(format!("{}\r\n", line?)))).boxed()))
}

/// The name of a plugin: a reference with a tag.
fn plugin_name(text: &str) -> Result<String, Error> {
    let reference = ImageReference::parse(text)
        .map_err(|error| Error::invalid(format!("failed to parse reference {text}: {error}")))?;
    if reference.digest().is_some() {
        return Err(Error::invalid("canonical references are not permitted"));
    }
    Ok(reference.or_latest().familiar())
}

fn without_digest(reference: &str) -> &str {
    reference.split_once('@').map_or(reference, |(name, _)| name)
}

/// By the names that Docker knows: with and without its tag, and by the beginning of its id; and by the backend's own name.
fn find(context: &Context) -> Result<PluginSummary, Error> {
    let name = context.name.as_str();
    let tagged = ImageReference::parse(name).ok().map(|reference| reference.or_latest().familiar());
    let plugins = context.app.plugins.plugins();
    let by = |is: &dyn Fn(&PluginSummary) -> bool| plugins.iter().find(|plugin| is(plugin)).cloned();
    by(&|plugin| plugin.name == name || Some(&plugin.name) == tagged.as_ref())
        .or_else(|| by(&|plugin| plugin.backend == name))
        .or_else(|| by(&|plugin| name.len() >= 12 && plugin.id.starts_with(name)))
        .ok_or_else(|| Error::not_found(format!("plugin {name:?} not found")))
}

fn plugin(summary: &PluginSummary) -> Plugin {
    let mut description = summary.driver.clone();
    if let Some(note) = &summary.note {
        description = format!("{description} ({note})");
    }
    let variables = summary.config.iter().map(|key| PluginEnv {
        name: key.name.clone(),
        description: key.help.clone(),
        settable: vec!["value".to_owned()],
        value: key.default.clone().unwrap_or_default(),
    });
    Plugin {
        id: summary.id.clone(),
        name: summary.name.clone(),
        plugin_reference: summary.reference.clone(),
        enabled: summary.enabled,
        settings: PluginSettings { env: summary.settings.clone(), ..PluginSettings::default() },
        config: PluginConfig {
            description,
            env: variables.collect(),
            rootfs: Some(PluginRootFs { r#type: "layers".to_owned(), diff_ids: vec![summary.digest.clone()] }),
            ..PluginConfig::default()
        },
        privileges: summary.privileges.clone(),
        digest: summary.manifest.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_references_with_a_tag() {
        assert_eq!(plugin_name("memory").unwrap(), "memory:latest");
        assert_eq!(plugin_name("r.io:5000/team/memory:1").unwrap(), "r.io:5000/team/memory:1");
        assert!(plugin_name("Memory").is_err() && plugin_name("").is_err());
        let pinned = format!("memory:2@sha256:{}", "a".repeat(64));
        assert!(plugin_name(&pinned).is_err());
        assert_eq!(plugin_name(without_digest(&pinned)).unwrap(), "memory:2");
    }
}
