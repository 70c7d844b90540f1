//! `sockerless azure prune` and `sockerless store rebuild`: what is in the cloud and not in the store of a running daemon.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::address::Address;
use crate::cli::{PruneOptions, StoreCommand};
use crate::client::{encoded, request, runtime};

/// Runs `sockerless azure prune`.
///
/// # Errors
/// The daemon is not there, or refuses; nobody can be asked; something could not be deleted.
pub(crate) fn prune(options: PruneOptions) -> Result<()> {
    runtime()?.block_on(delete(options))
}

/// Runs `sockerless store`.
///
/// # Errors
/// The daemon is not there, or refuses; a container could not be taken in.
pub(crate) fn store(host: &Address, command: StoreCommand) -> Result<()> {
    let StoreCommand::Rebuild { backend, owner } = command;
    runtime()?.block_on(rebuild(host, backend, owner))
}

/// Lists what has no record, and deletes those of it that are this daemon's, or that were named, once the user agrees.
async fn delete(options: PruneOptions) -> Result<()> {
    let PruneOptions { host, backend, dry_run, force, chosen } = options;
    let host = &host;
    let path = format!("/sockerless/backends/{}/orphans", encoded(&backend));
    let found = request(host, "GET", &format!("{path}{}", ids(chosen.iter())), Vec::new().into()).await?;
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_meant = |orphan: &&Value| !chosen.is_empty() || orphan.get("Own") == Some(&Value::Bool(true));
    let (meant, others): (Vec<&Value>, Vec<&Value>) = found.iter().partition(is_meant);
    if !others.is_empty() {
        eprintln!("Made by other daemons, or by nobody that is known; deleted only if you name them:");
        others.iter().for_each(|orphan| eprintln!("  {}", line(orphan)));
    }
    if meant.is_empty() {
        eprintln!("Nothing in the cloud of {backend} is this daemon's and without a container.");
        return Ok(());
    }
    eprintln!("In the cloud of {backend}, without a container:");
    meant.iter().for_each(|orphan| println!("{}", line(orphan)));
    if dry_run {
        return Ok(());
    }
    if !force && !agreed()? {
        bail!("nothing was deleted");
    }
    // By their ids: what has turned up since is not deleted unseen.
    let query = ids(meant.iter().map(|orphan| text(orphan, "Id")));
    let results = request(host, "DELETE", &format!("{path}{query}"), Vec::new().into()).await?;
    report(&results, "deleted", "could not be deleted")
}

/// Has the daemon take in again what its store has lost.
async fn rebuild(host: &Address, backend: Option<String>, owner: Option<String>) -> Result<()> {
    let backends = match backend {
        Some(backend) => vec![backend],
        None => {
            let list = request(host, "GET", "/sockerless/backends", Vec::new().into()).await?;
            let lists = |backend: &&Value| backend.get("Inventory") == Some(&Value::Bool(true));
            let names =
                list.as_array().into_iter().flatten().filter(lists).map(|backend| text(backend, "Name").to_owned());
            names.collect()
        }
    };
    if backends.is_empty() {
        bail!("no backend that is loaded can tell what there is in its cloud");
    }
    let mut failed = None;
    for backend in backends {
        let query = owner.as_deref().map(|owner| format!("?owner={}", encoded(owner)));
        let path = format!("/sockerless/backends/{}/rebuild{}", encoded(&backend), query.unwrap_or_default());
        let results = request(host, "POST", &path, Vec::new().into()).await?;
        failed = report(&results, "taken in", "could not be taken in").err().or(failed);
    }
    failed.map_or(Ok(()), Err)
}

/// A query that names these.
fn ids(ids: impl Iterator<Item = impl AsRef<str>>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("id={}", encoded(id.as_ref()))).collect();
    if ids.is_empty() { String::new() } else { format!("?{}", ids.join("&")) }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn line(orphan: &Value) -> String {
    let id = text(orphan, "Id");
    let owner = match text(orphan, "Owner") {
        "" => "nobody",
        owner => owner,
    };
    format!(
        "{} {} {} {} made by {owner}",
        text(orphan, "Place"),
        id.get(..12).unwrap_or(id),
        text(orphan, "Name"),
        text(orphan, "Image")
    )
}

fn agreed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nothing was deleted: --force deletes without a question, which cannot be asked here");
    }
    eprint!("Delete them? [y/N] ");
    std::io::stderr().flush().context("the question cannot be asked")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the answer cannot be read")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Names what was done on standard output, and what was not on standard error.
fn report(results: &Value, done: &str, not_done: &str) -> Result<()> {
    let results = results.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut failed = 0;
    for result in results {
        let what = format!("{} {}", text(result, "Place"), text(result, "Name"));
        match text(result, "Error") {
            "" => println!("{what}"),
            error => {
                failed += 1;
                eprintln!("{what} {not_done}: {error}");
            }
        }
    }
    eprintln!("{done}: {}", results.len() - failed);
    if failed > 0 { bail!("{failed} {not_done}") } else { Ok(()) }
}
