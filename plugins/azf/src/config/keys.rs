//! The keys that an operator can set, each once: the descriptor, the errors and the documentation are made of this table.

/// One key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Name of the environment variable.
    pub name: &'static str,
    /// Whether nothing works without it.
    pub required: bool,
    /// What it is when it is not set.
    pub default: Option<&'static str>,
    /// Whether it is kept out of logs.
    pub secret: bool,
    /// What it is for, and what form it has.
    pub help: &'static str,
}

pub(crate) const SUBSCRIPTION_ID: &str = "SOCKERLESS_AZF_SUBSCRIPTION_ID";
pub(crate) const RESOURCE_GROUP: &str = "SOCKERLESS_AZF_RESOURCE_GROUP";
pub(crate) const LOCATION: &str = "SOCKERLESS_AZF_LOCATION";
pub(crate) const STORAGE_ACCOUNT: &str = "SOCKERLESS_AZF_STORAGE_ACCOUNT";
pub(crate) const STORAGE_KEY: &str = "SOCKERLESS_AZF_STORAGE_KEY";
pub(crate) const APP_SERVICE_PLAN: &str = "SOCKERLESS_AZF_APP_SERVICE_PLAN";
pub(crate) const REGISTRY: &str = "SOCKERLESS_AZF_REGISTRY";
pub(crate) const REGISTRY_USERNAME: &str = "SOCKERLESS_AZF_REGISTRY_USERNAME";
pub(crate) const REGISTRY_PASSWORD: &str = "SOCKERLESS_AZF_REGISTRY_PASSWORD";
pub(crate) const IDENTITY: &str = "SOCKERLESS_AZF_IDENTITY";
pub(crate) const IDENTITY_CLIENT_ID: &str = "SOCKERLESS_AZF_IDENTITY_CLIENT_ID";
pub(crate) const AGENT_SHARE: &str = "SOCKERLESS_AZF_AGENT_SHARE";
pub(crate) const AGENT_SHARE_ACCOUNT: &str = "SOCKERLESS_AZF_AGENT_SHARE_ACCOUNT";
pub(crate) const AGENT_SHARE_KEY: &str = "SOCKERLESS_AZF_AGENT_SHARE_KEY";
pub(crate) const AGENT_COMMAND: &str = "SOCKERLESS_AZF_AGENT_COMMAND";
pub(crate) const TIMEOUT: &str = "SOCKERLESS_AZF_TIMEOUT";
pub(crate) const CALLBACK_TIMEOUT: &str = "SOCKERLESS_AZF_CALLBACK_TIMEOUT";
pub(crate) const START_TIME_LIMIT: &str = "SOCKERLESS_AZF_START_TIME_LIMIT";
pub(crate) const ALWAYS_ON: &str = "SOCKERLESS_AZF_ALWAYS_ON";
pub(crate) const WORKSPACE: &str = "SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE";
pub(crate) const APP_INSIGHTS: &str = "SOCKERLESS_AZF_APPLICATIONINSIGHTS_CONNECTION_STRING";
pub(crate) const STOP: &str = "SOCKERLESS_AZF_STOP";
pub(crate) const HELPERS: &str = "SOCKERLESS_AZF_HELPERS";
pub(crate) const CLOUD: &str = "SOCKERLESS_AZF_CLOUD";

const fn required(name: &'static str, help: &'static str) -> Key {
    Key { name, required: true, default: None, secret: false, help }
}

const fn optional(name: &'static str, help: &'static str) -> Key {
    Key { name, required: false, default: None, secret: false, help }
}

const fn defaulted(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, required: false, default: Some(default), secret: false, help }
}

const fn secret(name: &'static str, help: &'static str) -> Key {
    Key { name, required: false, default: None, secret: true, help }
}

/// Every key.
pub const KEYS: &[Key] = &[
    required(
        SUBSCRIPTION_ID,
        "The Azure subscription in which function apps are made: its id, such as 01234567-89ab-cdef-0123-456789abcdef.",
    ),
    required(RESOURCE_GROUP, "The resource group in which function apps are made: the name of one that exists."),
    defaulted(
        LOCATION,
        "eastus",
        "The Azure region of the function apps, which must be the plan's: a name such as eastus.",
    ),
    required(
        STORAGE_ACCOUNT,
        "The storage account that every function app must name (AzureWebJobsStorage): 3 to 24 lower-case letters and digits.",
    ),
    secret(
        STORAGE_KEY,
        "A key of the storage account, base64; without it the apps name the account in the form that needs a managed identity.",
    ),
    required(
        APP_SERVICE_PLAN,
        "The plan that the function apps run on, Elastic Premium or Dedicated, for Linux: its name in the resource group, or \
         its id (/subscriptions/…/serverfarms/…).",
    ),
    optional(REGISTRY, "The container registry that images are pulled from: a URL such as https://example.azurecr.io."),
    optional(REGISTRY_USERNAME, "The user name at the container registry; needs the password as well."),
    secret(REGISTRY_PASSWORD, "The password at the container registry; needs the user name as well."),
    optional(
        IDENTITY,
        "A user-assigned managed identity that the function apps get, to pull images and reach the storage account: its id \
         (/subscriptions/…/userAssignedIdentities/…).",
    ),
    optional(IDENTITY_CLIENT_ID, "The client id of the managed identity, a GUID; needed with it."),
    optional(
        AGENT_SHARE,
        "The Azure Files share that has the agent, filled by sockerless azure push-agent and mounted into every function app at \
         /sockerless, for images that have no agent: its name.",
    ),
    optional(
        AGENT_SHARE_ACCOUNT,
        "The storage account of the agent's share, if it is not the one that the function apps name: 3 to 24 lower-case letters \
         and digits.",
    ),
    secret(
        AGENT_SHARE_KEY,
        "A key of the account of the agent's share, base64, if it is not that of the storage account: the platform mounts \
         nothing without one.",
    ),
    optional(
        AGENT_COMMAND,
        "The agent as the platform starts it: a name that is on the image's PATH, or an absolute path. Without it \
         sockerless-agent, or /sockerless/sockerless-agent with an agent's share.",
    ),
    defaulted(TIMEOUT, "600", "How long an invocation of a function may take, in seconds from 1 to 86400."),
    defaulted(
        CALLBACK_TIMEOUT,
        "60",
        "How long a start waits for the agent in the function app to call back, in seconds from 1 to 540.",
    ),
    defaulted(
        START_TIME_LIMIT,
        "230",
        "How long the platform lets a container take until it answers, in seconds from 1 to 1800.",
    ),
    defaulted(
        ALWAYS_ON,
        "true",
        "Whether the platform keeps the function apps loaded: true, or false for a plan that does not allow it.",
    ),
    optional(
        WORKSPACE,
        "The Log Analytics workspace that docker logs reads: its GUID (workspace id), or its id \
         (/subscriptions/…/workspaces/…).",
    ),
    Key {
        name: APP_INSIGHTS,
        required: false,
        default: None,
        secret: true,
        help: "Where the agents write the containers' output for docker logs: the connection string of an Application Insights \
               resource, InstrumentationKey=…;IngestionEndpoint=….",
    },
    defaulted(STOP, "noop", "What docker stop and restart do: noop, nothing; signal, they act through the agent."),
    defaulted(
        HELPERS,
        "run",
        "What becomes of commands other than tail -f /dev/null: run, they run to their end; auto-stop, they count as ended \
         after 500 ms.",
    ),
    defaulted(CLOUD, "public", "Which of Azure's clouds: public, usgov or china."),
];

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
