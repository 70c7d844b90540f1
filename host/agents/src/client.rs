//! What is asked of an agent.

use bytes::Bytes;
use http::Method;
use sockerless_agent_protocol::changes::Change;
use sockerless_agent_protocol::frame::From;
use sockerless_agent_protocol::paths;
use sockerless_agent_protocol::process::{MainRun, ProcessState, Top};
use sockerless_agent_protocol::sample::Sample;
use sockerless_agent_protocol::spec::ProcessSpec;

use crate::error::{AgentFailure, Result};
use crate::exchange::{Patience, fetch, path};
use crate::input::Input;
use crate::output::Output;
use crate::registry::AgentRegistry;

/// What a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: the state as it is.
    No,
    /// The process exists, or is known not to. Also for a process that the agent has not been told of yet.
    Begun,
    /// The process has ended.
    Exited,
}

/// The client of the agents' API. Cheap to clone.
///
/// A process is named by its run id or exec id. Every request waits for the agent if it is expected back.
#[derive(Clone)]
pub struct AgentClient {
    pub(crate) registry: AgentRegistry,
}

impl AgentClient {
    /// A client of the agents that a registry knows.
    #[must_use]
    pub fn new(registry: AgentRegistry) -> Self {
        Self { registry }
    }

    /// Whether the container's agent is connected.
    #[must_use]
    pub fn connected(&self, container: &str) -> bool {
        self.registry.connected(container)
    }

    /// What is known of a process; nothing if the agent does not know it.
    ///
    /// # Errors
    /// No agent, when the state is asked for as it is; to wait has no limit but the container's life.
    pub async fn state(&self, container: &str, process: &str, wait: Wait) -> Result<Option<ProcessState>> {
        let (patience, query): (_, &[(&str, &str)]) = match wait {
            Wait::No => (Patience::Short, &[]),
            Wait::Begun => (Patience::Endless, &[("wait", "begun")]),
            Wait::Exited => (Patience::Endless, &[("wait", "exited")]),
        };
        let path = path(paths::PROCESSES, &[process], query);
        match fetch(&self.registry, container, patience, Method::GET, &path, Bytes::new()).await {
            Ok((_, body)) => parse(&body).map(Some),
            Err(AgentFailure::Refused { status: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The run that the agent has been asked for, under way or over; nothing if there was none. Waits for the agent as long as the
    /// container is there.
    ///
    /// # Errors
    /// The container is gone; the agent is too old to tell.
    pub async fn main_run(&self, container: &str) -> Result<Option<String>> {
        let (_, body) =
            fetch(&self.registry, container, Patience::Endless, Method::GET, paths::RUN, Bytes::new()).await?;
        Ok(parse::<MainRun>(&body)?.run)
    }

    /// Waits until the container's own process has begun, and holds the container for the instance of the platform where it has.
    ///
    /// # Errors
    /// The container is gone; the agent does not answer as it should.
    pub async fn begun(&self, container: &str, run: &str) -> Result<ProcessState> {
        let path = path(paths::PROCESSES, &[run], &[("wait", "begun")]);
        let (link, body) =
            fetch(&self.registry, container, Patience::Endless, Method::GET, &path, Bytes::new()).await?;
        self.registry.runs(container, &link.boot);
        parse(&body)
    }

    /// The container's own process has ended: another instance of the platform may have the container.
    pub fn ended(&self, container: &str) {
        self.registry.rests(container);
    }

    /// Starts a process; the second time with the same id, tells of the first one.
    ///
    /// # Errors
    /// No agent. That the process cannot be started is no error here.
    pub async fn start(&self, container: &str, process: &str, spec: &ProcessSpec) -> Result<ProcessState> {
        let body = serde_json::to_vec(spec).map_err(|error| AgentFailure::Broken(error.to_string()))?;
        let path = path(paths::PROCESSES, &[process], &[]);
        let (_, body) = fetch(&self.registry, container, Patience::Short, Method::POST, &path, body.into()).await?;
        parse(&body)
    }

    /// Forgets a process that has ended, with its output.
    ///
    /// # Errors
    /// No agent.
    pub async fn forget(&self, container: &str, process: &str) -> Result<()> {
        self.tell(container, Method::DELETE, &path(paths::PROCESSES, &[process], &[])).await
    }

    /// From now on, output that nobody reads may be dropped.
    ///
    /// # Errors
    /// No agent, or no such process.
    pub async fn release(&self, container: &str, process: &str) -> Result<()> {
        self.tell(container, Method::POST, &path(paths::PROCESSES, &[process, "release"], &[])).await
    }

    /// Sends a signal (`SIGTERM`) to a process and its group.
    ///
    /// # Errors
    /// No agent, or no such process that runs.
    pub async fn signal(&self, container: &str, process: &str, signal: &str) -> Result<()> {
        let path = path(paths::PROCESSES, &[process, "signal"], &[("signal", signal)]);
        self.tell(container, Method::POST, &path).await
    }

    /// Tells a process's terminal its size.
    ///
    /// # Errors
    /// No agent, no such process, or one without a terminal.
    pub async fn resize(&self, container: &str, process: &str, height: u16, width: u16) -> Result<()> {
        let query = [("height", &*height.to_string()), ("width", &*width.to_string())];
        self.tell(container, Method::POST, &path(paths::PROCESSES, &[process, "resize"], &query)).await
    }

    /// The processes of a container, by the arguments of `ps`.
    ///
    /// # Errors
    /// No agent; arguments that it does not understand.
    pub async fn top(&self, container: &str, arguments: &str) -> Result<Top> {
        let path = path(paths::TOP, &[], &[("ps_args", arguments)]);
        let (_, body) = fetch(&self.registry, container, Patience::Short, Method::GET, &path, Bytes::new()).await?;
        parse(&body)
    }

    /// What has changed in a container's file system.
    ///
    /// # Errors
    /// No agent; one that does not know.
    pub async fn changes(&self, container: &str) -> Result<Vec<Change>> {
        let (_, body) =
            fetch(&self.registry, container, Patience::Short, Method::GET, paths::CHANGES, Bytes::new()).await?;
        parse(&body)
    }

    /// What a container uses now.
    ///
    /// # Errors
    /// No agent.
    pub async fn sample(&self, container: &str) -> Result<Sample> {
        let (_, body) =
            fetch(&self.registry, container, Patience::Short, Method::GET, paths::SAMPLE, Bytes::new()).await?;
        parse(&body)
    }

    /// Opens the output of a process.
    ///
    /// # Errors
    /// No agent, no such process, or an offset whose output has been dropped.
    pub async fn output(&self, container: &str, process: &str, from: From) -> Result<Output> {
        Output::open(self.registry.clone(), container, process, from).await
    }

    /// Opens the input of a process. With `close`, the process sees its end.
    #[must_use]
    pub fn input(&self, container: &str, process: &str, close: bool) -> Input {
        Input::open(self.registry.clone(), container, process, close)
    }

    async fn tell(&self, container: &str, method: Method, path: &str) -> Result<()> {
        fetch(&self.registry, container, Patience::Short, method, path, Bytes::new()).await.map(|_| ())
    }
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| AgentFailure::Broken(format!("the agent's answer is not understood: {error}")))
}
