//! The commands of the Docker CLI, by what each sends to Azure.

use sockerless_tests::World;

use super::{running, without_agent};

/// What a command sends; it must succeed.
fn sends(world: &World, words: &[&str]) -> Vec<String> {
    world.azure.forget();
    world.docker.ok(words);
    world.azure.kinds()
}

const NOTHING: [&str; 0] = [];

#[test]
fn docker_create() {
    let world = World::start();
    world.pull();
    assert_eq!(sends(&world, &["create", "--name", "w", "alpine", "true"]), ["PUT site"]);
}

#[test]
fn docker_start() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    world.azure.forget();
    world.docker.ok(&["start", "w"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "0");
    let _ = world.azure.last("POST function");
    assert_eq!(world.azure.kinds(), ["POST function"]);
}

#[test]
fn docker_stop() {
    assert_eq!(sends(&running(), &["stop", "w"]), NOTHING);
}

#[test]
fn docker_kill() {
    let world = running();
    world.docker.ok(&["kill", "w"]);
    // The invocation that this ends is the only request.
    let _ = world.azure.last("POST function");
    assert_eq!(world.azure.kinds(), ["POST function"]);
}

#[test]
fn docker_rm() {
    let world = running();
    world.docker.ok(&["kill", "w"]);
    let _ = world.azure.last("POST function");
    assert_eq!(sends(&world, &["rm", "w"]), ["DELETE site"]);
}

#[test]
fn docker_logs() {
    let world = World::start();
    world.docker.ok(&["run", "--name", "w", "alpine", "true"]);
    let _ = world.azure.last("POST function");
    assert_eq!(sends(&world, &["logs", "w"]), ["POST query"]);
}

#[test]
fn docker_logs_f() {
    // Where the mapping has nothing, an agent has the lines, live; without one there is the snapshot.
    let world = World::start();
    world.docker.ok(&["run", "--name", "w", "alpine", "true"]);
    let _ = world.azure.last("POST function");
    assert_eq!(sends(&world, &["logs", "-f", "w"]), NOTHING);
    let world = without_agent("[platform]\nrequest_hold_ms = 1");
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "true"]);
    world.docker.ok(&["wait", "w"]);
    let _ = world.azure.last("POST function");
    assert_eq!(sends(&world, &["logs", "-f", "w"]), ["POST query"]);
}

#[test]
fn docker_exec() {
    assert_eq!(sends(&running(), &["exec", "w", "true"]), NOTHING);
}

#[test]
fn docker_cp() {
    let world = running();
    let file = world.folder().join("file");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(sends(&world, &["cp", file.to_str().unwrap(), "w:/tmp/file"]), NOTHING);
    assert_eq!(world.docker.ok(&["exec", "w", "cat", "/tmp/file"]), "x");
}

#[test]
fn docker_pull() {
    let world = World::start();
    assert_eq!(sends(&world, &["pull", "alpine"]), NOTHING);
    assert_eq!(world.docker.ok(&["images", "--format", "{{.Repository}}"]), "alpine");
}

#[test]
fn docker_network_create() {
    let world = World::start();
    assert_eq!(sends(&world, &["network", "create", "lane"]), NOTHING);
    assert_eq!(world.docker.inspect("lane")["Name"], "lane");
}

#[test]
fn docker_volume_create() {
    let world = World::start();
    assert_eq!(sends(&world, &["volume", "create", "box"]), NOTHING);
    assert_eq!(world.docker.inspect("box")["Name"], "box");
}

#[test]
fn docker_restart() {
    assert_eq!(sends(&running(), &["restart", "w"]), NOTHING);
}

#[test]
fn docker_ps_and_inspect_ask_azure_nothing() {
    let world = running();
    assert_eq!(sends(&world, &["ps", "--all"]), NOTHING);
    assert_eq!(sends(&world, &["inspect", "w"]), NOTHING);
}
