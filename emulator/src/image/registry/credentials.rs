//! With what an app pulls its image: three of its settings.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The registry that is meant when the settings name none.
const DEFAULT: &str = "docker.io";

/// User and password, for one registry and no other.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// Those that an app's settings have for a registry.
    pub(super) fn of(settings: &BTreeMap<String, String>, registry: &str) -> Option<Self> {
        let get = |name: &str| settings.get(name).filter(|value| !value.is_empty());
        let server = get("DOCKER_REGISTRY_SERVER_URL").map_or_else(|| DEFAULT.to_owned(), |url| host(url));
        if server != registry {
            return None;
        }
        let user = get("DOCKER_REGISTRY_SERVER_USERNAME")?.clone();
        Some(Self { user, password: get("DOCKER_REGISTRY_SERVER_PASSWORD").cloned().unwrap_or_default() })
    }

    /// The value of `Authorization` by which they are shown.
    pub(super) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// Host and port of a registry's URL, which may lack its scheme.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest).to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => DEFAULT.to_owned(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, registry: &str) -> Option<String> {
        let settings = [
            ("DOCKER_REGISTRY_SERVER_URL", url),
            ("DOCKER_REGISTRY_SERVER_USERNAME", "u"),
            ("DOCKER_REGISTRY_SERVER_PASSWORD", "p"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Credentials::of(&settings, registry).map(|credentials| credentials.basic())
    }

    #[test]
    fn they_are_for_the_registry_that_the_settings_name() {
        let shown = Some("Basic dTpw".to_owned());
        for (url, registry) in [
            ("https://r.azurecr.io", "r.azurecr.io"),
            ("R.azurecr.io/", "r.azurecr.io"),
            ("http://127.0.0.1:5000", "127.0.0.1:5000"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("", "docker.io"),
        ] {
            assert_eq!(of(url, registry), shown, "{url}");
        }
        for (url, registry) in [("https://r.azurecr.io", "docker.io"), ("", "r.azurecr.io"), ("https://a.io", "b.a.io")]
        {
            assert_eq!(of(url, registry), None, "{url}");
        }
    }
}
