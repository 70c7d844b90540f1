//! The environment of the agent. None of it reaches the user's command.

/// The agent's token: the secret of one container.
pub const TOKEN: &str = "SOCKERLESS_AGENT_TOKEN";
/// Docker's id of the container.
pub const CONTAINER_ID: &str = "SOCKERLESS_CONTAINER_ID";
/// The container as the daemon knows it, for a daemon whose records were lost. The agent has no use for it.
pub const RECORD: &str = "SOCKERLESS_CONTAINER_RECORD";
/// Base URL of the daemon's agent listener: `ws://` or `wss://`.
pub const CALLBACK_URL: &str = "SOCKERLESS_AGENT_CALLBACK_URL";
/// How the agent and the daemon find each other. Set to [`LINK_DIAL`]: the daemon dials, and there is no [`CALLBACK_URL`].
pub const LINK: &str = "SOCKERLESS_AGENT_LINK";
/// See [`LINK`].
pub const LINK_DIAL: &str = "dial";
/// Set to [`CHANGES_OFF`] by whoever runs containers on other files than an image's: what changes in them is then not told.
pub const CHANGES: &str = "SOCKERLESS_AGENT_CHANGES";
/// See [`CHANGES`].
pub const CHANGES_OFF: &str = "off";
/// The process that the agent is to run, as [`crate::spec::ProcessSpec::encode`] writes it.
pub const SPEC: &str = "SOCKERLESS_AGENT_SPEC";
