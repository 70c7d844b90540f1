//! `sockerless plugin`: manages the backends of a running daemon.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::address::Address;
use crate::cli::PluginCommand;
use crate::client::request;

/// Performs one command.
///
/// # Errors
/// The daemon is not there, or refuses.
pub(crate) fn run(host: &Address, command: PluginCommand) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    match command {
        PluginCommand::Load { file, name } => {
            let component = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let query = name.map(|name| {
                format!("?name={}", percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC))
            });
            let path = format!("/sockerless/backends/load{}", query.unwrap_or_default());
            let loaded = runtime.block_on(request(host, "POST", &path, component.into()))?;
            println!("{}", line(&loaded));
            if let Some(old) = loaded.get("Replaced").and_then(Value::as_str) {
                let containers = loaded.get("Containers").and_then(Value::as_u64).unwrap_or_default();
                eprintln!("replaces version {old}; containers taken over: {containers}");
            }
        }
        PluginCommand::Ls => {
            let list = runtime.block_on(request(host, "GET", "/sockerless/backends", Vec::new().into()))?;
            for backend in list.as_array().into_iter().flatten() {
                println!("{}", line(backend));
            }
        }
    }
    Ok(())
}

fn line(backend: &Value) -> String {
    let text = |key: &str| backend.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    format!("{} {} {}", text("Name"), text("Version"), text("Digest"))
}
