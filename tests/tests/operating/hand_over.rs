//! A test that plays systemd: it has the sockets, and one daemon after the other serves them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use sockerless_tests::{Passed, World, WorldOptions, eventually};

use super::direct;

/// A daemon that waits longer for its predecessor than a test lasts.
fn patient() -> WorldOptions {
    WorldOptions { settings: vec![("SOCKERLESS_SHUTDOWN_TIMEOUT", "3600".to_owned())], ..WorldOptions::default() }
}

/// What a daemon tells systemd.
struct Manager {
    socket: UnixDatagram,
    told: String,
}

impl Manager {
    /// Listens for what the daemons of a world tell.
    fn of(world: &mut World) -> Self {
        let path = world.folder().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        world.daemon.set("NOTIFY_SOCKET", path.display().to_string());
        Self { socket, told: String::new() }
    }

    /// Waits until it has been told this, and forgets what came before.
    fn hears(&mut self, wanted: &str) {
        while !self.told.lines().any(|line| line.starts_with(wanted)) {
            let mut message = [0; 4096];
            let length =
                self.socket.recv(&mut message).unwrap_or_else(|error| panic!("{wanted}: {error}: {}", self.told));
            self.told.push_str(std::str::from_utf8(&message[..length]).unwrap());
        }
        self.told.clear();
    }
}

/// The sockets of a world: two of the API, one of the agents. Answers where TCP is.
fn open_sockets(world: &mut World) -> String {
    let unix = UnixListener::bind(world.daemon.own_socket()).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let agents = TcpListener::bind(world.daemon.agents_listen()).unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    world.daemon.pass(Passed::new(vec![("docker", unix.into()), ("docker", tcp.into()), ("agents", agents.into())]));
    address
}

/// Asks for something, on a connection of its own.
fn ask(mut socket: impl Read + Write, path: &str) -> String {
    socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// Clients that connect again and again, each time for one request, while something is done. Answers how many were answered.
fn with_clients(world: &World, tcp: &str, act: impl FnOnce(&AtomicUsize)) -> usize {
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let unix = world.daemon.own_socket().to_owned();
    thread::scope(|scope| {
        for client in 0..4 {
            let (over, answered, unix) = (&over, &answered, &unix);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let answer = if client % 2 == 0 {
                        ask(UnixStream::connect(unix).unwrap(), "/_ping")
                    } else {
                        ask(TcpStream::connect(tcp).unwrap(), "/_ping")
                    };
                    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nOK"), "{answer:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        act(&answered);
        over.store(true, Ordering::Relaxed);
    });
    answered.into_inner()
}

/// Waits until some more clients were answered.
fn some_more(answered: &AtomicUsize) {
    let before = answered.load(Ordering::Relaxed);
    eventually("clients are answered", || (answered.load(Ordering::Relaxed) > before + 20).then_some(()));
}

#[test]
fn an_upgrade_loses_no_connection_attempt() {
    let mut world = World::without_daemon(patient());
    let mut manager = Manager::of(&mut world);
    let tcp = open_sockets(&mut world);
    world.daemon.start().unwrap();
    manager.hears("READY=1");
    let docker = direct(&world);
    docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);

    // As systemd does it: the next one is started when the one before it has ended.
    let own = world.daemon.own_socket().to_owned();
    let mut next = world.daemon.successor();
    let asked = with_clients(&world, &tcp, |answered| {
        some_more(answered);
        world.daemon.signal(Signal::SIGTERM);
        eventually("it has ended", || world.daemon.log().contains("SIGTERM: stopping").then_some(()));
        manager.hears("STOPPING=1");
        let waiting = thread::spawn(move || ask(UnixStream::connect(own).unwrap(), "/containers/json"));
        next.start().unwrap();
        manager.hears("READY=1");
        assert!(waiting.join().unwrap().contains("\"/w\""));
        some_more(answered);
    });
    println!("{asked} requests");
    assert_eq!(world.daemon.wait(), Some(0), "{}", world.daemon.log());
    let there = eventually("exec works again", || {
        let ran = docker.run(&["exec", "w", "echo", "there"]);
        (ran.code == 0).then_some(ran.stdout)
    });
    assert_eq!(there, "there\n");
    next.terminate();
    assert!(world.daemon.own_socket().exists(), "the socket is systemd's, not the daemon's");
}

#[test]
fn who_asks_while_nobody_serves_is_answered_by_the_next() {
    let mut world = World::without_daemon(patient());
    let mut manager = Manager::of(&mut world);
    world.daemon.set("WATCHDOG_USEC", "30000".to_owned());
    let tcp = open_sockets(&mut world);
    let own = world.daemon.own_socket().to_owned();
    let clients: Vec<_> = (0..20)
        .map(|client| {
            let (own, tcp) = (own.clone(), tcp.clone());
            thread::spawn(move || match client % 2 {
                0 => ask(UnixStream::connect(own).unwrap(), "/_ping"),
                _ => ask(TcpStream::connect(tcp).unwrap(), "/_ping"),
            })
        })
        .collect();
    world.daemon.start().unwrap();
    for client in clients {
        assert!(client.join().unwrap().ends_with("\r\n\r\nOK"));
    }
    manager.hears("STATUS=serving unix://");
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    world.daemon.terminate();
}

#[test]
fn what_is_passed_and_what_is_configured_must_fit() {
    let mut world = World::without_daemon(patient());
    let stray = UnixListener::bind(world.folder().join("stray")).unwrap();
    let agents = || TcpListener::bind("127.0.0.1:0").unwrap();
    // The API is not served where agents dial in, whatever is left.
    world.daemon.pass(Passed::new(vec![("agents", agents().into())]));
    let error = world.daemon.start().unwrap_err();
    assert!(error.contains("there is no socket for fd://"), "{error}");
    world.daemon.pass(Passed::new(vec![("docker", stray.into())]));
    let error = world.daemon.start().unwrap_err();
    assert!(error.contains("there is no socket for fd://agents") && error.contains("passed are docker"), "{error}");
}
