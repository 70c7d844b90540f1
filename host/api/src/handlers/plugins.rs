//! Docker's plugins: the backends, as far as Docker's commands can show and remove them.

use http::StatusCode;
use sockerless_docker::{Plugin, PluginConfig, PluginEnv, PluginRootFs};
use sockerless_engine::Error;

use crate::app::Context;
use crate::backends::BackendSummary;
use crate::wire::{Answer, discard, json, ok_empty};

pub(crate) async fn list(context: Context) -> Answer {
    let filters = context.query.filters()?;
    filters.accept(&["capability", "enabled"])?;
    // What is not enabled is not loaded, and none is a driver of Docker's.
    let shown = filters.boolean("enabled", true)? && !filters.contains("capability");
    let backends = if shown { context.app.backends.list() } else { Vec::new() };
    json(StatusCode::OK, &backends.iter().map(plugin).collect::<Vec<_>>())
}

pub(crate) async fn inspect(context: Context) -> Answer {
    json(StatusCode::OK, &plugin(&find(&context, &context.name)?))
}

pub(crate) async fn remove(context: Context) -> Answer {
    let backend = find(&context, &context.name)?;
    context.app.backends.unload(&backend.name, context.query.boolean("force")).await?;
    ok_empty()
}

/// Asks for nothing: what a backend is granted is the operator's policy.
pub(crate) async fn privileges(_: Context) -> Answer {
    json(StatusCode::OK, &[(); 0])
}

pub(crate) async fn change(mut context: Context) -> Answer {
    let name = std::mem::take(&mut context.name);
    let (name, action) = name.rsplit_once('/').unwrap_or(("", &name));
    let known = if name.is_empty() { Ok(()) } else { find(&context, name).map(drop) };
    discard(context.body).await;
    known?;
    if action == "enable" {
        return Err(Error::conflict(format!("plugin {name:?} is enabled")));
    }
    Err(Error::not_implemented(
        "backends are changed by `sockerless plugin load`, `rollback` and `rm`: docker plugin can list, inspect and remove them",
    ))
}

/// By the names that Docker knows: with and without its tag, and by the beginning of its id.
fn find(context: &Context, name: &str) -> Result<BackendSummary, Error> {
    let found = context.app.backends.list().into_iter().find(|backend| {
        let id = backend.digest.trim_start_matches("sha256:");
        backend.name == name || tagged(backend) == name || (name.len() >= 12 && id.starts_with(name))
    });
    found.ok_or_else(|| Error::not_found(format!("plugin {name:?} not found")))
}

fn tagged(backend: &BackendSummary) -> String {
    format!("{}:{}", backend.name, backend.version)
}

fn plugin(backend: &BackendSummary) -> Plugin {
    let mut description = backend.driver.clone();
    if let Some(note) = &backend.note {
        description = format!("{description} ({note})");
    }
    let variables = backend.config.iter().map(|key| PluginEnv {
        name: key.name.clone(),
        description: key.help.clone(),
        settable: vec!["value".to_owned()],
        // What is set may be a secret, and stands in the daemon's configuration.
        value: key.default.clone().unwrap_or_default(),
    });
    Plugin {
        id: backend.digest.trim_start_matches("sha256:").to_owned(),
        name: tagged(backend),
        enabled: true,
        config: PluginConfig {
            description,
            env: variables.collect(),
            rootfs: Some(PluginRootFs { r#type: "layers".to_owned(), diff_ids: vec![backend.digest.clone()] }),
            ..PluginConfig::default()
        },
        ..Plugin::default()
    }
}
