//! A site as its owner wants it: read from the bodies of PUT and PATCH, checked, and shown again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::ArmError;
use super::identity::SiteIdentity;
use super::mounts::{self, Mounts};
use super::names;
use crate::config::{EmulatorConfig, PlatformConfig};
use crate::container::LaunchSpec;

/// The longest start limit that Azure accepts.
const MAX_START_LIMIT: u64 = 1_800;

/// Everything that a PUT says about a site.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) name: String,
    /// What stands between the name and the domain in the host's name.
    pub(super) host_suffix: String,
    /// The domain of the cloud's apps.
    pub(super) domain: &'static str,
    pub(super) group: String,
    pub(super) location: String,
    pub(super) kind: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) plan_id: String,
    /// The managed identities that the app has.
    pub(super) identity: Option<SiteIdentity>,
    /// `properties`, without `siteConfig` and `serverFarmId`.
    pub(super) properties: Map<String, Value>,
    /// `siteConfig`, without `appSettings` and `azureStorageAccounts`.
    pub(super) site_config: Map<String, Value>,
    pub(super) settings: BTreeMap<String, String>,
    /// Storage that is mounted into the container.
    pub(super) mounts: Mounts,
}

impl Draft {
    /// Applies a body. A PATCH leaves what it does not name, a PUT only the parts of the configuration.
    pub(super) fn apply(&mut self, body: &[u8], is_patch: bool) -> Result<(), ArmError> {
        let body: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| ArmError::invalid_body(error.to_string()))?;
        let before = self.identity.clone();
        if !is_patch {
            let location = body.get("location").and_then(Value::as_str).unwrap_or_default();
            if location.is_empty() {
                return Err(ArmError::new(
                    http::StatusCode::BAD_REQUEST,
                    "LocationRequired",
                    "The location property is required for this definition.",
                ));
            }
            self.location = location.to_owned();
            self.kind = "app".to_owned();
            self.identity = None;
            self.tags.clear();
            self.properties.clear();
        }
        if let Some(kind) = body.get("kind").and_then(Value::as_str) {
            self.kind = kind.to_owned();
        }
        if let Some(tags) = body.get("tags") {
            self.tags = read_tags(tags)?;
        }
        if let Some(identity) = body.get("identity") {
            let secret = before.map(|identity| identity.secret);
            self.identity = SiteIdentity::read(identity, &self.id(""), secret)?;
        }
        for (name, value) in object(body.get("properties"), "properties")? {
            match name.as_str() {
                "siteConfig" => self.configure(value)?,
                "serverFarmId" => {
                    let id = value.as_str().ok_or_else(|| ArmError::invalid_parameter("serverFarmId", ""))?;
                    self.plan_id = id.to_owned();
                }
                _ => {
                    self.properties.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    /// Merges a `siteConfig`. Its `appSettings` and its `azureStorageAccounts` replace all there were.
    pub(super) fn configure(&mut self, config: &Value) -> Result<(), ArmError> {
        for (name, value) in object(Some(config), "siteConfig")? {
            match name.as_str() {
                "appSettings" => self.settings = read_setting_list(value)?,
                "azureStorageAccounts" => self.mounts = mounts::read(value)?,
                _ => {
                    self.site_config.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    /// Whether Azure would take it, apart from its plan.
    pub(super) fn check(&self) -> Result<(), ArmError> {
        if let Some(reason) = names::fault(&self.name) {
            return Err(ArmError::invalid_parameter("name", reason));
        }
        if !self.fx_version().starts_with("DOCKER|") {
            let reason = "The emulator only runs custom containers: siteConfig.linuxFxVersion must be DOCKER|<image>.";
            return Err(ArmError::invalid_parameter("LinuxFxVersion", reason));
        }
        if self.properties.get("reserved") != Some(&Value::Bool(true)) {
            return Err(ArmError::invalid_parameter("reserved", "A Linux container needs properties.reserved = true."));
        }
        Ok(())
    }

    /// The default host name.
    pub(super) fn host(&self) -> String {
        format!("{}{}.{}", self.name, self.host_suffix, self.domain).to_ascii_lowercase()
    }

    /// Its path in the resource manager.
    pub(super) fn id(&self, subscription: &str) -> String {
        let Self { group, name, .. } = self;
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{name}")
    }

    /// What the platform runs for it.
    pub(super) fn launch(&self, platform: &PlatformConfig) -> LaunchSpec {
        let text = |name: &str| self.site_config.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let limit = self.settings.get("WEBSITES_CONTAINER_START_TIME_LIMIT").and_then(|limit| limit.parse().ok());
        LaunchSpec {
            site: self.name.clone(),
            host: self.host(),
            image: self.fx_version().trim_start_matches("DOCKER|").to_owned(),
            command: text("appCommandLine"),
            settings: self.settings.clone(),
            identity_secret: self.identity.as_ref().map(|identity| identity.secret.clone()),
            start_limit: limit.map_or(Duration::from_millis(platform.start_limit_ms), |seconds: u64| {
                Duration::from_secs(seconds.min(MAX_START_LIMIT))
            }),
            mounts: mounts::launch(&self.mounts),
            always_on: self.site_config.get("alwaysOn") == Some(&Value::Bool(true)),
        }
    }

    /// The Site body of an answer. Settings and mounts are never in it: there are secrets among them.
    pub(super) fn view(&self, config: &EmulatorConfig, is_stopped: bool, modified: jiff::Timestamp) -> Value {
        let host = self.host();
        let mut properties = Map::from_iter(
            [
                ("name", json!(self.name)),
                ("state", json!(if is_stopped { "Stopped" } else { "Running" })),
                ("hostNames", json!([host])),
                ("enabled", json!(true)),
                ("enabledHostNames", json!([host, self.host().replacen('.', ".scm.", 1)])),
                ("availabilityState", json!("Normal")),
                ("usageState", json!("Normal")),
                ("serverFarmId", json!(self.plan_id)),
                ("defaultHostName", json!(host)),
                ("resourceGroup", json!(self.group)),
                ("lastModifiedTimeUtc", json!(format!("{modified:.3}"))),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        for (name, value) in &self.properties {
            properties.entry(name.clone()).or_insert_with(|| value.clone());
        }
        properties.insert("siteConfig".to_owned(), Value::Object(self.site_config.clone()));
        let mut view = json!({
            "id": self.id(&config.arm.subscription),
            "name": self.name,
            "type": "Microsoft.Web/sites",
            "kind": self.kind,
            "location": self.location,
            "tags": self.tags,
            "properties": properties,
        });
        if let Some(identity) = &self.identity {
            view["identity"] = identity.view(&config.identity.tenant);
        }
        view
    }

    fn fx_version(&self) -> &str {
        self.site_config.get("linuxFxVersion").and_then(Value::as_str).unwrap_or_default()
    }
}

fn object<'a>(value: Option<&'a Value>, what: &str) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, ArmError> {
    match value {
        None | Some(Value::Null) => Ok(None.into_iter().flatten()),
        Some(Value::Object(map)) => Ok(Some(map).into_iter().flatten()),
        Some(_) => Err(ArmError::invalid_body(format!("{what} must be an object"))),
    }
}

/// Tags, within the limits that every resource has.
fn read_tags(tags: &Value) -> Result<BTreeMap<String, String>, ArmError> {
    let invalid = |message: String| ArmError::new(http::StatusCode::BAD_REQUEST, "InvalidTag", message);
    let mut result = BTreeMap::new();
    for (name, value) in object(Some(tags), "tags")? {
        let value = value.as_str().ok_or_else(|| invalid(format!("The value of tag '{name}' is no string.")))?;
        if name.chars().count() > 512 || value.chars().count() > 256 {
            return Err(invalid(format!(
                "The tag '{name}' is too long: a name has up to 512 characters, a value up to 256."
            )));
        }
        result.insert(name.clone(), value.to_owned());
    }
    if result.len() > 50 {
        return Err(invalid(format!("A resource has up to 50 tags, not {}.", result.len())));
    }
    Ok(result)
}

fn read_setting_list(list: &Value) -> Result<BTreeMap<String, String>, ArmError> {
    #[derive(serde::Deserialize)]
    struct Pair {
        name: String,
        #[serde(default)]
        value: Option<String>,
    }
    let pairs: Option<Vec<Pair>> = serde::Deserialize::deserialize(list).map_err(|error| {
        ArmError::invalid_body(format!("siteConfig.appSettings is no list of names and values: {error}"))
    })?;
    Ok(pairs.into_iter().flatten().map(|pair| (pair.name, pair.value.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Vec<u8> {
        json!({
            "location": "eastus", "kind": "functionapp,linux,container", "tags": { "a": "b" },
            "properties": {
                "serverFarmId": "/p", "reserved": true,
                "siteConfig": {
                    "linuxFxVersion": "DOCKER|alpine:3", "appCommandLine": "run -- x", "alwaysOn": true,
                    "appSettings": [{ "name": "SECRET", "value": "s" },
                                    { "name": "WEBSITES_CONTAINER_START_TIME_LIMIT", "value": "5" }],
                },
            },
        })
        .to_string()
        .into_bytes()
    }

    fn draft() -> Draft {
        let mut draft =
            Draft { name: "App".to_owned(), domain: "azurewebsites.net", group: "g".to_owned(), ..Draft::default() };
        draft.apply(&body(), false).unwrap();
        draft
    }

    #[test]
    fn a_put_says_what_runs() {
        let draft = draft();
        draft.check().unwrap();
        let launch = draft.launch(&PlatformConfig::default());
        assert_eq!((launch.image.as_str(), launch.command.as_str()), ("alpine:3", "run -- x"));
        assert_eq!(launch.start_limit, Duration::from_secs(5));
        assert!(launch.always_on);
    }

    #[test]
    fn settings_are_never_shown() {
        let view = draft().view(&EmulatorConfig::default(), false, jiff::Timestamp::UNIX_EPOCH).to_string();
        assert!(!view.contains("SECRET") && !view.contains("appSettings"), "{view}");
        assert!(view.contains(r#""defaultHostName":"app.azurewebsites.net""#), "{view}");
    }

    #[test]
    fn a_patch_leaves_the_rest() {
        let mut draft = draft();
        draft.apply(br#"{"tags":{"c":"d"}}"#, true).unwrap();
        assert_eq!(draft.tags, BTreeMap::from([("c".to_owned(), "d".to_owned())]));
        assert_eq!(draft.settings.len(), 2);
        draft.check().unwrap();
    }

    #[test]
    fn too_many_tags_are_refused() {
        let tags: Map<String, Value> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
        assert!(read_tags(&Value::Object(tags)).is_err());
        assert!(read_tags(&json!({ "a": "x".repeat(257) })).is_err());
    }
}
