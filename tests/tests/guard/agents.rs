//! The agents' listener: it serves agents and nothing else, and each only for its own container.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use sockerless_tests::{Bare, World, ask_daemon, ask_socket};

/// The table of the API's routes, as the daemon is built of it.
const ROUTES: &str = include_str!("../../../host/api/src/routes.rs");
const CONNECT: &str = "/v1/agents/connect";

/// Methods and paths of everything that the Docker API has.
fn routes() -> Vec<(&'static str, String)> {
    let rows = ROUTES.lines().filter_map(|line| {
        let (method, rest) = line.trim().split_once(' ')?;
        let known = ["HEAD", "GET", "POST", "PUT", "DELETE"].contains(&method);
        let (pattern, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        known.then(|| (method, pattern.replace("{}", "x")))
    });
    rows.collect()
}

/// Sends a request and answers the status.
fn status(address: &str, line: &str, headers: &[(&str, &str)]) -> u16 {
    let mut socket = TcpStream::connect(address).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{line} HTTP/1.1\r\nHost: daemon\r\nContent-Length: 0\r\n{headers}\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer)[9..].parse().unwrap()
}

/// What an agent says of itself when it dials in.
fn agent<'a>(container: &'a str, token: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Authorization", token),
        ("X-Sockerless-Container-Id", container),
        ("X-Sockerless-Boot-Id", "boot-of-a-stranger"),
        ("X-Sockerless-Protocol", "1"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ]
}

#[test]
fn the_docker_api_is_not_where_agents_dial_in() {
    let bare = Bare::start(Vec::new(), &[]);
    let routes = routes();
    assert!(routes.len() > 90, "{} routes", routes.len());
    for (method, path) in routes {
        for line in [format!("{method} {path}"), format!("{method} /v1.51{path}")] {
            assert_eq!(status(bare.daemon.agents_listen(), &line, &[]), 404, "{line}");
        }
    }
    for line in [format!("GET {CONNECT}/../../../info"), format!("GET {CONNECT}?/info#"), "GET //info".to_owned()] {
        let status = status(bare.daemon.agents_listen(), &line, &[]);
        assert!([400, 404].contains(&status), "{line}: {status}");
    }
}

#[test]
fn no_agent_is_let_in_where_clients_are() {
    let bare = Bare::start(Vec::new(), &[]);
    for path in [CONNECT.to_owned(), format!("/v1.51{CONNECT}"), format!("/containers/x{CONNECT}")] {
        let reply = ask_socket(bare.daemon.own_socket(), &format!("GET {path}"), &agent("x", "Bearer x"), b"");
        assert!([400, 404].contains(&reply.status), "{path}: {} {}", reply.status, reply.text());
    }
}

/// The value of a setting of an app.
fn setting(app: &Value, name: &str) -> String {
    let text = app.to_string();
    let (_, rest) = text.split_once(name).unwrap_or_else(|| panic!("no {name} in {text}"));
    let words = rest.split(|sign: char| !sign.is_ascii_alphanumeric());
    words.filter(|word| word.len() == 64).map(str::to_owned).next().unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn the_token_of_one_container_opens_nothing_of_another() {
    let world = World::start();
    world.pull();
    let docker = &world.docker;
    for name in ["a", "b"] {
        docker.ok(&["run", "--detach", "--name", name, "alpine", "tail", "-f", "/dev/null"]);
    }
    let ids = ["a", "b"].map(|name| docker.inspect(name)["Id"].as_str().unwrap().to_owned());
    let apps = world.azure.apps();
    let token_of = |id: &str| {
        let app = apps.iter().find(|app| app.to_string().contains(id)).unwrap();
        format!("Bearer {}", setting(app, "SOCKERLESS_AGENT_TOKEN"))
    };
    let [token_of_a, token_of_b] = [&ids[0], &ids[1]].map(|id| token_of(id));
    let address = world.daemon.agents_listen();
    let line = format!("GET {CONNECT}");

    let begun = Instant::now();
    assert_eq!(status(address, &line, &agent(&ids[1], &token_of_a)), 401);
    assert!(begun.elapsed() >= Duration::from_secs(1), "a wrong token is answered at once");
    let begun = Instant::now();
    assert_eq!(status(address, &line, &agent(&ids[0], &token_of_b)), 401);
    assert!(begun.elapsed() >= Duration::from_secs(2), "the next one waits no longer");
    // Its own token in another instance: the one that runs the command is the one that counts.
    assert_eq!(status(address, &line, &agent(&ids[0], &token_of_a)), 409);
    let log = world.daemon.log();
    assert!(log.contains("refused=2") && log.contains(&format!("container={:?}", ids[0])), "{log}");
    for token in [token_of_a, token_of_b] {
        assert!(!log.contains(token.trim_start_matches("Bearer ")), "a token is in the log");
    }
    for name in ["a", "b"] {
        assert_eq!(docker.ok(&["exec", name, "echo", "well"]), "well");
    }

    // A container that is gone has no agent, whatever token it had.
    docker.ok(&["rm", "--force", "a"]);
    assert_eq!(status(address, &line, &agent(&ids[0], &token_of(&ids[0]))), 401);
    assert_eq!(ask_daemon(&world, "GET /_ping", &[], b"").status, 200);
}
