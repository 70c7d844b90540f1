//! `config/azurestorageaccounts`: the storage that the platform mounts into an app's container.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::ArmError;
use super::gate::Reply;
use super::settings::{change, resource};
use super::state::Site;
use crate::container::ShareMount;
use crate::http::{Answer, Exchange};
use crate::storage::MountRefusal;
use crate::world::World;

/// Most mounts of an app.
const MAX_MOUNTS: usize = 5;

/// Where nothing can be mounted, nor below the last one.
const FORBIDDEN: [&str; 3] = ["/", "/home", "/tmp"];

/// The mounts of an app, by the names that they were given.
pub(super) type Mounts = BTreeMap<String, Mount>;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    #[serde(rename = "type")]
    kind: String,
    account_name: String,
    share_name: String,
    #[serde(default)]
    access_key: Option<String>,
    mount_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
}

/// Reads the map of mounts, and checks it as Azure does.
pub(super) fn read(value: &Value) -> Result<Mounts, ArmError> {
    let mounts: Option<Mounts> = Deserialize::deserialize(value)
        .map_err(|error| ArmError::invalid_body(format!("azureStorageAccounts is no map of mounts: {error}")))?;
    let mounts = mounts.unwrap_or_default();
    let invalid = |reason: &str| ArmError::invalid_parameter("AzureStorageAccounts", reason);
    if mounts.len() > MAX_MOUNTS {
        return Err(invalid(&format!("An app has up to {MAX_MOUNTS} storage mounts.")));
    }
    for (name, mount) in &mounts {
        let Mount { kind, account_name, share_name, access_key, mount_path, protocol } = mount;
        if kind != "AzureFiles" || protocol.as_deref().is_some_and(|protocol| !protocol.eq_ignore_ascii_case("smb")) {
            return Err(ArmError::new(
                StatusCode::NOT_IMPLEMENTED,
                "NotImplemented",
                "The emulator mounts nothing but shares of the type AzureFiles, by SMB.",
            ));
        }
        let key = access_key.as_deref().unwrap_or_default();
        if [account_name, share_name].iter().any(|text| text.is_empty()) || key.is_empty() {
            return Err(invalid(&format!("The mount '{name}' needs accountName, shareName and accessKey.")));
        }
        let is_plain = mount_path.starts_with('/')
            && !mount_path.ends_with('/')
            && mount_path.split('/').skip(1).all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'));
        if !is_plain || FORBIDDEN.contains(&mount_path.as_str()) || mount_path.starts_with("/tmp/") {
            return Err(invalid(&format!("The mount '{name}' cannot be at '{mount_path}'.")));
        }
    }
    let mut paths: Vec<_> = mounts.values().map(|mount| &mount.mount_path).collect();
    paths.sort();
    if paths.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(invalid("Two mounts have the same path."));
    }
    Ok(mounts)
}

/// What the platform is to mount.
pub(super) fn launch(mounts: &Mounts) -> Vec<ShareMount> {
    let mounts = mounts.values().map(|mount| ShareMount {
        account: mount.account_name.clone(),
        share: mount.share_name.clone(),
        key: mount.access_key.clone().unwrap_or_default(),
        path: mount.mount_path.clone(),
    });
    mounts.collect()
}

/// `PUT config/azurestorageaccounts`: replaces the whole map and restarts the app. The keys are not in the answer.
pub(super) fn replace(world: &World, exchange: &Exchange, site: &mut Site) -> Reply {
    #[derive(Deserialize)]
    struct Body {
        properties: Value,
    }
    let body: Body =
        serde_json::from_slice(&exchange.body).map_err(|error| ArmError::invalid_body(error.to_string()))?;
    let mut draft = site.draft.clone();
    draft.mounts = read(&body.properties)?;
    change(world, site, draft);
    Ok(answer(world, site, false))
}

/// `POST config/azurestorageaccounts/list`. With the keys: clients add a mount by sending back what they were told, and one more.
pub(super) fn list(world: &World, site: &Site) -> Reply {
    Ok(answer(world, site, true))
}

fn answer(world: &World, site: &Site, with_keys: bool) -> Answer {
    let properties: Map<String, Value> = site
        .draft
        .mounts
        .iter()
        .map(|(name, mount)| {
            let mut view = json!(mount);
            if !with_keys {
                view["accessKey"] = Value::Null;
            }
            let key = mount.access_key.as_deref().unwrap_or_default();
            view["state"] = json!(match world.storage.check_mount(&mount.account_name, &mount.share_name, key) {
                Ok(()) => "Ok",
                Err(MountRefusal::Credentials) => "InvalidCredentials",
                Err(MountRefusal::Share) => "InvalidShare",
            });
            (name.clone(), view)
        })
        .collect();
    Answer::json(StatusCode::OK, &resource(world, site, "azurestorageaccounts", Value::Object(properties)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(path: &str) -> Value {
        json!({ "type": "AzureFiles", "accountName": "a", "shareName": "s", "accessKey": "k", "mountPath": path })
    }

    #[test]
    fn a_mount_is_what_the_platform_mounts() {
        let mounts = read(&json!({ "agent": mount("/sockerless") })).unwrap();
        let launch = launch(&mounts);
        assert_eq!(
            (launch[0].account.as_str(), launch[0].key.as_str(), launch[0].path.as_str()),
            ("a", "k", "/sockerless")
        );
        assert!(read(&Value::Null).unwrap().is_empty());
    }

    #[test]
    fn what_azure_does_not_mount_is_refused() {
        for path in ["", "x", "/", "/home", "/tmp", "/tmp/x", "/a/../b", "/a//b", "/a/"] {
            assert!(read(&json!({ "m": mount(path) })).is_err(), "{path}");
        }
        let six: Map<String, Value> = (0..6).map(|n| (n.to_string(), mount(&format!("/m{n}")))).collect();
        assert!(read(&Value::Object(six)).is_err());
        assert!(read(&json!({ "a": mount("/m"), "b": mount("/m") })).is_err());
        for (field, value) in [("type", "AzureBlob"), ("accessKey", ""), ("protocol", "Nfs")] {
            let mut mount = mount("/m");
            mount[field] = json!(value);
            assert!(read(&json!({ "m": mount })).is_err(), "{field}");
        }
    }
}
