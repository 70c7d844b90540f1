//! Health checks and restart policies.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{BufRead, BufReader};

use sockerless_tests::{World, eventually};

fn health(world: &World, name: &str) -> serde_json::Value {
    world.docker.inspect(name)["State"]["Health"].clone()
}

#[test]
fn a_container_becomes_healthy_and_unhealthy_by_its_check() {
    let world = World::start();
    let mut events =
        world.docker.spawn(&["events", "--since", "1h", "--filter", "event=health_status", "--format", "{{.Action}}"]);
    let mut told = BufReader::new(events.stdout.take().unwrap());
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "w",
        "--health-cmd",
        "echo looked; test -e /tmp/well",
        "--health-interval",
        "100ms",
        "--health-retries",
        "2",
        "alpine",
        "sh",
        "-c",
        "touch /tmp/well; tail -f /dev/null",
    ]);
    let log = eventually("it is healthy", || {
        let health = health(&world, "w");
        (health["Status"] == "healthy").then_some(health["Log"].clone())
    });
    assert_eq!(log[0]["ExitCode"], 0, "{log}");
    assert_eq!(log[0]["Output"], "looked\n", "{log}");
    assert!(world.docker.ok(&["ps", "--format", "{{.Status}}"]).ends_with(" (healthy)"));
    assert_eq!(world.docker.ok(&["ps", "--filter", "health=healthy", "--format", "{{.Names}}"]), "w");

    world.docker.ok(&["exec", "w", "rm", "/tmp/well"]);
    eventually("it is unhealthy", || (health(&world, "w")["Status"] == "unhealthy").then_some(()));
    let mut lines = String::new();
    for status in ["healthy", "unhealthy"] {
        lines.clear();
        told.read_line(&mut lines).unwrap();
        assert_eq!(lines.trim_end(), format!("health_status: {status}"));
    }
    events.kill().unwrap();
    events.wait().unwrap();
}

#[test]
fn a_check_that_takes_too_long_fails() {
    let world = World::start();
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "w",
        "--health-cmd",
        "sleep 1000",
        "--health-interval",
        "50ms",
        "--health-timeout",
        "100ms",
        "--health-retries",
        "1",
        "alpine",
        "tail",
        "-f",
        "/dev/null",
    ]);
    let health = eventually("it is unhealthy", || {
        let health = health(&world, "w");
        (health["Status"] == "unhealthy").then_some(health)
    });
    assert_eq!(health["Log"][0]["ExitCode"], -1, "{health}");
    assert_eq!(health["Log"][0]["Output"], "Health check exceeded timeout (100ms)", "{health}");
}

#[test]
fn a_command_that_fails_is_tried_again_as_often_as_the_policy_says() {
    let world = World::start();
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "w",
        "--restart",
        "on-failure:2",
        "alpine",
        "sh",
        "-c",
        "echo x >> /tmp/runs; exit 3",
    ]);
    let state = eventually("it is given up", || {
        let container = world.docker.inspect("w");
        (container["State"]["Status"] == "exited" && container["RestartCount"] == 2)
            .then_some(container["State"].clone())
    });
    assert_eq!(state["ExitCode"], 3, "{state}");
}

#[test]
fn a_container_that_is_always_restarted_stays_down_when_it_is_killed() {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "--restart", "always", "alpine", "sh", "-c", "sleep 0.05"]);
    eventually("it was restarted", || (world.docker.inspect("w")["RestartCount"].as_u64().unwrap() >= 2).then_some(()));
    world.docker.ok(&["update", "--restart", "no", "w"]);
    eventually("it stays down", || (world.docker.inspect("w")["State"]["Status"] == "exited").then_some(()));
    world.docker.ok(&["rm", "w"]);

    world.docker.ok(&["run", "-d", "--name", "v", "--restart", "always", "alpine", "tail", "-f", "/dev/null"]);
    world.docker.ok(&["kill", "v"]);
    assert_eq!(world.docker.inspect("v")["State"]["Status"], "exited");
}
