//! Finds the file shares that a container is to see.

use std::path::PathBuf;
use std::sync::Arc;

use super::isolation::Isolation;
use super::runtime::{LaunchSpec, Runtime, ShareMount};
use crate::storage::MountRefusal;

/// The folders behind an app's mounts, with their paths in the container. The error is what the platform says when it does not
/// start the container.
pub(super) async fn resolve(runtime: &Runtime, spec: &LaunchSpec) -> Result<Vec<(PathBuf, String)>, String> {
    if spec.mounts.is_empty() {
        return Ok(Vec::new());
    }
    if let Isolation::Plain { reason } = runtime.isolation() {
        return Err(format!("The emulator mounts no storage for a container that is a plain process: {reason}"));
    }
    let (storage, mounts, site) = (Arc::clone(&runtime.storage), spec.mounts.clone(), spec.site.clone());
    let domain = runtime.names().files;
    let resolved = tokio::task::spawn_blocking(move || {
        mounts
            .into_iter()
            .map(|mount| {
                let found = storage.mount(&mount.account, &mount.share, &mount.key);
                found
                    .map(|folder| (folder, mount.path.clone()))
                    .map_err(|refusal| failed(&site, domain, &mount, refusal))
            })
            .collect()
    });
    resolved.await.map_err(|error| error.to_string())?
}

fn failed(site: &str, domain: &str, mount: &ShareMount, refusal: MountRefusal) -> String {
    let ShareMount { account, share, path, .. } = mount;
    let reason = match refusal {
        MountRefusal::Credentials => "InvalidCredentials: mount error(13): Permission denied",
        MountRefusal::Share => "InvalidShare: mount error(2): No such file or directory",
    };
    format!(
        "Failed to mount the Azure Files share //{account}.{domain}/{share} at {path} for site {site} ({reason}), \
         failing site start"
    )
}
