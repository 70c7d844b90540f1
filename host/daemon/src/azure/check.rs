//! What `sockerless doctor` looks at besides the backend: where images and the agent come from, both of which the cloud gets by itself
//! when a container starts.

use anyhow::{Context, Result, bail};
use sockerless_docker::RegistryAuth;
use sockerless_engine::Registries;
use sockerless_registry::RegistryClient;

use super::share::{AGENT, AgentShare};
use crate::config::{Config, Settings};

const REGISTRY: &str = "SOCKERLESS_AZF_REGISTRY";
const REGISTRY_USERNAME: &str = "SOCKERLESS_AZF_REGISTRY_USERNAME";
const REGISTRY_PASSWORD: &str = "SOCKERLESS_AZF_REGISTRY_PASSWORD";
const AGENT_COMMAND: &str = "SOCKERLESS_AZF_AGENT_COMMAND";
/// Where the backend has the share mounted.
const MOUNT: &str = "/sockerless/";

/// Whether the registry that the settings name answers, and takes the credentials that they name. Answers what was found; nothing if
/// they name none.
///
/// # Errors
/// It does not; the text says what to look at.
pub(crate) async fn registry(settings: &Settings, client: &RegistryClient) -> Result<Option<String>> {
    let Some(address) = settings.get(REGISTRY) else { return Ok(None) };
    let (Some(user), Some(password)) = (settings.get(REGISTRY_USERNAME), settings.get(REGISTRY_PASSWORD)) else {
        // Azure's own are asked by the app's identity, which nobody else has, others by nobody.
        client.reach(address).await.with_context(|| {
            format!(
                "the registry {address} of {REGISTRY} does not answer: is it there? az acr list --query [].loginServer"
            )
        })?;
        return Ok(Some(format!(
            "the registry {address} answers; whether it lets the apps pull is not seen from here"
        )));
    };
    let auth = RegistryAuth {
        username: user.to_owned(),
        password: password.to_owned(),
        serveraddress: address.to_owned(),
        ..RegistryAuth::default()
    };
    client.login(&auth).await.with_context(|| {
        format!(
            "the registry {address} does not take {REGISTRY_USERNAME} and {REGISTRY_PASSWORD}: try them with docker login {address}, \
             or see az acr credential show"
        )
    })?;
    Ok(Some(format!("the registry {address} takes the user name and the password")))
}

/// Whether the share that the settings name has the agent. Answers what was found; nothing if they name none.
///
/// # Errors
/// It has not, or cannot be looked at; the text says what to run.
pub(crate) async fn agent_share(config: &Config) -> Result<Option<String>> {
    let Some(share) = AgentShare::of(config)? else { return Ok(None) };
    let file = match config.settings.get(AGENT_COMMAND) {
        None => AGENT,
        Some(command) => match command.strip_prefix(MOUNT) {
            Some(file) => file,
            // It comes from the image.
            None => return Ok(None),
        },
    };
    match share.client.file(file).await {
        Ok(Some(found)) => {
            Ok(Some(format!("the share {} of {} has the agent, {} bytes", share.share, share.account, found.size)))
        }
        Ok(None) => bail!(
            "the share {} of {} has no {file}, which the apps start: sockerless azure push-agent puts {AGENT} there",
            share.share,
            share.account
        ),
        Err(error) => Err(share.explain(error)),
    }
}
