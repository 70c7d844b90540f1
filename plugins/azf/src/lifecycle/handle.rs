//! What this backend must remember of a container.

use serde::{Deserialize, Serialize};

use crate::bindings::agents::{AgentError, AgentSetup};
use crate::bindings::types::{Container, Error, Handle};
use crate::world::{World, agent_error_text};

/// The form of the data. A later form keeps reading this one.
const VERSION: u32 = 1;

/// The app that a container is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct App {
    /// The app's name, which its logs carry.
    pub(crate) name: String,
    /// Its path in the resource manager.
    pub(crate) resource_id: String,
    /// The host name that Azure gave it.
    pub(crate) host: String,
    /// How its agent is spoken to. Absent: it has none.
    pub(crate) agent: Option<AgentDoor>,
}

/// How an agent is invoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct AgentDoor {
    pub(crate) path: String,
    /// In lower case.
    pub(crate) exit_code_header: String,
}

impl From<&AgentSetup> for AgentDoor {
    fn from(setup: &AgentSetup) -> Self {
        Self { path: setup.invocation_path.clone(), exit_code_header: setup.exit_code_header.to_ascii_lowercase() }
    }
}

impl App {
    /// Tells the host where it can dial the app's agent, if it has one. A host that has given the container up meanwhile does not want to
    /// know, which is no error.
    pub(crate) fn tell_address(&self, world: &dyn World, container: &str) -> Result<(), Error> {
        if self.agent.is_none() {
            return Ok(());
        }
        match world.reachable_at(container, &format!("wss://{}", self.host)) {
            Ok(()) | Err(AgentError::UnknownContainer(_)) => Ok(()),
            Err(error) => {
                let why = agent_error_text(&error);
                Err(Error::Other(format!("the agent in the function app {} could not be dialled: {why}", self.name)))
            }
        }
    }

    /// As the host stores it.
    pub(crate) fn to_handle(&self) -> Result<Handle, Error> {
        let data = serde_json::to_vec(self).map_err(|error| Error::Other(format!("the handle: {error}")))?;
        Ok(Handle { version: VERSION, data })
    }

    /// What a container's handle says; nothing if it has none.
    pub(crate) fn of(container: &Container) -> Result<Option<Self>, Error> {
        container.handle.as_ref().map(Self::from_handle).transpose()
    }

    /// What a handle says.
    pub(crate) fn from_handle(handle: &Handle) -> Result<Self, Error> {
        if handle.version != VERSION {
            return Err(Error::Invalid(format!(
                "the container was made by another version of the Azure Functions backend: its handle has form {}, and this \
                 version reads form {VERSION}",
                handle.version
            )));
        }
        serde_json::from_slice(&handle.data)
            .map_err(|error| Error::Invalid(format!("the container's handle is unreadable: {error}")))
    }

    /// The same for a call that comes only after `create`.
    pub(crate) fn made(container: &Container) -> Result<Self, Error> {
        Self::of(container)?
            .ok_or_else(|| Error::Conflict(format!("the container {} has no function app yet", container.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{app, container, with_handle};

    #[test]
    fn comes_back_as_it_was() {
        for agent in [true, false] {
            let container = with_handle(container(&["x"]), agent);
            assert_eq!(App::made(&container).unwrap(), app(agent));
            assert_eq!(app(agent).to_handle().unwrap(), container.handle.unwrap());
        }
    }

    #[test]
    fn another_form_or_rubbish_is_refused() {
        let mut container = with_handle(container(&["x"]), true);
        container.handle = Some(Handle { version: 2, data: b"{}".to_vec() });
        assert!(matches!(App::of(&container), Err(Error::Invalid(text)) if text.contains("form 2")));
        container.handle = Some(Handle { version: 1, data: b"{}".to_vec() });
        assert!(matches!(App::of(&container), Err(Error::Invalid(_))));
        container.handle = None;
        assert_eq!(App::of(&container), Ok(None));
        assert!(matches!(App::made(&container), Err(Error::Conflict(_))));
    }
}
