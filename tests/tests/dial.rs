//! The daemon dials the agents: it has no listener for them, and no public address.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use serde_json::json;
use sockerless_tests::{Cable, World};

fn world() -> (World, Cable) {
    let (world, cable) = World::that_dials();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    (world, cable)
}

/// The host of the only function app.
fn host(world: &World) -> String {
    let name = world.azure.apps()[0]["name"].as_str().unwrap().to_owned();
    format!("{name}.azurewebsites.net")
}

#[test]
fn everything_works_without_a_listener_for_agents() {
    let (world, _cable) = world();
    let listening = TcpStream::connect(world.daemon.agents_listen());
    assert!(listening.is_err(), "the daemon listens for agents");
    assert!(!world.daemon.log().contains("SOCKERLESS_CALLBACK_URL is not set"), "{}", world.daemon.log());

    let ran = world.docker.run(&["run", "--rm", "alpine", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("out\n", "err\n", 7));
    world.docker.run(&["exec", "w", "sh", "-c", "exit 3"]).exits(3);
    let file = world.folder().join("file");
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
    std::fs::write(&file, &data).unwrap();
    world.docker.ok(&["cp", file.to_str().unwrap(), "w:/tmp/file"]);
    let back = world.folder().join("back");
    world.docker.ok(&["cp", "w:/tmp/file", back.to_str().unwrap()]);
    assert!(std::fs::read(back).unwrap() == data, "the file has changed on its way");

    let script = "echo one; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo two";
    let id = world.docker.ok(&["run", "-d", "alpine", "sh", "-c", script]);
    let mut follow = world.docker.spawn(&["logs", "-f", &id]);
    let mut out = BufReader::new(follow.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "one\n");
    world.docker.ok(&["exec", "-d", &id, "touch", "/tmp/go"]);
    out.read_to_string(&mut line).unwrap();
    assert_eq!(line, "one\ntwo\n");
    assert!(follow.wait().unwrap().success());

    world.docker.ok(&["kill", "w"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "137");
}

#[test]
fn a_link_that_breaks_is_dialled_again() {
    let (world, cable) = world();
    cable.cut_under_an_exec(&world.docker);
}

#[test]
fn a_daemon_that_was_killed_dials_the_running_container_again() {
    let (mut world, _cable) = world();
    world.docker.ok(&["exec", "w", "sh", "-c", "echo kept > /tmp/kept"]);
    world.daemon.kill();
    world.daemon.start().unwrap();
    assert_eq!(world.docker.ok(&["exec", "w", "cat", "/tmp/kept"]), "kept");
    world.docker.ok(&["kill", "w"]);
    assert_eq!(world.docker.inspect("w")["State"]["ExitCode"], 137);
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn nobody_else_is_let_in() {
    let (world, _cable) = world();
    let host = host(&world);
    let handshake = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ("x-sockerless-protocol", "1"),
    ];
    let wrong = format!("Bearer {}", "0".repeat(64));
    for authorization in [None, Some(wrong.as_str()), Some("Bearer ")] {
        let headers: Vec<_> =
            handshake.into_iter().chain(authorization.map(|value| ("authorization", value))).collect();
        let reply = world.azure.ask(&host, "GET /v1/agent/link", &headers, b"");
        assert_eq!(reply.status, 401, "{}", reply.text());
        assert!(!reply.text().contains("SOCKERLESS"), "{}", reply.text());
    }
    // The link that there was is still there, and the daemon has not lost it.
    assert_eq!(world.docker.ok(&["exec", "w", "echo", "here"]), "here");
    assert!(!world.daemon.log().contains("the agent's link"), "{}", world.daemon.log());
}

#[test]
fn an_agent_that_dials_takes_no_call() {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let reply = world.azure.ask(&host(&world), "GET /v1/agent/link", &[], b"");
    assert_eq!((reply.status, reply.text()), (200, "sockerless-agent\n".into()));
}

#[test]
fn a_container_whose_agent_cannot_be_dialled_says_why_it_does_not_start() {
    let (world, _cable) = World::that_dials_with(vec![("SOCKERLESS_AZF_CALLBACK_TIMEOUT", "2".to_owned())]);
    let fault = json!({ "fault": "front-end", "path": "/v1/agent/link", "status": 503, "times": 1000 });
    world.azure.fault(&fault);
    world.docker.ok(&["create", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let ran = world.docker.run(&["start", "w"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for part in ["did not call back within 2 s", "answered with status 503", "SOCKERLESS_AGENT_LINK=dial"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}
