//! Clients that want too much: each limit has its own answer, and takes nothing from the others.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use sockerless_tests::{World, WorldOptions, eventually};

use super::direct;

/// A world with this one limit, and the container `w` running.
fn limited(setting: &'static str, value: u32) -> World {
    let settings = vec![(setting, value.to_string())];
    let world = World::with(WorldOptions { settings, ..WorldOptions::default() });
    direct(&world).ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world
}

fn connect(world: &World) -> UnixStream {
    let socket = UnixStream::connect(world.daemon.own_socket()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    socket
}

/// Asks, and reads until this has come.
fn asked(world: &World, request: &str, until: &str) -> UnixStream {
    let mut socket = connect(world);
    socket.write_all(request.as_bytes()).unwrap();
    let (mut answer, mut buffer) = (String::new(), [0; 4096]);
    while !answer.contains(until) {
        let count = socket.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{request}: {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    socket
}

/// Asks on a connection of its own. Answers status and body.
fn answer(world: &World, request: &str) -> (u16, Value) {
    let mut socket = connect(world);
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
}

fn refused(answer: &(u16, Value), status: u16, option: &str) {
    assert_eq!(answer.0, status, "{answer:?}");
    let message = answer.1["message"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    assert!(message.contains(option), "{message}");
}

#[test]
fn connections() {
    let world = limited("SOCKERLESS_MAX_CONNECTIONS", 5);
    let mut held: Vec<_> =
        (0..5).map(|_| asked(&world, "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n", "\r\n\r\nOK")).collect();
    refused(&answer(&world, &get("/_ping")), 503, "--max-connections");
    let ran = direct(&world).run(&["ps"]);
    assert!(ran.code != 0 && ran.stderr.contains("--max-connections"), "{ran:?}");
    // One that says nothing gets nothing, and does not keep others from their answer.
    let silent = connect(&world);
    refused(&answer(&world, &get("/_ping")), 503, "--max-connections");
    drop(silent);
    held.pop();
    eventually("there is room again", || (answer(&world, &get("/_ping")).0 == 200).then_some(()));
}

#[test]
fn requests() {
    let world = limited("SOCKERLESS_MAX_REQUESTS", 2);
    let script = json!({ "form": "async-operation", "polls": 1_000_000, "retry_after_ms": 50 });
    for _ in 0..2 {
        world.azure.fault(&json!({ "fault": "put", "script": script }));
    }
    let docker = direct(&world);
    let mut creates: Vec<Child> = (0..2).map(|_| docker.spawn(&["create", "alpine", "true"])).collect();
    eventually("both are at work", || (answer(&world, &get("/info")).0 == 503).then_some(()));
    refused(&answer(&world, &get("/info")), 503, "--max-requests");
    // That their clients have gone does not end them: they hold their places.
    for create in &mut creates {
        create.kill().unwrap();
        create.wait().unwrap();
    }
    refused(&answer(&world, &get("/info")), 503, "--max-requests");
}

#[test]
fn streams() {
    let world = limited("SOCKERLESS_MAX_STREAMS", 3);
    let stream = |path: &str| asked(&world, &format!("GET {path} HTTP/1.1\r\nHost: d\r\n\r\n"), "\r\n\r\n");
    let (events, _logs) = (stream("/events"), stream("/containers/w/logs?stdout=1&follow=1"));
    let _attached = asked(
        &world,
        "POST /containers/w/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        "\r\n\r\n",
    );
    let wait = "POST /containers/w/wait HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n";
    refused(&answer(&world, wait), 429, "--max-streams");
    for path in ["/events", "/containers/w/logs?stdout=1&follow=1", "/containers/w/stats"] {
        refused(&answer(&world, &get(path)), 429, "--max-streams");
    }
    let ran = direct(&world).run(&["logs", "-f", "w"]);
    assert!(ran.code != 0 && ran.stderr.contains("--max-streams"), "{ran:?}");
    // What has an end is none.
    assert_eq!(answer(&world, &get("/containers/w/stats?stream=0")).0, 200);
    assert_eq!(answer(&world, &get("/containers/json")).0, 200);
    drop(events);
    eventually("there is room again", || {
        let mut socket = connect(&world);
        socket.write_all(wait.as_bytes()).unwrap();
        let mut head = [0; 15];
        socket.read_exact(&mut head).unwrap();
        (&head == b"HTTP/1.1 200 OK").then_some(())
    });
}

#[test]
fn execs() {
    let world = limited("SOCKERLESS_MAX_EXECS_PER_CONTAINER", 2);
    let docker = direct(&world);
    let mut running: Vec<Child> = (0..2).map(|_| docker.spawn(&["exec", "-i", "w", "cat"])).collect();
    eventually("both run", || {
        let ids = docker.inspect("w")["ExecIDs"].as_array().map_or(0, Vec::len);
        (ids == 2).then_some(())
    });
    let ran = docker.run(&["exec", "w", "true"]);
    assert!(ran.code != 0 && ran.stderr.contains("--max-execs-per-container"), "{ran:?}");
    let mut ended = running.pop().unwrap();
    drop(ended.stdin.take());
    ended.wait().unwrap();
    eventually("there is room again", || (docker.run(&["exec", "w", "true"]).code == 0).then_some(()));
    running[0].kill().unwrap();
    running[0].wait().unwrap();
}

#[test]
fn heads_and_bodies_that_do_not_come() {
    let mut world = World::without_daemon(WorldOptions::default());
    world.daemon.set("SOCKERLESS_HEAD_TIMEOUT", "1".to_owned());
    world.daemon.set("SOCKERLESS_IDLE_TIMEOUT", "2".to_owned());
    world.daemon.start().unwrap();
    let rest = |mut socket: UnixStream| {
        let mut rest = String::new();
        // A reset is an end as well.
        let _ = socket.read_to_string(&mut rest);
        rest
    };
    let mut slow = connect(&world);
    slow.write_all(b"GET /_ping HT").unwrap();
    assert_eq!(rest(slow), "");
    // However often it sends a byte.
    let mut dripping = connect(&world);
    let mut sent = 0;
    while dripping.write_all(b"G").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
        sent += 1;
        assert!(sent < 600, "it may go on for ever");
    }
    let mut body = connect(&world);
    body.write_all(
        b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    )
    .unwrap();
    let told = rest(body);
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 400 "), "{told}");
    assert_eq!(rest(connect(&world)), "");
}

#[test]
fn clients_that_do_not_read_cost_no_memory() {
    let world = World::start();
    let docker = direct(&world);
    // 200 MB, which nobody reads.
    let script = "head -c 200000000 /dev/zero | tr '\\0' x | fold -w 1000; exec tail -f /dev/null";
    docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", script]);
    let before = world.daemon.memory();
    let logs = "GET /containers/w/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n";
    let attach = "POST /containers/w/attach?logs=1&stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let _unread: Vec<_> =
        (0..10).flat_map(|_| [asked(&world, logs, "\r\n\r\n"), asked(&world, attach, "\r\n\r\n")]).collect();
    let _events: Vec<_> =
        (0..10).map(|_| asked(&world, "GET /events HTTP/1.1\r\nHost: d\r\n\r\n", "\r\n\r\n")).collect();
    // More than any of them is sent meanwhile, and events beyond what is kept for one.
    for _ in 0..5 {
        let wide = format!("label={}", "x".repeat(100_000));
        docker.ok(&["create", "--label", &wide, "--name", "events", "alpine", "true"]);
        docker.ok(&["rm", "events"]);
    }
    let grown = world.daemon.memory().saturating_sub(before) / 1024;
    assert!(grown < 64, "{grown} MiB more with 30 clients that do not read");
}
