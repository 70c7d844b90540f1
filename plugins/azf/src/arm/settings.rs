//! The settings of an app, which are the environment of its container.
//!
//! Three kinds, the earlier ones before the later: what the platform wants, what the agent needs, and the user's own
//! environment as far as it can stand beside these. A setting's name keeps only letters, digits and underscores, and some
//! names are the platform's: what that excludes is not lost, since the whole environment travels in the agent's
//! specification too.

use crate::bindings::agents::AgentSetup;
use crate::bindings::types::Container;
use crate::config::Settings;

/// Name and value.
pub(crate) type Setting = (String, String);

/// The port on which a container has to answer: the agent's, or that of an image made for Azure Functions.
const PORT: &str = "80";

/// Beginnings of names that mean something to the platform or to the agent, in upper case.
const RESERVED_PREFIXES: [&str; 16] = [
    "APPINSIGHTS_",
    "APPLICATIONINSIGHTS_",
    "APPSETTING_",
    "AZUREFUNCTIONSJOBHOST_",
    "AZUREWEBJOBS",
    "CONTAINER_",
    "DOCKER_",
    "FUNCTIONS_",
    "IDENTITY_",
    "MSI_",
    "REGION_NAME",
    "SCM_",
    "SOCKERLESS_",
    "WEBSITE_",
    "WEBSITES_",
    "WEBJOBS_",
];

/// Whole names, in upper case. By `PATH` the platform finds the agent.
const RESERVED: [&str; 3] = ["HOSTNAME", "PATH", "PORT"];

/// The settings of a container's app.
pub(crate) fn app_settings(settings: &Settings, container: &Container, agent: Option<&AgentSetup>) -> Vec<Setting> {
    let mut list = platform(settings);
    if let Some(agent) = agent {
        list.extend(agent.environment.iter().cloned());
        // Nothing but the agent fills the table that the logs are read from.
        if let Some(connection) = &settings.app_insights {
            list.push(("APPLICATIONINSIGHTS_CONNECTION_STRING".to_owned(), connection.clone()));
        }
    }
    for pair in &container.environment {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !survives(name) || value.contains('\0') {
            continue;
        }
        // Azure does not tell names apart by case; of two that differ in nothing else the first stays.
        match list.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((known, last)) if known == name => value.clone_into(last),
            Some(_) => {}
            None => list.push((name.to_owned(), value.to_owned())),
        }
    }
    list
}

/// Whether a variable of the user's can be a setting.
fn survives(name: &str) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    let upper = name.to_ascii_uppercase();
    is_name && !RESERVED.contains(&upper.as_str()) && !RESERVED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

fn platform(settings: &Settings) -> Vec<Setting> {
    let Settings { storage_account, timeout_s, start_time_limit_s, .. } = settings;
    let (hours, minutes, seconds) = (timeout_s / 3600, timeout_s / 60 % 60, timeout_s % 60);
    // A time span of .NET has a part for the days.
    let timeout = match hours / 24 {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        days => format!("{days}.{:02}:{minutes:02}:{seconds:02}", hours % 24),
    };
    let mut list = vec![
        ("FUNCTIONS_EXTENSION_VERSION", "~4".to_owned()),
        ("AzureFunctionsJobHost__functionTimeout", timeout),
        ("WEBSITES_ENABLE_APP_SERVICE_STORAGE", "false".to_owned()),
        ("WEBSITES_PORT", PORT.to_owned()),
        ("WEBSITES_CONTAINER_START_TIME_LIMIT", start_time_limit_s.to_string()),
    ];
    match (&settings.storage_key, &settings.identity) {
        (Some(key), _) => list.push((
            "AzureWebJobsStorage",
            format!(
                "DefaultEndpointsProtocol=https;AccountName={storage_account};AccountKey={key};EndpointSuffix={}",
                settings.cloud.storage_domain
            ),
        )),
        // Without a key a connection string is not valid: the form that names the account and leaves the proof to an identity.
        (None, identity) => {
            list.push(("AzureWebJobsStorage__accountName", storage_account.clone()));
            if let Some(identity) = identity {
                list.push(("AzureWebJobsStorage__credential", "managedidentity".to_owned()));
                list.push(("AzureWebJobsStorage__clientId", identity.client_id.clone()));
            }
        }
    }
    if let Some(registry) = &settings.registry {
        list.push(("DOCKER_REGISTRY_SERVER_URL", registry.url.clone()));
        if let Some((user, password)) = &registry.login {
            list.push(("DOCKER_REGISTRY_SERVER_USERNAME", user.clone()));
            list.push(("DOCKER_REGISTRY_SERVER_PASSWORD", password.clone()));
        }
    }
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::testing::{Script, agent_setup, container};

    fn settings_of(script: &Script, environment: &[&str], agent: bool) -> Vec<Setting> {
        let mut container = container(&["x"]);
        container.environment = environment.iter().map(|pair| (*pair).to_owned()).collect();
        let setup = agent_setup();
        app_settings(&script.settings(), &container, agent.then_some(&setup))
    }

    fn value<'a>(list: &'a [Setting], name: &str) -> Option<&'a str> {
        let mut values = list.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "{name} occurs twice");
        value
    }

    #[test]
    fn the_platform_has_what_it_wants() {
        let list = settings_of(&Script::new(), &[], false);
        for (name, expected) in [
            ("FUNCTIONS_EXTENSION_VERSION", Some("~4")),
            ("WEBSITES_ENABLE_APP_SERVICE_STORAGE", Some("false")),
            ("WEBSITES_PORT", Some("80")),
            ("WEBSITES_CONTAINER_START_TIME_LIMIT", Some("230")),
            ("AzureFunctionsJobHost__functionTimeout", Some("00:10:00")),
            ("AzureWebJobsStorage__accountName", Some("sockerlessstorage")),
            ("AzureWebJobsStorage", None),
            ("DOCKER_REGISTRY_SERVER_URL", None),
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", None),
        ] {
            assert_eq!(value(&list, name), expected, "{name}");
        }
    }

    #[test]
    fn a_storage_key_makes_a_connection_string() {
        let list = settings_of(&Script::new().with(config::STORAGE_KEY, "a2V5"), &[], false);
        let expected = "DefaultEndpointsProtocol=https;AccountName=sockerlessstorage;AccountKey=a2V5;EndpointSuffix=core.windows.net";
        assert_eq!(value(&list, "AzureWebJobsStorage"), Some(expected));
        assert_eq!(value(&list, "AzureWebJobsStorage__accountName"), None);
    }

    #[test]
    fn a_registry_is_named() {
        let script = Script::new()
            .with(config::REGISTRY, "r.example")
            .with(config::REGISTRY_USERNAME, "u")
            .with(config::REGISTRY_PASSWORD, "p");
        let list = settings_of(&script, &[], false);
        assert_eq!(value(&list, "DOCKER_REGISTRY_SERVER_URL"), Some("https://r.example"));
        assert_eq!(value(&list, "DOCKER_REGISTRY_SERVER_PASSWORD"), Some("p"));
    }

    #[test]
    fn the_agent_has_its_environment_and_the_connection_string() {
        let script = Script::new().with(config::APP_INSIGHTS, "InstrumentationKey=k");
        let list = settings_of(&script, &[], true);
        assert_eq!(value(&list, "SOCKERLESS_AGENT_TOKEN"), Some("token"));
        assert_eq!(value(&list, "APPLICATIONINSIGHTS_CONNECTION_STRING"), Some("InstrumentationKey=k"));
        assert_eq!(value(&settings_of(&script, &[], false), "APPLICATIONINSIGHTS_CONNECTION_STRING"), None);
    }

    #[test]
    fn the_users_environment_goes_in_where_its_names_survive() {
        let list = settings_of(&Script::new(), &["A=x=y", "_b1=", "EMPTY", "A=last", "MULTI=one\ntwo"], true);
        assert_eq!(value(&list, "A"), Some("last"));
        assert_eq!(value(&list, "_b1"), Some(""));
        assert_eq!(value(&list, "EMPTY"), Some(""));
        assert_eq!(value(&list, "MULTI"), Some("one\ntwo"));
        let odd = ["with.dots=1", "1A=1", "=1", "a-b=1", "ü=1", "NUL=a\0b"];
        assert_eq!(settings_of(&Script::new(), &odd, true), settings_of(&Script::new(), &[], true));
    }

    #[test]
    fn the_platforms_names_stay_the_platforms() {
        let theirs = [
            "PORT=5",
            "path=/x",
            "WEBSITES_PORT=6",
            "WEBSITE_SITE_NAME=x",
            "AzureWebJobsStorage=x",
            "azurewebjobsstorage__accountname=x",
            "FUNCTIONS_EXTENSION_VERSION=~1",
            "functions_worker_runtime=x",
            "APPSETTING_A=x",
            "SOCKERLESS_AGENT_TOKEN=x",
            "APPLICATIONINSIGHTS_CONNECTION_STRING=x",
            "DOCKER_HOST=x",
            "AzureFunctionsJobHost__functionTimeout=x",
        ];
        assert_eq!(settings_of(&Script::new(), &theirs, true), settings_of(&Script::new(), &[], true));
    }

    #[test]
    fn names_that_differ_only_in_case_are_one() {
        let list = settings_of(&Script::new(), &["http_proxy=a", "HTTP_PROXY=b"], false);
        assert_eq!(value(&list, "http_proxy"), Some("a"));
        assert_eq!(value(&list, "HTTP_PROXY"), None);
    }

    #[test]
    fn a_day_is_a_day() {
        let list = settings_of(&Script::new().with(config::TIMEOUT, "86400"), &[], false);
        assert_eq!(value(&list, "AzureFunctionsJobHost__functionTimeout"), Some("1.00:00:00"));
    }
}
