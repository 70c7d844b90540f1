//! Agents that mean harm, at the listener: what the token of one container opens, and what it does not.

mod answers;
mod door;
mod octets;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sockerless_agent_protocol::link::Link;
use sockerless_agent_protocol::token::AgentToken;
use sockerless_agent_protocol::{VERSION, headers, paths};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{AgentClient, AgentListener, AgentRegistry};

/// A listener that knows two containers, `a` and `b`.
struct Daemon {
    address: SocketAddr,
    registry: AgentRegistry,
    client: AgentClient,
    a: AgentToken,
    b: AgentToken,
    _stop: DropGuard,
}

async fn daemon() -> Daemon {
    let (registry, stop) = (AgentRegistry::default(), CancellationToken::new());
    let (a, b) = (AgentToken::generate().unwrap(), AgentToken::generate().unwrap());
    registry.register("a", &a.callback_hash());
    registry.register("b", &b.callback_hash());
    let listener = AgentListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.address();
    tokio::spawn(listener.serve(registry.clone(), stop.clone()));
    Daemon { address, client: AgentClient::new(registry.clone()), registry, a, b, _stop: stop.drop_guard() }
}

impl Daemon {
    /// Dials in; otherwise the status with which it was turned away.
    async fn dial(&self, container: &str, token: &str) -> Result<WebSocketStream<TcpStream>, u16> {
        let socket = TcpStream::connect(self.address).await.unwrap();
        let mut request = format!("ws://{}{}", self.address, paths::CONNECT).into_client_request().unwrap();
        let map = request.headers_mut();
        for (name, value) in [
            (header::AUTHORIZATION.as_str(), format!("Bearer {token}")),
            (headers::CONTAINER_ID, container.to_owned()),
            (headers::BOOT_ID, "boot".to_owned()),
            (headers::PROTOCOL, VERSION.to_owned()),
        ] {
            map.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        match client_async(request, socket).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// An agent that answers everything in this way. Answers what it is asked.
    async fn agent(
        &self,
        container: &str,
        token: &AgentToken,
        answer: impl Fn(&str) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
    ) -> Arc<Mutex<Vec<String>>> {
        let socket = self.dial(container, token.expose()).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let service = service_fn({
            let asked = asked.clone();
            move |request: Request<Incoming>| {
                let line = format!("{} {}", request.method(), request.uri().path());
                let reply = answer(&line);
                asked.lock().unwrap().push(line);
                async move { Ok::<_, std::convert::Infallible>(reply) }
            }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(server.serve_connection(TokioIo::new(Link::new(socket)), service));
        self.registry.link(container, 0).await.unwrap();
        asked
    }
}

fn reply(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::new(body.into())).unwrap()
}
