//! Sockets that were opened for the daemon before it was started: systemd's socket activation.
//!
//! They outlive the daemon. Who connects while no daemon runs waits in the socket for the next one, so that an upgrade loses no attempt.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use anyhow::{Context, Result, bail};
use listenfd::ListenFd;

/// What an address begins with that names such a socket.
const SCHEME: &str = "fd://";

/// The name of the agents' socket. It is never one of those that `fd://` alone stands for: where agents dial in nobody shall find the API.
const AGENTS: &str = "agents";

/// The name that an address of the form `fd://name` has; an empty one, and `*`, are all names.
pub(crate) fn name_of(address: &str) -> Option<&str> {
    address.strip_prefix(SCHEME).map(|name| if name == "*" { "" } else { name })
}

/// One of them, which listens.
#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// Those that nobody has taken yet, with their names.
#[derive(Debug, Default)]
pub(crate) struct Inherited(Vec<(String, Socket)>);

impl Inherited {
    /// Takes them out of `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`. Changes the environment: to be called while there is one thread.
    ///
    /// # Errors
    /// One of them is no stream socket of a kind that is served here.
    pub(crate) fn take() -> Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').map(str::to_owned);
        let mut descriptors = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..descriptors.len() {
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
            // What is refused stays where it is.
            let socket = match descriptors.take_unix_listener(index) {
                Ok(socket) => socket.map(Socket::Unix),
                Err(_) => descriptors
                    .take_tcp_listener(index)
                    .with_context(|| format!("the socket \"{name}\" that was passed is neither a unix socket nor TCP"))?
                    .map(Socket::Tcp),
            };
            sockets.extend(socket.map(|socket| (name, socket)));
        }
        Ok(Self(sockets))
    }

    /// Those of this name; with an empty one all that are left, but for the agents'.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn claim(&mut self, name: &str) -> Result<Vec<Socket>> {
        let wanted = |other: &str| if name.is_empty() { other != AGENTS } else { other == name };
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|(other, _)| wanted(other));
        self.0 = left;
        if taken.is_empty() {
            bail!(
                "there is no socket for {SCHEME}{name}: it must have been passed by systemd (a socket unit with FileDescriptorName={}){}",
                if name.is_empty() { "docker" } else { name },
                self.others()
            );
        }
        Ok(taken.into_iter().map(|(_, socket)| socket).collect())
    }

    /// The one TCP socket of this name, for the agents.
    ///
    /// # Errors
    /// There is none, or more than one, or it is of another kind.
    pub(crate) fn claim_tcp(&mut self, name: &str) -> Result<TcpListener> {
        let name = if name.is_empty() { AGENTS } else { name };
        let mut sockets = self.claim(name)?;
        match (sockets.pop(), sockets.is_empty()) {
            (Some(Socket::Tcp(socket)), true) => Ok(socket),
            _ => bail!("{SCHEME}{name} must be one TCP socket: agents do not dial unix sockets"),
        }
    }

    /// Whoever connected to a socket that nobody serves would wait for ever.
    ///
    /// # Errors
    /// There are some: the text names them.
    pub(crate) fn ensure_all_are_used(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        bail!(
            "nothing serves the sockets that were passed by the names {}: give --host {SCHEME}NAME, or --agents-listen {SCHEME}{AGENTS} for that \
             of the agents, or stop their socket units",
            names.join(", ")
        )
    }

    fn others(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() { String::new() } else { format!("; those that were passed are {}", names.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp() -> Socket {
        Socket::Tcp(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn inherited(names: &[&str]) -> Inherited {
        Inherited(names.iter().map(|name| ((*name).to_owned(), tcp())).collect())
    }

    #[test]
    fn names_of_addresses() {
        assert_eq!(name_of("fd://"), Some(""));
        assert_eq!(name_of("fd://*"), Some(""));
        assert_eq!(name_of("fd://docker"), Some("docker"));
        assert_eq!(name_of("127.0.0.1:1"), None);
    }

    #[test]
    fn all_are_all_but_the_agents() {
        let mut sockets = inherited(&["docker", "agents", "docker"]);
        assert_eq!(sockets.claim("").unwrap().len(), 2);
        let error = sockets.ensure_all_are_used().unwrap_err().to_string();
        assert!(error.contains("names agents") && error.contains("--agents-listen fd://agents"), "{error}");
        sockets.claim_tcp("agents").unwrap();
        sockets.ensure_all_are_used().unwrap();
        assert!(sockets.claim("").is_err());
    }

    #[test]
    fn a_name_that_was_not_passed_is_an_error_that_tells_the_others() {
        let error = inherited(&["docker"]).claim("dcoker").unwrap_err().to_string();
        assert!(error.contains("fd://dcoker") && error.contains("passed are docker"), "{error}");
    }

    #[test]
    fn agents_have_one_socket() {
        assert!(inherited(&["agents", "agents"]).claim_tcp("agents").is_err());
        let folder = tempfile::tempdir().unwrap();
        let socket = Socket::Unix(UnixListener::bind(folder.path().join("s")).unwrap());
        assert!(Inherited(vec![("agents".to_owned(), socket)]).claim_tcp("agents").is_err());
    }
}
