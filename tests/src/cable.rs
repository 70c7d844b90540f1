//! The network between agents and the daemon, which a test can cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Debug, Default)]
struct State {
    is_cut: bool,
    connections: Vec<TcpStream>,
}

/// Passes connections on to the daemon's listener for agents, until it is cut.
#[derive(Debug, Clone)]
pub struct Cable {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Cable {
    pub(crate) fn lay(daemon: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        thread::spawn(move || {
            for agent in listener.incoming().map_while(Result::ok) {
                // Taken while a cut cannot come in between.
                let mut state = shared.lock().unwrap();
                let Some(server) = (!state.is_cut).then(|| TcpStream::connect(&daemon).ok()).flatten() else {
                    continue;
                };
                for (from, to) in [(&agent, &server), (&server, &agent)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                state.connections.extend([agent, server]);
            }
        });
        Self { address, state }
    }

    /// Where agents find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Breaks all connections, and lets no new one through.
    pub fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_cut = true;
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.state.lock().unwrap().is_cut = false;
    }
}
