//! Dialling agents that cannot dial: a task for each such container, which keeps a link for as long as the container is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sockerless_agent_protocol::handshake::Key;
use sockerless_agent_protocol::link::websocket_config;
use sockerless_agent_protocol::redial::{BUSY, Redial, UNKNOWN};
use sockerless_agent_protocol::{VERSION, headers, paths};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::links::{self, Peer};
use crate::registry::{Admission, AgentRegistry, Refusal};

/// How long the agent may take to answer. Front ends hold requests back while a container starts.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Characters of a server's words in an error.
const EXCERPT: usize = 200;

/// A connection, both ways.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Connection for T {}

/// How a server answered who asked for a WebSocket.
pub enum Answer {
    /// 101 with these headers, names in lower case.
    Switched(Vec<(String, String)>, Box<dyn Connection>),
    /// Another status, with the body.
    Declined(u16, Vec<u8>),
}

/// Opens connections, by whatever rules hold for them.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Asks for a WebSocket at a URL, on behalf of a backend. An error says why nobody answered.
    async fn connect(&self, backend: &str, url: &str, headers: &[(&str, &str)]) -> Result<Answer, String>;
}

/// Where an agent is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The backend that told it, and by whose rules it is dialled.
    pub backend: String,
    /// `wss://host[:port]`.
    pub url: String,
    /// By which the agent recognises this daemon.
    pub key: String,
}

struct Call {
    /// The pause before the next attempt is cut short.
    hurry: Arc<Notify>,
    _task: AbortOnDropHandle<()>,
}

/// Keeps the links to agents that are dialled.
pub struct AgentDialler {
    registry: AgentRegistry,
    connector: Arc<dyn Connector>,
    calls: Mutex<HashMap<String, Call>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl AgentDialler {
    /// Dials nobody yet.
    #[must_use]
    pub fn new(registry: AgentRegistry, connector: Arc<dyn Connector>) -> Self {
        Self {
            registry,
            connector,
            calls: Mutex::default(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a link to the agent of a container from now on, at this address instead of the one before. The container must be known to
    /// the registry.
    pub fn keep(&self, container: &str, address: Address) {
        let hurry = Arc::new(Notify::new());
        let line = Line {
            registry: self.registry.clone(),
            connector: self.connector.clone(),
            container: container.to_owned(),
            address,
            hurry: hurry.clone(),
            shutdown: self.shutdown.clone(),
        };
        let task = AbortOnDropHandle::new(self.tasks.spawn(line.keep()));
        self.lock().insert(container.to_owned(), Call { hurry, _task: task });
    }

    /// Somebody is about to need the agent: the next attempt is made at once.
    pub fn hurry(&self, container: &str) {
        if let Some(call) = self.lock().get(container) {
            call.hurry.notify_one();
        }
    }

    /// Dials a container no more.
    pub fn forget(&self, container: &str) {
        self.lock().remove(container);
    }

    /// Cuts all links: the daemon ends. The agents wait for the next one.
    pub async fn shutdown(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What keeps the link to one agent.
struct Line {
    registry: AgentRegistry,
    connector: Arc<dyn Connector>,
    container: String,
    address: Address,
    hurry: Arc<Notify>,
    shutdown: CancellationToken,
}

/// Why there is no link, and how long to wait before the next attempt, if not the usual time.
struct Failure {
    text: String,
    pause: Option<Duration>,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), pause: None }
    }

    fn after(pause: Duration, text: impl Into<String>) -> Self {
        Self { text: text.into(), pause: Some(pause) }
    }
}

impl Line {
    async fn keep(self) {
        let mut redials = Redial::default();
        let mut told = String::new();
        loop {
            let begin = Instant::now();
            let dialled = tokio::select! {
                dialled = timeout(HANDSHAKE, self.dial()) => dialled,
                () = self.shutdown.cancelled() => return,
            };
            let dialled = dialled.unwrap_or_else(|_| {
                Err(Failure::new(format!("no answer from {} within {} s", self.address.url, HANDSHAKE.as_secs())))
            });
            let failure = match dialled {
                Ok((boot, admission, socket)) => {
                    told.clear();
                    let peer = Peer { container: &self.container, boot: &boot, admission };
                    match links::keep(&self.registry, peer, socket, &self.shutdown).await {
                        Ok(()) => Failure::new("the link ended"),
                        Err(text) => Failure::new(text),
                    }
                }
                Err(failure) => failure,
            };
            if self.shutdown.is_cancelled() {
                return;
            }
            // A container that is down for a day is worth one line.
            if told == failure.text {
                tracing::debug!(container = self.container, "no link to the agent: {told}");
            } else {
                tracing::info!(container = self.container, "no link to the agent: {}", failure.text);
                told.clone_from(&failure.text);
            }
            self.registry.missed(&self.container, failure.text);
            tokio::select! {
                () = sleep(redials.pause(begin.elapsed(), failure.pause)) => {}
                () = self.hurry.notified() => redials.hurry(),
                () = self.shutdown.cancelled() => return,
            }
        }
    }

    /// Opens a WebSocket to the container's agent. Answers which boot of it that is, and that it is let in.
    async fn dial(&self) -> Result<(String, Admission, WebSocketStream<Box<dyn Connection>>), Failure> {
        let Address { backend, url, key } = &self.address;
        let target = format!("{}{}", url.trim_end_matches('/'), paths::LINK);
        let (websocket, bearer) = (Key::generate(), format!("Bearer {key}"));
        let request = [
            ("authorization", bearer.as_str()),
            ("sec-websocket-key", websocket.as_str()),
            (headers::PROTOCOL, VERSION),
            (headers::CONTAINER_ID, &self.container),
        ];
        let (answered, connection) =
            match self.connector.connect(backend, &target, &request).await.map_err(Failure::new)? {
                Answer::Switched(headers, connection) => (headers, connection),
                Answer::Declined(status, body) => return Err(declined(url, status, &body)),
            };
        let get = |name: &str| {
            let value = answered.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            value.ok_or_else(|| Failure::after(UNKNOWN, format!("{url} answered without the header {name}")))
        };
        if !websocket.is_answered_by(get("sec-websocket-accept")?) || get(headers::PROTOCOL)? != VERSION {
            return Err(Failure::after(UNKNOWN, format!("what answers at {url} is no agent of this version")));
        }
        let boot = get(headers::BOOT_ID)?;
        let admission = match self.registry.admit(&self.container, get(headers::AGENT_TOKEN)?, boot) {
            Ok(admission) => admission,
            Err(Refusal::Unauthorized) => {
                return Err(Failure::after(UNKNOWN, format!("the agent at {url} is not that of this container")));
            }
            Err(Refusal::Busy) => {
                return Err(Failure::after(BUSY, "another instance of the container runs its command"));
            }
        };
        let socket = WebSocketStream::from_raw_socket(connection, Role::Client, Some(websocket_config())).await;
        Ok((boot.to_owned(), admission, socket))
    }
}

/// What an answer that is no 101 means.
fn declined(url: &str, status: u16, body: &[u8]) -> Failure {
    let said: String = String::from_utf8_lossy(body).trim().chars().take(EXCERPT).collect();
    match status {
        // An agent that knows no such path takes it for a ping.
        200 => Failure::after(
            UNKNOWN,
            format!(
                "{url} answers and takes no link: it has no agent, one that dials, or one that is older than this daemon"
            ),
        ),
        401 | 403 | 426 => Failure::after(UNKNOWN, format!("{url} answered with status {status}: {said}")),
        _ => Failure::new(format!("{url} answered with status {status}: {said}")),
    }
}
