//! `sockerless plugin`: manages the backends of a running daemon, and helps those who write some.

mod kept;
mod remote;
mod watch;

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::address::Address;
use crate::cli::PluginCommand;
use crate::client::{encoded, request, runtime};
use crate::component_file;
use crate::conformance;
use crate::toolkit;

/// Performs one command.
///
/// # Errors
/// The daemon is not there, or refuses.
pub(crate) fn run(host: &Address, command: PluginCommand) -> Result<()> {
    let runtime = runtime()?;
    match command {
        PluginCommand::Load { file, name, watch: false } => runtime.block_on(load(host, &file, name.as_deref()))?,
        PluginCommand::Load { file, name, watch: true } => {
            runtime.block_on(watch::run(host, &file, name.as_deref()));
        }
        PluginCommand::Rollback { name } => {
            let path = format!("/sockerless/backends/{}/rollback", encoded(&name));
            swapped(&runtime.block_on(request(host, "POST", &path, Vec::new().into()))?);
        }
        PluginCommand::Rm { name, force } => {
            let path = format!("/sockerless/backends/{}{}", encoded(&name), if force { "?force=1" } else { "" });
            let unloaded = runtime.block_on(request(host, "DELETE", &path, Vec::new().into()))?;
            println!("{name}");
            if let Some(left @ 1..) = unloaded.get("Containers").and_then(Value::as_u64) {
                eprintln!("containers that are left without it: {left}; load it again to do something with them");
            }
        }
        PluginCommand::Kept(command) => runtime.block_on(kept::run(host, command))?,
        PluginCommand::Test(options) => runtime.block_on(conformance::run(&options))?,
        PluginCommand::New { lang, name } => toolkit::new_project(lang, &name)?,
        PluginCommand::Bindings { package, language, folder } => toolkit::bindings(&package, language, &folder)?,
        PluginCommand::Component { package, module, component } => {
            toolkit::component(&package, &module, &component)?;
        }
        PluginCommand::Ls => runtime.block_on(list(host))?,
    }
    Ok(())
}

/// What is loaded, then what is kept and disabled.
async fn list(host: &Address) -> Result<()> {
    let loaded = request(host, "GET", "/sockerless/backends", Vec::new().into()).await?;
    for backend in loaded.as_array().into_iter().flatten() {
        println!("{}", line(backend));
        if let Some(note) = backend.get("Note").and_then(Value::as_str) {
            eprintln!("{}: {note}", backend.get("Name").and_then(Value::as_str).unwrap_or("?"));
        }
    }
    let disabled = encoded(r#"{"enabled":["false"]}"#).to_string();
    let kept = request(host, "GET", &format!("/plugins?filters={disabled}"), Vec::new().into()).await?;
    for plugin in kept.as_array().into_iter().flatten() {
        println!("{} disabled", plugin.get("Name").and_then(Value::as_str).unwrap_or("?"));
    }
    Ok(())
}

/// Loads a component, and says what came of it.
async fn load(host: &Address, file: &Path, name: Option<&str>) -> Result<()> {
    let path = file.to_owned();
    let component = tokio::task::spawn_blocking(move || component_file::read(&path)).await??;
    let query = name.map(|name| format!("?name={}", encoded(name))).unwrap_or_default();
    let path = format!("/sockerless/backends/load{query}");
    swapped(&request(host, "POST", &path, component.into()).await?);
    Ok(())
}

/// What serves now, and what served before.
fn swapped(answer: &Value) {
    println!("{}", line(answer));
    if let Some(old) = answer.get("Replaced").and_then(Value::as_str) {
        let containers = answer.get("Containers").and_then(Value::as_u64).unwrap_or_default();
        eprintln!("replaces version {old}; containers taken over: {containers}");
    }
}

fn line(backend: &Value) -> String {
    let text = |key: &str| backend.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    format!("{} {} {}", text("Name"), text("Version"), text("Digest"))
}
