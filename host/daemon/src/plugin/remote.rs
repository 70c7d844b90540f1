//! Plugins from registries and to them: the daemon does the work, and the user says what it may.

use std::io::{IsTerminal, Read, Write};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sockerless_docker::{PluginPrivilege, RegistryAuth};

use crate::address::Address;
use crate::cli::{LoginOptions, RemoteOptions};
use crate::client::{Body, encoded, progress, request_with};

/// As long as a password may be, in bytes.
const PASSWORD_LIMIT: u64 = 64 << 10;

/// Installs a plugin, disabled. Answers its name.
///
/// # Errors
/// The daemon or the registry refuses, or the user does.
pub(super) async fn install(
    host: &Address,
    options: &RemoteOptions,
    reference: &str,
    alias: Option<&str>,
) -> Result<String> {
    let body = accepted(host, options, reference).await?;
    let alias = alias.map(|alias| format!("&name={}", encoded(alias))).unwrap_or_default();
    let path = format!("/plugins/pull?remote={}{alias}", encoded(reference));
    let headers = progress(host, "POST", &path, body, show).await?;
    let name = headers.get("docker-plugin-name").and_then(|name| name.to_str().ok());
    Ok(name.context("the daemon does not say what the plugin is called")?.to_owned())
}

/// Replaces a plugin's component.
///
/// # Errors
/// The daemon or the registry refuses, or the user does.
pub(super) async fn upgrade(
    host: &Address,
    options: &RemoteOptions,
    name: &str,
    reference: Option<String>,
) -> Result<()> {
    let reference = match reference {
        Some(reference) => reference,
        None => {
            let path = format!("/plugins/{}/json", encoded(name));
            let plugin = request_with(host, "GET", &path, Body::none()).await?;
            let known = plugin.get("PluginReference").and_then(Value::as_str).filter(|known| !known.is_empty());
            known.context("the plugin was loaded from a file: name the reference of the new one")?.to_owned()
        }
    };
    let body = accepted(host, options, &reference).await?;
    let path = format!("/plugins/{}/upgrade?remote={}", encoded(name), encoded(&reference));
    progress(host, "POST", &path, body, show).await.map(drop)
}

/// Pushes a plugin.
///
/// # Errors
/// The daemon or the registry refuses.
pub(super) async fn push(host: &Address, login: &LoginOptions, name: &str) -> Result<()> {
    let body = Body::none().by(auth(login)?);
    progress(host, "POST", &format!("/plugins/{}/push", encoded(name)), body, show).await.map(drop)
}

/// What a plugin wants, once the user has agreed to it.
async fn accepted(host: &Address, options: &RemoteOptions, reference: &str) -> Result<Body> {
    let auth = auth(&options.login)?;
    let path = format!("/plugins/privileges?remote={}", encoded(reference));
    let wanted = request_with(host, "GET", &path, Body::none().by(auth.clone())).await?;
    let wanted: Vec<PluginPrivilege> =
        serde_json::from_value(wanted).context("what the plugin wants is not understood")?;
    if !options.grant_all_permissions && !wanted.is_empty() {
        eprintln!("Plugin {reference:?} is requesting the following privileges:");
        for privilege in &wanted {
            eprintln!(" - {}: [{}]", privilege.name, privilege.value.join(", "));
        }
        if !agreed()? {
            bail!("nothing was changed: the privileges were not granted");
        }
    }
    Ok(Body::json(&wanted)?.by(auth))
}

fn agreed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: grant the privileges with --grant-all-permissions");
    }
    eprint!("Do you grant the above permissions? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the answer cannot be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn auth(login: &LoginOptions) -> Result<Option<RegistryAuth>> {
    let Some(username) = login.username.clone() else { return Ok(None) };
    let mut password = String::new();
    std::io::stdin().take(PASSWORD_LIMIT).read_to_string(&mut password).context("the password cannot be read")?;
    let password = password.trim_end_matches(['\n', '\r']).to_owned();
    Ok(Some(RegistryAuth { username, password, ..RegistryAuth::default() }))
}

/// A line of Docker's progress, for people.
fn show(line: &Value) {
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    match (text("id"), text("status")) {
        (Some(id), Some(status)) => eprintln!("{id}: {status}"),
        (None, Some(status)) => eprintln!("{status}"),
        _ => {}
    }
}
