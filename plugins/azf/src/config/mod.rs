//! The configuration: its keys, and what their values mean.

mod keys;
mod settings;

#[cfg(test)]
pub(crate) use self::keys::{
    AGENT_COMMAND, AGENT_SHARE, AGENT_SHARE_KEY, CALLBACK_TIMEOUT, HELPERS, IDENTITY, IDENTITY_CLIENT_ID, REGISTRY,
    REGISTRY_PASSWORD, REGISTRY_USERNAME, STORAGE_ACCOUNT, STORAGE_KEY, TIMEOUT,
};
pub(crate) use self::keys::{
    APP_INSIGHTS, APP_SERVICE_PLAN, CLOUD, LOCATION, RESOURCE_GROUP, STOP, SUBSCRIPTION_ID, WORKSPACE,
};
pub use self::keys::{KEYS, Key};
pub(crate) use self::settings::{AgentShare, Helpers, Registry, Settings, is_guid, missing, stop_signals};
