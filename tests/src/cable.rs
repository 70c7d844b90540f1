//! A network between two programs, which a test can cut or let fall silent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::Docker;

#[derive(Debug, Default)]
struct State {
    is_cut: bool,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    ends: [TcpStream; 2],
    /// What is sent arrives nowhere, and nobody is told.
    is_silent: Arc<AtomicBool>,
}

/// Passes connections on to a server, until it is cut.
#[derive(Debug, Clone)]
pub struct Cable {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    carried: Arc<AtomicU64>,
}

impl Cable {
    pub(crate) fn lay(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let carried = Arc::new(AtomicU64::new(0));
        let (shared, counter) = (state.clone(), carried.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Taken while a cut cannot come in between.
                let mut state = shared.lock().unwrap();
                let Some(server) = (!state.is_cut).then(|| TcpStream::connect(&server).ok()).flatten() else {
                    continue;
                };
                let is_silent = Arc::new(AtomicBool::new(false));
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (is_silent, counter) = (is_silent.clone(), counter.clone());
                    thread::spawn(move || carry(from, to, &is_silent, &counter));
                }
                state.connections.push(Connection { ends: [client, server], is_silent });
            }
        });
        Self { address, state, carried }
    }

    /// The address of its near end: `address:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes that it has carried so far, both ways.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.carried.load(Ordering::SeqCst)
    }

    /// Lets no new connection through.
    pub fn refuse(&self) {
        self.state.lock().unwrap().is_cut = true;
    }

    /// Breaks all connections, and lets no new one through.
    pub fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_cut = true;
        for connection in state.connections.drain(..) {
            for end in connection.ends {
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.state.lock().unwrap().is_cut = false;
    }

    /// From now on, what is sent on the connections that there are is lost, in both directions, and they stay open: as when a router on
    /// the way has forgotten them. New ones work.
    pub fn fall_silent(&self) {
        for connection in &self.state.lock().unwrap().connections {
            connection.is_silent.store(true, Ordering::SeqCst);
        }
    }

    /// Cuts it under an exec in the container `w`, which goes on where it was.
    pub fn cut_under_an_exec(&self, docker: &Docker) {
        let mut shell = docker.spawn(&["exec", "-i", "w", "cat"]);
        let (mut input, mut output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        let mut line = String::new();
        for word in ["before\n", "during\n", "after\n"] {
            if word == "during\n" {
                self.cut();
            }
            input.write_all(word.as_bytes()).unwrap();
            if word == "during\n" {
                self.mend();
            }
            line.clear();
            output.read_line(&mut line).unwrap();
            assert_eq!(line, word);
        }
        drop(input);
        assert!(shell.wait().unwrap().success());
    }
}

/// Carries bytes one way, until either end closes. A silent connection does not even tell that.
fn carry(mut from: TcpStream, mut to: TcpStream, is_silent: &AtomicBool, counter: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::SeqCst);
        let silent = is_silent.load(Ordering::SeqCst);
        if count == 0 || (!silent && to.write_all(&buffer[..count]).is_err()) {
            if !silent {
                let _ = to.shutdown(Shutdown::Both);
            }
            return;
        }
    }
}
