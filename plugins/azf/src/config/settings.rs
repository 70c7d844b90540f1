//! The values of the keys, checked.

use super::keys;
use crate::bindings::types::Error;
use crate::cloud::Cloud;
use crate::world::World;

/// The agent's file in the share.
const AGENT: &str = "sockerless-agent";

/// What becomes of commands other than `tail -f /dev/null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helpers {
    /// They run to their end.
    Run,
    /// They count as ended after 500 ms.
    AutoStop,
}

/// A registry that needs to be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry {
    pub(crate) url: String,
    /// User name and password.
    pub(crate) login: Option<(String, String)>,
}

impl Registry {
    /// Its host, without scheme and path.
    pub(crate) fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }
}

/// A user-assigned identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) client_id: String,
}

/// The Azure Files share that has the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentShare {
    pub(crate) account: String,
    pub(crate) share: String,
    pub(crate) key: String,
}

impl AgentShare {
    /// Where the function apps have it mounted.
    pub(crate) const PATH: &str = "/sockerless";
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) cloud: &'static Cloud,
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) location: String,
    pub(crate) storage_account: String,
    pub(crate) storage_key: Option<String>,
    /// Name or ARM id.
    pub(crate) plan: String,
    pub(crate) registry: Option<Registry>,
    pub(crate) identity: Option<Identity>,
    pub(crate) agent_share: Option<AgentShare>,
    /// What the platform starts instead of the program that the host names.
    pub(crate) agent_command: Option<String>,
    /// Of an invocation.
    pub(crate) timeout_s: u32,
    pub(crate) callback_timeout_s: u32,
    pub(crate) start_time_limit_s: u32,
    pub(crate) always_on: bool,
    /// GUID or ARM id.
    pub(crate) workspace: Option<String>,
    pub(crate) app_insights: Option<String>,
    pub(crate) helpers: Helpers,
}

impl Settings {
    /// Reads and checks every key.
    pub(crate) fn read(world: &dyn World) -> Result<Self, Error> {
        let values = Values(world);
        let subscription = values.required(keys::SUBSCRIPTION_ID, is_guid)?;
        let group = values.required(keys::RESOURCE_GROUP, is_segment)?;
        let storage_account = values.required(keys::STORAGE_ACCOUNT, is_storage_account)?;
        let plan = values.required(keys::APP_SERVICE_PLAN, |value| is_segment(value) || is_arm_id(value))?;
        let location = values.valid(keys::LOCATION, is_segment)?.unwrap_or_else(|| "eastus".to_owned());
        let cloud = match values.get(keys::CLOUD) {
            None => Cloud::PUBLIC,
            Some(name) => Cloud::named(&name).ok_or_else(|| malformed(keys::CLOUD))?,
        };
        // One of two values, the first of which is the default.
        let choice = |key, first: &str, second: &str| -> Result<bool, Error> {
            let value = values.valid(key, |value| [first, second].contains(&value))?;
            Ok(value.is_some_and(|value| value == second))
        };
        choice(keys::STOP, "noop", "signal")?;
        let storage_key = values.valid(keys::STORAGE_KEY, is_storage_key)?;
        let agent_share = values.agent_share(&storage_account, storage_key.as_deref())?;
        let in_share = || agent_share.as_ref().map(|_| format!("{}/{AGENT}", AgentShare::PATH));
        let agent_command = values.valid(keys::AGENT_COMMAND, is_program)?.or_else(in_share);
        let helpers = if choice(keys::HELPERS, "run", "auto-stop")? { Helpers::AutoStop } else { Helpers::Run };
        Ok(Self {
            cloud,
            subscription,
            group,
            location,
            storage_account,
            storage_key,
            plan,
            registry: values.registry()?,
            identity: values.identity()?,
            agent_share,
            agent_command,
            timeout_s: values.seconds(keys::TIMEOUT, 600, 86_400)?,
            callback_timeout_s: values.seconds(keys::CALLBACK_TIMEOUT, 60, 540)?,
            start_time_limit_s: values.seconds(keys::START_TIME_LIMIT, 230, 1_800)?,
            always_on: !choice(keys::ALWAYS_ON, "true", "false")?,
            workspace: values.valid(keys::WORKSPACE, |value| is_guid(value) || is_arm_id(value))?,
            app_insights: values.valid(keys::APP_INSIGHTS, |value| value.contains("InstrumentationKey="))?,
            helpers,
        })
    }

    /// The ARM id of the resource group.
    pub(crate) fn group_id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }

    /// The ARM id of the plan.
    pub(crate) fn plan_id(&self) -> String {
        if is_arm_id(&self.plan) {
            return self.plan.trim_end_matches('/').to_owned();
        }
        format!("{}/providers/Microsoft.Web/serverfarms/{}", self.group_id(), self.plan)
    }
}

/// Whether `docker stop` and `restart` act. Not a part of [`Settings`]: a stop shall not fail for want of another key.
pub(crate) fn stop_signals(world: &dyn World) -> bool {
    world.config(keys::STOP).is_some_and(|value| value.trim() == "signal")
}

struct Values<'w>(&'w dyn World);

impl Values<'_> {
    /// A value that is set, without the spaces around it.
    fn get(&self, key: &str) -> Option<String> {
        self.0.config(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn valid(&self, key: &str, is_valid: impl Fn(&str) -> bool) -> Result<Option<String>, Error> {
        match self.get(key) {
            Some(value) if !is_valid(&value) => Err(malformed(key)),
            value => Ok(value),
        }
    }

    fn required(&self, key: &str, is_valid: impl Fn(&str) -> bool) -> Result<String, Error> {
        self.valid(key, is_valid)?.ok_or_else(|| missing(key))
    }

    fn seconds(&self, key: &str, default: u32, most: u32) -> Result<u32, Error> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.parse().ok().filter(|seconds| (1..=most).contains(seconds)).ok_or_else(|| malformed(key))
    }

    fn registry(&self) -> Result<Option<Registry>, Error> {
        let is_host = |value: &str| !value.contains(char::is_whitespace);
        let user = self.get(keys::REGISTRY_USERNAME);
        let password = self.get(keys::REGISTRY_PASSWORD);
        let login = match (user, password) {
            (None, None) => None,
            (Some(user), Some(password)) => Some((user, password)),
            (Some(_), None) => return Err(missing(keys::REGISTRY_PASSWORD)),
            (None, Some(_)) => return Err(missing(keys::REGISTRY_USERNAME)),
        };
        match (self.valid(keys::REGISTRY, is_host)?, login) {
            (None, Some(_)) => Err(missing(keys::REGISTRY)),
            (None, None) => Ok(None),
            // The platform wants a URL; people write hosts.
            (Some(url), login) if url.contains("://") => Ok(Some(Registry { url, login })),
            (Some(host), login) => Ok(Some(Registry { url: format!("https://{host}"), login })),
        }
    }

    /// The share with the agent, in the storage account of the apps unless it is another one.
    fn agent_share(&self, storage_account: &str, storage_key: Option<&str>) -> Result<Option<AgentShare>, Error> {
        let account = self.valid(keys::AGENT_SHARE_ACCOUNT, is_storage_account)?;
        let key = self.valid(keys::AGENT_SHARE_KEY, is_storage_key)?;
        let Some(share) = self.valid(keys::AGENT_SHARE, is_share)? else {
            return if account.is_some() || key.is_some() { Err(missing(keys::AGENT_SHARE)) } else { Ok(None) };
        };
        // The key of one account opens no other.
        let of_storage = storage_key.filter(|_| account.as_deref().is_none_or(|account| account == storage_account));
        let key = key.or_else(|| of_storage.map(str::to_owned)).ok_or_else(|| missing(keys::AGENT_SHARE_KEY))?;
        Ok(Some(AgentShare { account: account.unwrap_or_else(|| storage_account.to_owned()), share, key }))
    }

    fn identity(&self) -> Result<Option<Identity>, Error> {
        let id = self.valid(keys::IDENTITY, is_arm_id)?;
        let client_id = self.valid(keys::IDENTITY_CLIENT_ID, is_guid)?;
        match (id, client_id) {
            (None, None) => Ok(None),
            (Some(id), Some(client_id)) => Ok(Some(Identity { id, client_id })),
            (Some(_), None) => Err(missing(keys::IDENTITY_CLIENT_ID)),
            (None, Some(_)) => Err(missing(keys::IDENTITY)),
        }
    }
}

fn help(key: &str) -> &'static str {
    keys::find(key).map_or("", |key| key.help)
}

/// The error of a key that is needed and not set.
pub(crate) fn missing(key: &str) -> Error {
    Error::Configuration(format!("{key} is not set. {}", help(key)))
}

/// The error of a value that has not the form that its key wants. The value is not shown: it may be a secret.
fn malformed(key: &str) -> Error {
    Error::Configuration(format!("{key} has a value that it cannot have. {}", help(key)))
}

/// `8-4-4-4-12` hexadecimal digits.
pub(crate) fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    lengths.iter().all(|length| {
        parts.next().is_some_and(|part| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }) && parts.next().is_none()
}

/// A path below a subscription.
pub(crate) fn is_arm_id(text: &str) -> bool {
    let prefix = "/subscriptions/";
    text.get(..prefix.len()).is_some_and(|front| front.eq_ignore_ascii_case(prefix))
        && !text.contains(|c: char| c.is_control() || c.is_whitespace() || "?#%\\".contains(c))
        && !text.contains("/../")
}

/// One segment of a path.
fn is_segment(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || "/?#%\\".contains(c)) && !matches!(text, "" | "." | "..")
}

/// The name of a file share.
fn is_share(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// What may stand in a connection string.
fn is_storage_key(text: &str) -> bool {
    !text.contains(';')
}

/// A program's name or absolute path.
fn is_program(text: &str) -> bool {
    !text.contains(char::is_control) && (text.starts_with('/') || !text.contains('/'))
}

fn is_storage_account(text: &str) -> bool {
    (3..=24).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    fn refused(script: Script) -> String {
        match Settings::read(&script) {
            Err(Error::Configuration(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let settings = Settings::read(&Script::new()).unwrap();
        assert_eq!((settings.location.as_str(), settings.cloud.name), ("eastus", "public"));
        assert_eq!((settings.timeout_s, settings.callback_timeout_s, settings.start_time_limit_s), (600, 60, 230));
        assert_eq!((settings.helpers, settings.always_on), (Helpers::Run, true));
        for key in keys::KEYS {
            let default = key.default.map_or_else(Script::new, |value| Script::new().with(key.name, value));
            assert_eq!(Settings::read(&default).unwrap(), settings, "{}", key.name);
        }
    }

    #[test]
    fn a_missing_key_is_named_with_what_it_is_for() {
        for key in keys::KEYS.iter().filter(|key| key.required) {
            let text = refused(Script::new().without(key.name));
            assert!(text.starts_with(key.name) && text.contains(key.help), "{text}");
        }
        assert!(refused(Script::bare()).contains("subscription"));
    }

    #[test]
    fn a_malformed_value_is_not_repeated() {
        for (key, value) in [
            (keys::SUBSCRIPTION_ID, "my-subscription"),
            (keys::RESOURCE_GROUP, "a/b"),
            (keys::STORAGE_ACCOUNT, "Has-Capitals"),
            (keys::APP_SERVICE_PLAN, "x?y"),
            (keys::CLOUD, "moon"),
            (keys::STOP, "yes"),
            (keys::HELPERS, "no"),
            (keys::ALWAYS_ON, "1"),
            (keys::TIMEOUT, "0"),
            (keys::CALLBACK_TIMEOUT, "541"),
            (keys::START_TIME_LIMIT, "1801"),
            (keys::WORKSPACE, "sockerless-logs"),
            (keys::APP_INSIGHTS, "hunter2"),
            (keys::STORAGE_KEY, "a;b"),
            (keys::AGENT_SHARE, "Agents"),
            (keys::AGENT_SHARE_ACCOUNT, "x"),
            (keys::AGENT_COMMAND, "bin/agent"),
        ] {
            let text = refused(Script::new().with(key, value));
            assert!(text.starts_with(key), "{text}");
            assert!(!text.contains(&format!(" {value} ")), "{text}");
        }
    }

    #[test]
    fn what_belongs_together_comes_together() {
        assert!(refused(Script::new().with(keys::REGISTRY_USERNAME, "u")).starts_with(keys::REGISTRY_PASSWORD));
        let login = Script::new().with(keys::REGISTRY_USERNAME, "u").with(keys::REGISTRY_PASSWORD, "p");
        assert!(refused(login).starts_with("SOCKERLESS_AZF_REGISTRY is not set"));
        let identity = Script::new().with(keys::IDENTITY, "/subscriptions/s/x");
        assert!(refused(identity).starts_with(keys::IDENTITY_CLIENT_ID));
    }

    #[test]
    fn the_agents_share_is_in_the_storage_account_or_in_one_of_its_own() {
        let with = |pairs: &[(&'static str, &str)]| {
            pairs
                .iter()
                .fold(Script::new().with(keys::AGENT_SHARE, "agents"), |script, (key, value)| script.with(key, value))
        };
        let of = |pairs: &[(&'static str, &str)]| {
            let settings = Settings::read(&with(pairs)).unwrap();
            let AgentShare { account, key, .. } = settings.agent_share.unwrap();
            (account, key, settings.agent_command.unwrap())
        };
        let owned = |account: &str, key: &str, command: &str| (account.to_owned(), key.to_owned(), command.to_owned());
        let default = "/sockerless/sockerless-agent";
        assert_eq!(of(&[(keys::STORAGE_KEY, "k")]), owned("sockerlessstorage", "k", default));
        assert_eq!(
            of(&[(keys::AGENT_SHARE_ACCOUNT, "agents1"), (keys::AGENT_SHARE_KEY, "o"), (keys::STORAGE_KEY, "k")]),
            owned("agents1", "o", default)
        );
        assert_eq!(
            of(&[(keys::AGENT_SHARE_KEY, "o"), (keys::AGENT_COMMAND, "/opt/agent")]),
            owned("sockerlessstorage", "o", "/opt/agent")
        );
        assert!(refused(with(&[])).starts_with(keys::AGENT_SHARE_KEY));
        // The key of another account is none of this one's.
        let elsewhere = with(&[(keys::AGENT_SHARE_ACCOUNT, "agents1"), (keys::STORAGE_KEY, "k")]);
        assert!(refused(elsewhere).starts_with(keys::AGENT_SHARE_KEY));
        assert!(
            refused(Script::new().with(keys::AGENT_SHARE_KEY, "k"))
                .starts_with("SOCKERLESS_AZF_AGENT_SHARE is not set")
        );
    }

    #[test]
    fn a_registry_is_a_url() {
        let registry = |value| Settings::read(&Script::new().with(keys::REGISTRY, value)).unwrap().registry.unwrap();
        assert_eq!(registry("r.azurecr.io").url, "https://r.azurecr.io");
        assert_eq!(registry("https://r.azurecr.io/v2").host(), "r.azurecr.io");
    }

    #[test]
    fn a_plan_is_a_name_or_an_id() {
        let plan = |value| Settings::read(&Script::new().with(keys::APP_SERVICE_PLAN, value)).unwrap().plan_id();
        let group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless";
        assert_eq!(plan("p"), format!("{group}/providers/Microsoft.Web/serverfarms/p"));
        let id = "/subscriptions/s/resourceGroups/other/providers/Microsoft.Web/serverfarms/p";
        assert_eq!(plan(id), id);
    }

    #[test]
    fn guids() {
        assert!(is_guid("33333333-3333-3333-3333-333333333333"));
        for text in ["", "3", "33333333-3333-3333-3333-33333333333g", "33333333-3333-3333-3333-333333333333-3"] {
            assert!(!is_guid(text), "{text}");
        }
    }
}
