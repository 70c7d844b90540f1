//! Plugins as Docker's commands manage them, over the same requests.

use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use tar::{Builder, Header};

use super::remote;
use crate::address::Address;
use crate::cli::KeptCommand;
use crate::client::{Body, encoded, request_with};
use crate::component_file;

/// Performs one command.
///
/// # Errors
/// The daemon is not there, or refuses.
pub(super) async fn run(host: &Address, command: KeptCommand) -> Result<()> {
    let name = match command {
        KeptCommand::Create { name, source } => {
            let archive = tokio::task::spawn_blocking(move || archive(&source)).await??;
            let path = format!("/plugins/create?name={}", encoded(&name));
            request_with(host, "POST", &path, Body::of("application/x-tar", archive)).await?;
            name
        }
        KeptCommand::Enable { name } => {
            post(host, &name, "enable?timeout=0", Body::none()).await?;
            name
        }
        KeptCommand::Disable { name, force } => {
            post(host, &name, if force { "disable?force=1" } else { "disable" }, Body::none()).await?;
            name
        }
        KeptCommand::Set { name, settings } => {
            post(host, &name, "set", Body::json(&settings)?).await?;
            name
        }
        KeptCommand::Install { remote, reference, alias, disable, settings } => {
            let name = remote::install(host, &remote, &reference, alias.as_deref()).await?;
            if !settings.is_empty() {
                post(host, &name, "set", Body::json(&settings)?).await?;
            }
            if !disable {
                post(host, &name, "enable?timeout=0", Body::none()).await?;
            }
            name
        }
        KeptCommand::Upgrade { remote, name, reference } => {
            remote::upgrade(host, &remote, &name, reference).await?;
            name
        }
        KeptCommand::Push { login, name } => {
            remote::push(host, &login, &name).await?;
            name
        }
    };
    println!("{name}");
    Ok(())
}

async fn post(host: &Address, name: &str, action: &str, body: Body) -> Result<()> {
    request_with(host, "POST", &format!("/plugins/{}/{action}", encoded(name)), body).await.map(drop)
}

/// The folder as Docker's client sends it: of a component alone, the folder that it would be in.
fn archive(source: &Path) -> Result<Bytes> {
    let component = if source.is_dir() { source.join("rootfs/backend.wasm") } else { source.to_path_buf() };
    let component = component_file::read(&component)?;
    let config = if source.is_dir() {
        let file = source.join("config.json");
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        b"{}".to_vec()
    };
    let mut archive = Builder::new(Vec::new());
    for (path, bytes) in [("config.json", config), ("rootfs/backend.wasm", component)] {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, &*bytes)?;
    }
    Ok(archive.into_inner()?.into())
}
