//! Where clients come from.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::certificates::Certificates;
use super::identity;
use super::unix::{self, SocketAccess, SocketFile};
use crate::access::{Client, Identity, Roles};

/// How long to wait when the system has no more descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A connected client.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    roles: Option<Arc<Roles>>,
}

enum Kind {
    /// The file is the daemon's own, unless the socket was passed to it.
    Unix(UnixListener, Option<SocketFile>),
    Tcp(TcpListener, Option<Certificates>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(_, file) => formatter.debug_tuple("Unix").field(file).finish(),
            Self::Tcp(listener, tls) => {
                formatter.debug_tuple("Tcp").field(listener).field(&tls.as_ref().map(|_| "TLS")).finish()
            }
        }
    }
}

/// Why an address cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another daemon serves the socket.
    #[error("{0} is served by another process: stop it, or choose another path")]
    InUse(PathBuf),
    /// The user does not exist.
    #[error("there is no user {0:?} to give the socket to: create it, or configure another")]
    NoSuchUser(String),
    /// The group does not exist.
    #[error("there is no group {0:?} to give the socket to: create it, or configure another")]
    NoSuchGroup(String),
    /// Anybody in reach could do anything.
    #[error("{0} is not a loopback address: TCP in the open needs TLS with client certificates")]
    Open(SocketAddr),
    /// A certificate or key is no good.
    #[error("{path}: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up with these certificates.
    #[error("TLS: {0}")]
    Tls(String),
    /// The system refused.
    #[error("cannot listen on {address}: {error}")]
    System {
        /// What was to be bound.
        address: String,
        /// What the system said.
        error: io::Error,
    },
}

impl ListenError {
    pub(super) fn system(address: impl std::fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let address = address.to_string();
        move |error| Self::System { address, error }
    }
}

impl Listener {
    /// Binds a unix socket. A socket that nobody serves any more is replaced.
    ///
    /// # Errors
    /// When another process serves it, its user or group does not exist, or the system refuses.
    pub async fn unix(path: impl AsRef<Path>, access: &SocketAccess) -> Result<Self, ListenError> {
        let (listener, file) = unix::bind(path.as_ref(), access).await?;
        Ok(Self { kind: Kind::Unix(listener, Some(file)), roles: None })
    }

    /// Binds a TCP address in the open. Whoever reaches it commands the daemon.
    ///
    /// # Errors
    /// When it is not a loopback address, or the system refuses.
    pub async fn tcp(address: SocketAddr) -> Result<Self, ListenError> {
        ensure_loopback(address)?;
        let listener = TcpListener::bind(address).await.map_err(ListenError::system(address))?;
        Ok(Self { kind: Kind::Tcp(listener, None), roles: None })
    }

    /// Binds a TCP address for clients with a certificate.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn tls(address: SocketAddr, certificates: Certificates) -> Result<Self, ListenError> {
        let listener = TcpListener::bind(address).await.map_err(ListenError::system(address))?;
        Ok(Self { kind: Kind::Tcp(listener, Some(certificates)), roles: None })
    }

    /// Gives its clients roles. Without them each may do everything.
    #[must_use]
    pub fn with_roles(self, roles: Arc<Roles>) -> Self {
        Self { roles: Some(roles), ..self }
    }

    /// Takes a unix socket that listens already. Its file is left alone, now and at the end.
    ///
    /// # Errors
    /// The system refuses to have it used here.
    pub fn passed_unix(socket: std::os::unix::net::UnixListener) -> Result<Self, ListenError> {
        let failed = || ListenError::system("the unix socket that was passed");
        socket.set_nonblocking(true).map_err(failed())?;
        Ok(Self { kind: Kind::Unix(UnixListener::from_std(socket).map_err(failed())?, None), roles: None })
    }

    /// Takes a TCP socket that listens already: for clients with a certificate or, on a loopback address, in the open.
    ///
    /// # Errors
    /// When it is in the open and not on a loopback address, or the system refuses.
    pub fn passed_tcp(socket: std::net::TcpListener, certificates: Option<Certificates>) -> Result<Self, ListenError> {
        let failed = || ListenError::system("the TCP socket that was passed");
        let address = socket.local_addr().map_err(failed())?;
        if certificates.is_none() {
            ensure_loopback(address)?;
        }
        socket.set_nonblocking(true).map_err(failed())?;
        Ok(Self { kind: Kind::Tcp(TcpListener::from_std(socket).map_err(failed())?, certificates), roles: None })
    }

    /// The URL as it goes into `DOCKER_HOST`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.kind {
            Kind::Unix(_, Some(file)) => format!("unix://{}", file.path().display()),
            Kind::Unix(listener, None) => match listener.local_addr() {
                Ok(address) => format!("unix://{}", address.as_pathname().unwrap_or(Path::new("")).display()),
                Err(_) => "unix://".to_owned(),
            },
            Kind::Tcp(listener, _) => match listener.local_addr() {
                Ok(address) => format!("tcp://{address}"),
                Err(_) => "tcp://".to_owned(),
            },
        }
    }

    /// The next client; `None` at the shutdown.
    pub(super) async fn accept(&self, shutdown: &CancellationToken) -> Option<Accepted> {
        loop {
            let socket = tokio::select! {
                () = shutdown.cancelled() => return None,
                socket = self.kind.accept() => socket,
            };
            match socket {
                Ok(socket) => return Some(Accepted { socket, roles: self.roles.clone() }),
                Err(error) => {
                    tracing::warn!(%error, "a client could not be accepted");
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
    }
}

/// In the open only processes of this machine may come, and the log says that they do.
fn ensure_loopback(address: SocketAddr) -> Result<(), ListenError> {
    if !address.ip().is_loopback() {
        return Err(ListenError::Open(address));
    }
    tracing::warn!(%address, "every process and every web page on this machine can reach the API without a password");
    Ok(())
}

impl Kind {
    async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Unix(listener, _) => Ok(Socket::Unix(listener.accept().await?.0)),
            Self::Tcp(listener, certificates) => {
                let (socket, _) = listener.accept().await?;
                // Answers are written whole; waiting to fill packets only delays them.
                socket.set_nodelay(true)?;
                Ok(Socket::Tcp(socket, certificates.clone()))
            }
        }
    }
}

/// An accepted client, before its handshake.
pub(super) struct Accepted {
    socket: Socket,
    roles: Option<Arc<Roles>>,
}

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream, Option<Certificates>),
}

impl Accepted {
    /// Does the handshake, if there is one, and finds out who the client is, if that counts. `None` when the handshake failed.
    pub(super) async fn establish(self, timeout: Duration) -> Option<(Box<dyn Stream>, Client)> {
        let roles = self.roles.as_deref();
        let client = |identity| roles.map_or_else(Client::of_everybody, |roles| Client::new(identity, roles));
        match self.socket {
            Socket::Unix(socket) => {
                let client = match roles {
                    None => Client::of_everybody(),
                    Some(roles) => Client::new(identity::process(&socket, roles.have_groups()).await, roles),
                };
                Some((Box::new(socket), client))
            }
            Socket::Tcp(socket, None) => Some((Box::new(socket), client(Identity::Nameless))),
            Socket::Tcp(socket, Some(certificates)) => {
                let handshake = async { TlsAcceptor::from(certificates.current().await).accept(socket).await };
                match tokio::time::timeout(timeout, handshake).await {
                    Ok(Ok(stream)) => {
                        let client = match roles {
                            None => Client::of_everybody(),
                            Some(_) => client(identity::certificate(stream.get_ref().1.peer_certificates())),
                        };
                        Some((Box::new(stream), client))
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a TLS handshake failed");
                        None
                    }
                    Err(_) => {
                        tracing::debug!("a TLS handshake took too long");
                        None
                    }
                }
            }
        }
    }
}
