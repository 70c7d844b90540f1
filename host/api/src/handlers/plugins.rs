//! Docker's plugins: the backends, those that are loaded and those that are kept and disabled.

use http::StatusCode;
use sockerless_docker::{ImageReference, Plugin, PluginConfig, PluginEnv, PluginRootFs, PluginSettings};
use sockerless_engine::Error;

use super::backends::COMPONENT_LIMIT;
use super::plugin_archive;
use crate::app::Context;
use crate::plugins::PluginSummary;
use crate::wire::{Answer, collect, discard, empty, json, ok_empty, read_json};

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
    let name = context.query.string("name").unwrap_or_default();
    let limit = plugin_archive::archive_limit(COMPONENT_LIMIT);
    let archive = collect(context.body, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
    let component = tokio::task::spawn_blocking(move || plugin_archive::component(&archive, COMPONENT_LIMIT)).await;
    let component = component.map_err(|error| Error::internal(format!("the archive was not read: {error}")))??;
    context.app.plugins.create(&name, component).await?;
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

/// Asks for nothing: what a backend is granted is the operator's policy.
pub(crate) async fn privileges(_: Context) -> Answer {
    json(StatusCode::OK, &[(); 0])
}

pub(crate) async fn change(mut context: Context) -> Answer {
    let name = context.name.rsplit_once('/').map(|(name, _)| name.to_owned()).unwrap_or_default();
    let known = if name.is_empty() {
        Ok(())
    } else {
        context.name = name;
        find(&context).map(drop)
    };
    discard(context.body).await;
    known?;
    Err(Error::not_implemented(
        "plugins do not come from registries: `docker plugin create` and `sockerless plugin load` take files",
    ))
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
