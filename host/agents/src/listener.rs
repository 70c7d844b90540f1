//! Where agents dial in. The Docker API is not served here.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use sockerless_agent_protocol::link::websocket_config;
use sockerless_agent_protocol::{VERSION, handshake, headers, paths};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::links::{self, Peer};
use crate::registry::{Admission, AgentRegistry, Refusal};

/// Connections at once. Further ones wait to be accepted.
const CONNECTIONS: usize = 20_000;
/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;
/// Characters of what a stranger says of itself, in the log.
const EXCERPT: usize = 80;

/// The listener of the agents cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("agents cannot dial in at {address}: {source}")]
pub struct ListenError {
    address: String,
    source: std::io::Error,
}

/// Where agents dial in.
#[derive(Debug)]
pub struct AgentListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl AgentListener {
    /// Takes the address, `host:port`; port 0 is a free one.
    ///
    /// # Errors
    /// The address is malformed, not of this machine, or taken.
    pub async fn bind(address: &str) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address: local })
    }

    /// Takes a socket that listens already.
    ///
    /// # Errors
    /// The system refuses to have it used here.
    pub fn of(socket: std::net::TcpListener) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address: "the socket that was passed".to_owned(), source };
        socket.set_nonblocking(true).map_err(failed)?;
        let listener = TcpListener::from_std(socket).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address: local })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets agents dial in until `shutdown`, then cuts their links: they dial the next daemon.
    pub async fn serve(self, registry: AgentRegistry, shutdown: CancellationToken) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let tasks = TaskTracker::new();
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else { break };
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let door = Arc::new(Door {
                        registry: registry.clone(),
                        tasks: tasks.clone(),
                        shutdown: shutdown.clone(),
                        peer,
                    });
                    tasks.spawn(async move {
                        let _permit = permit;
                        door.serve(socket).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "an agent's connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        tasks.close();
        tasks.wait().await;
    }
}

/// What one connection meets.
struct Door {
    registry: AgentRegistry,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    peer: SocketAddr,
}

type Answer = Response<Full<Bytes>>;

impl Door {
    async fn serve(self: Arc<Self>, socket: TcpStream) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "an agent's connection keeps its delay");
        }
        let door = self.clone();
        let service = service_fn(move |request| {
            let door = door.clone();
            async move { Ok::<_, Infallible>(door.answer(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        tokio::select! {
            result = connection => if let Err(error) = result {
                tracing::debug!(peer = %self.peer, %error, "a connection to the agents' listener ended");
            },
            () = self.shutdown.cancelled() => {}
        }
    }

    async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Answer {
        if request.uri().path().trim_end_matches('/').strip_suffix(paths::CONNECT).is_none() {
            return text(StatusCode::NOT_FOUND, "agents dial in here; the Docker API is elsewhere");
        }
        if request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket begins with GET");
        }
        let Some(caller) = Caller::of(request.headers()) else {
            return text(
                StatusCode::BAD_REQUEST,
                "a token, a container id, a boot id and a version of the protocol are needed",
            );
        };
        if caller.protocol != VERSION {
            let message = format!(
                "this daemon speaks version {VERSION} of the agent protocol, the agent {}: update the agent in the image",
                caller.protocol.escape_debug().take(EXCERPT).collect::<String>()
            );
            self.log_refusal(&caller, &message);
            return text(StatusCode::UPGRADE_REQUIRED, message);
        }
        let Some(accept) = handshake::accepted(request.headers()) else {
            return text(StatusCode::BAD_REQUEST, "this is no handshake of a WebSocket");
        };
        let admission = match self.registry.admit(&caller.container, &caller.token, &caller.boot) {
            Ok(admission) => admission,
            Err(Refusal::Unauthorized) => {
                self.log_refusal(&caller, "an agent with a wrong token, or of a container that is not here");
                if let Some(penance) = self.registry.refusals().penance(self.peer.ip()) {
                    tokio::time::sleep(penance.pause).await;
                }
                let mut answer = text(StatusCode::UNAUTHORIZED, "this daemon does not know the token or the container");
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                return answer;
            }
            Err(Refusal::Busy) => {
                return text(StatusCode::CONFLICT, "another instance of the container runs its command: wait");
            }
        };
        let upgrade = hyper::upgrade::on(&mut request);
        self.tasks.spawn(self.clone().drive(caller, admission, upgrade));
        let mut answer = text(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = answer.headers_mut();
        headers.clear();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        answer
    }

    /// Says that somebody was turned away, if the log may have one more line of that.
    fn log_refusal(&self, caller: &Caller, why: &str) {
        if let Some(unlogged) = self.registry.refusals().line() {
            let container: String = caller.container.escape_debug().take(EXCERPT).collect();
            let refused = self.registry.refused();
            tracing::warn!(peer = %self.peer, container, refused, unlogged, "{why}");
        }
    }

    /// Turns the connection into a link, and stays until that ends.
    async fn drive(self: Arc<Self>, caller: Caller, admission: Admission, upgrade: OnUpgrade) {
        let socket = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!(container = %caller.container, %error, "an agent went away during its handshake");
                return;
            }
        };
        let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(websocket_config())).await;
        let peer = Peer { container: &caller.container, boot: &caller.boot, admission };
        if let Err(error) = links::keep(&self.registry, peer, socket, &self.shutdown).await {
            tracing::info!(container = %caller.container, "{error}");
        }
    }
}

/// Who an agent says it is.
struct Caller {
    container: String,
    boot: String,
    token: String,
    protocol: String,
}

impl Caller {
    fn of(map: &HeaderMap) -> Option<Self> {
        let get = |name: &str| map.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
        Some(Self {
            container: get(headers::CONTAINER_ID)?.to_owned(),
            boot: get(headers::BOOT_ID)?.to_owned(),
            token: get(AUTHORIZATION.as_str())?.strip_prefix("Bearer ")?.to_owned(),
            protocol: get(headers::PROTOCOL)?.to_owned(),
        })
    }
}

fn text(status: StatusCode, message: impl Into<String>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(message.into())));
    *answer.status_mut() = status;
    answer
}
