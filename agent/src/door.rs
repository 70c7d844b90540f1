//! Where a daemon dials in that agents cannot dial: at a path of the server that the platform's front end speaks to.
//!
//! Anybody on the Internet can ask there. Who knows the key that is derived from the container's token is let in, and takes the
//! place of the link that there was: the daemon dials again when it has lost its own, also before this side has noticed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sockerless_agent_protocol::link::websocket_config;
use sockerless_agent_protocol::token::AgentToken;
use sockerless_agent_protocol::{VERSION, handshake, headers};
use subtle::ConstantTimeEq;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::invocation::{Answer, text};
use crate::link::LinkServer;

/// How long a wrong key is kept waiting for its answer.
const PENANCE: Duration = Duration::from_secs(1);

/// Lets the daemon in.
pub(crate) struct Door {
    token: AgentToken,
    key: String,
    server: LinkServer,
    /// Cuts the newest link.
    newest: Mutex<CancellationToken>,
    links: TaskTracker,
}

impl Door {
    /// For the daemon that knows this token; its links are among `links`.
    pub(crate) fn new(token: AgentToken, server: LinkServer, links: TaskTracker) -> Self {
        Self { key: token.dial_key(), token, server, newest: Mutex::default(), links }
    }

    /// Answers who asks for a link.
    pub(crate) async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Answer {
        if !self.is_allowed(request.headers()) {
            tracing::warn!("somebody dialled with a wrong key");
            tokio::time::sleep(PENANCE).await;
            return text(StatusCode::UNAUTHORIZED, "this agent does not know the key\n");
        }
        let protocol = request.headers().get(headers::PROTOCOL).and_then(|value| value.to_str().ok());
        if protocol != Some(VERSION) {
            let message = format!(
                "this agent speaks version {VERSION} of the agent protocol, the daemon {}: update the agent in the image\n",
                protocol.unwrap_or("none")
            );
            return text(StatusCode::UPGRADE_REQUIRED, message);
        }
        let Some(accept) = handshake::accepted(request.headers()) else {
            return text(StatusCode::BAD_REQUEST, "this is no handshake of a WebSocket\n");
        };
        match self.switching(accept) {
            Ok(answer) => {
                let upgrade = hyper::upgrade::on(&mut request);
                self.links.spawn(self.clone().serve(upgrade));
                answer
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }

    fn is_allowed(&self, map: &HeaderMap) -> bool {
        let given = map.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| value.strip_prefix(b"Bearer "));
        given.is_some_and(|given| given.ct_eq(self.key.as_bytes()).into())
    }

    /// The answer that says who is there.
    fn switching(&self, accept: HeaderValue) -> Result<Answer, http::header::InvalidHeaderValue> {
        let mut answer = Response::new(Default::default());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let mut token = HeaderValue::from_str(self.token.expose())?;
        token.set_sensitive(true);
        let map = answer.headers_mut();
        map.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        map.insert(UPGRADE, HeaderValue::from_static("websocket"));
        map.insert(SEC_WEBSOCKET_ACCEPT, accept);
        map.insert(headers::AGENT_TOKEN, token);
        map.insert(headers::CONTAINER_ID, HeaderValue::from_str(&self.server.container)?);
        map.insert(headers::BOOT_ID, HeaderValue::from_str(&self.server.boot)?);
        map.insert(headers::PROTOCOL, HeaderValue::from_static(VERSION));
        Ok(answer)
    }

    /// Turns the connection into the link that counts, and stays until that ends.
    async fn serve(self: Arc<Self>, upgrade: hyper::upgrade::OnUpgrade) {
        let socket = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!(%error, "the daemon went away during its handshake");
                return;
            }
        };
        let cut = CancellationToken::new();
        std::mem::replace(&mut *self.newest.lock().unwrap_or_else(PoisonError::into_inner), cut.clone()).cancel();
        let socket = WebSocketStream::from_raw_socket(socket, Role::Server, Some(websocket_config())).await;
        match self.server.serve(socket, &cut).await {
            Ok(()) => tracing::info!("the link to the daemon has ended"),
            Err(error) => tracing::warn!("the link to the daemon has ended: {error:#}"),
        }
    }
}
