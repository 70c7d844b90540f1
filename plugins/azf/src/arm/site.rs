//! A container as a site of Microsoft.Web: its name, the body that makes it, and what is read back.

use serde_json::{Map, Value, json};

use super::settings::Setting;
use super::tags::{self, CONTAINER_ID};
use crate::bindings::types::Container;
use crate::cloud::Cloud;
use crate::config::{AgentShare, Registry, Settings};

/// What the mount of the agent's share is called in an app.
const MOUNT: &str = "sockerless";

/// The name of a container's function app.
pub(crate) fn app_name(container: &str) -> String {
    // Lower case, as the logs have it.
    let digits: String = container.chars().take(12).map(|digit| digit.to_ascii_lowercase()).collect();
    format!("skls-{digits}")
}

/// What is read back of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) id: String,
    /// The host name that Azure gave it.
    pub(crate) host: Option<String>,
    /// The container that it says it is.
    pub(crate) container: Option<String>,
}

impl Site {
    /// Reads the resource manager's answer.
    pub(crate) fn parse(body: &Value) -> Self {
        let text = |pointer: &str| {
            body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        // Azure keeps a tag's name as it was written first, in whatever case.
        let tags = body.get("tags").and_then(Value::as_object);
        let container = tags
            .and_then(|tags| tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTAINER_ID)))
            .and_then(|(_, value)| value.as_str())
            .map(str::to_owned);
        Self { id: text("/id").unwrap_or_default(), host: text("/properties/defaultHostName"), container }
    }

    /// Whether it is this container's.
    pub(crate) fn is_of(&self, container: &str) -> bool {
        self.container.as_deref() == Some(container)
    }
}

/// The body of the PUT. `command` is what the platform starts; without one, whatever the image names.
pub(crate) fn body(
    settings: &Settings,
    container: &Container,
    command: Option<&str>,
    app_settings: &[Setting],
) -> (Value, usize) {
    let (tags, omitted) = tags::of(container);
    let list: Vec<Value> = app_settings.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let mut config = json!({
        "linuxFxVersion": format!("DOCKER|{}", container.image),
        "alwaysOn": settings.always_on,
        "functionAppScaleLimit": 1,
        "numberOfWorkers": 1,
        "minTlsVersion": "1.2",
        "ftpsState": "Disabled",
        "http20Enabled": true,
        "acrUseManagedIdentityCreds": pulls_by_identity(settings.registry.as_ref(), settings.cloud),
        "appSettings": list,
    });
    if let Some(command) = command {
        config["appCommandLine"] = json!(command);
        // Only what is started by a command needs the agent. It is in the PUT, so that the first container has it: another request
        // would start a second one.
        if let Some(AgentShare { account, share, key }) = &settings.agent_share {
            config["azureStorageAccounts"] = json!({ MOUNT: {
                "type": "AzureFiles",
                "protocol": "Smb",
                "accountName": account,
                "shareName": share,
                "accessKey": key,
                "mountPath": AgentShare::PATH,
            } });
        }
    }
    let mut site = json!({
        "location": settings.location,
        "kind": "functionapp,linux,container",
        "tags": tags,
        "properties": {
            "serverFarmId": settings.plan_id(),
            "reserved": true,
            "httpsOnly": true,
            "clientAffinityEnabled": false,
        },
    });
    if let Some(identity) = &settings.identity {
        config["acrUserManagedIdentityID"] = json!(identity.client_id);
        let identities = Map::from_iter([(identity.id.clone(), json!({}))]);
        site["identity"] = json!({ "type": "UserAssigned", "userAssignedIdentities": identities });
    }
    site["properties"]["siteConfig"] = config;
    (site, omitted)
}

/// One of Azure's own registries, and no password for it.
fn pulls_by_identity(registry: Option<&Registry>, cloud: &Cloud) -> bool {
    registry.is_some_and(|registry| {
        registry.login.is_none()
            && registry.host().strip_suffix(cloud.registry_domain).is_some_and(|front| front.ends_with('.'))
    })
}

/// The body that replaces the settings of a site.
pub(crate) fn settings_map(app_settings: &[Setting]) -> Value {
    let map: Map<String, Value> = app_settings.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({ "properties": map })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::testing::{ID, Script, container};

    fn site(script: &Script, command: Option<&str>) -> Value {
        let settings = [("A".to_owned(), "b".to_owned())];
        body(&script.settings(), &container(&["x"]), command, &settings).0
    }

    #[test]
    fn names_are_the_ids_first_twelve_digits() {
        assert_eq!(app_name(ID), "skls-0123456789ab");
        assert_eq!(app_name("ABCDEF0123456789"), "skls-abcdef012345");
        assert_eq!(app_name("é"), "skls-é");
    }

    #[test]
    fn the_body_is_that_of_the_contract() {
        let site = site(&Script::new(), Some("agent -- x"));
        assert_eq!(site["location"], "eastus");
        assert_eq!(site["kind"], "functionapp,linux,container");
        assert_eq!(site["tags"]["sockerless-managed"], "true");
        let properties = &site["properties"];
        assert_eq!((&properties["reserved"], &properties["httpsOnly"]), (&json!(true), &json!(true)));
        assert_eq!(properties["clientAffinityEnabled"], false);
        assert!(properties["serverFarmId"].as_str().unwrap().ends_with("/serverfarms/sockerless-plan"));
        let config = &properties["siteConfig"];
        assert_eq!(config["linuxFxVersion"], "DOCKER|alpine");
        assert_eq!(config["appCommandLine"], "agent -- x");
        assert_eq!((&config["alwaysOn"], &config["functionAppScaleLimit"]), (&json!(true), &json!(1)));
        assert_eq!((&config["minTlsVersion"], &config["ftpsState"]), (&json!("1.2"), &json!("Disabled")));
        assert_eq!(config["appSettings"], json!([{ "name": "A", "value": "b" }]));
        assert_eq!(site.get("identity"), None);
    }

    #[test]
    fn without_an_agent_the_image_says_what_runs() {
        assert_eq!(site(&Script::new(), None)["properties"]["siteConfig"].get("appCommandLine"), None);
    }

    #[test]
    fn azures_registries_are_read_by_identity_unless_there_is_a_password() {
        let by_identity =
            |script: &Script| site(script, None)["properties"]["siteConfig"]["acrUseManagedIdentityCreds"] == true;
        assert!(!by_identity(&Script::new()));
        assert!(by_identity(&Script::new().with(config::REGISTRY, "https://r.azurecr.io")));
        assert!(!by_identity(&Script::new().with(config::REGISTRY, "https://ghcr.io")));
        assert!(!by_identity(&Script::new().with(config::REGISTRY, "https://notazurecr.io")));
        let login = Script::new()
            .with(config::REGISTRY, "r.azurecr.io")
            .with(config::REGISTRY_USERNAME, "u")
            .with(config::REGISTRY_PASSWORD, "p");
        assert!(!by_identity(&login));
    }

    #[test]
    fn the_agents_share_is_mounted_where_there_is_a_command() {
        let script = Script::new().with(config::AGENT_SHARE, "agents").with(config::AGENT_SHARE_KEY, "a2V5");
        let mounts = &site(&script, Some("agent -- x"))["properties"]["siteConfig"]["azureStorageAccounts"];
        let expected = json!({ "sockerless": { "type": "AzureFiles", "protocol": "Smb", "accountName": "sockerlessstorage",
            "shareName": "agents", "accessKey": "a2V5", "mountPath": "/sockerless" } });
        assert_eq!(*mounts, expected);
        for (script, command) in [(&script, None), (&Script::new(), Some("agent -- x"))] {
            assert_eq!(site(script, command)["properties"]["siteConfig"].get("azureStorageAccounts"), None);
        }
    }

    #[test]
    fn an_identity_is_given_to_the_app() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
        let client = "55555555-5555-5555-5555-555555555555";
        let script = Script::new().with(config::IDENTITY, id).with(config::IDENTITY_CLIENT_ID, client);
        let site = site(&script, None);
        assert_eq!(site["identity"]["type"], "UserAssigned");
        assert_eq!(site["identity"]["userAssignedIdentities"][id], json!({}));
        assert_eq!(site["properties"]["siteConfig"]["acrUserManagedIdentityID"], client);
    }

    #[test]
    fn a_site_is_recognised_by_its_tag() {
        let site = Site::parse(&json!({
            "id": "/x", "tags": { "Sockerless-Container-Id": ID }, "properties": { "defaultHostName": "h" } }));
        assert!(site.is_of(ID));
        assert_eq!((site.id.as_str(), site.host.as_deref()), ("/x", Some("h")));
        let other = Site::parse(&json!({ "id": "/x", "tags": null, "properties": { "defaultHostName": "" } }));
        assert!(!other.is_of(ID));
        assert_eq!(other.host, None);
    }
}
