//! The mapping's summary of what is not supported: refused, or taken with a warning, and never passed over in silence.

use serde_json::json;
use sockerless_tests::{World, ask_daemon};

use super::running;

#[test]
fn container_stop_and_restart() {
    let world = running();
    let before = world.docker.inspect("w")["State"].clone();
    assert_eq!(world.docker.ok(&["stop", "w"]), "w");
    assert_eq!(world.docker.ok(&["restart", "w"]), "w");
    assert_eq!(world.docker.inspect("w")["State"], before);
    // A container that is asked for with a time to stop learns at once that this does nothing.
    let warned = world.docker.run(&["create", "--stop-timeout", "1", "alpine", "true"]);
    warned.ok();
    assert!(warned.stderr.contains("functions run to completion"), "{}", warned.stderr);
}

#[test]
fn log_follow_mode() {
    let world = World::start();
    world.docker.ok(&["run", "--name", "w", "alpine", "true"]);
    // It ends with the snapshot, and waits for nothing.
    world.docker.ok(&["logs", "--follow", "w"]);
}

#[test]
fn image_load_from_tar() {
    let world = World::start();
    let refused = world.docker.run_with(&["load"], b"no tar");
    refused.exits(1);
    assert!(refused.stderr.contains("registry"), "{}", refused.stderr);
}

#[test]
fn real_docker_networks() {
    let world = World::start();
    world.docker.ok(&["network", "create", "lane"]);
    let made = world.docker.run(&["run", "--rm", "--network", "lane", "alpine", "true"]);
    made.ok();
    assert!(made.stderr.contains("reaches no other container"), "{}", made.stderr);
}

#[test]
fn real_docker_volumes() {
    let world = World::start();
    let made =
        world.docker.run(&["run", "--rm", "--volume", "box:/data", "alpine", "sh", "-c", "ls /data 2>&1 | wc -l"]);
    made.ok();
    assert!(made.stderr.contains("Nothing of this machine is mounted"), "{}", made.stderr);
}

#[test]
fn forward_agent() {
    // Nothing is asked of the app itself but to begin: all the rest goes over the connection that the agent has made.
    let world = running();
    world.docker.ok(&["exec", "w", "true"]);
    world.docker.ok(&["top", "w"]);
    world.docker.ok(&["kill", "w"]);
    let _ = world.azure.last("POST function");
    let asked: Vec<_> = world.azure.sent().into_iter().filter(|sent| sent.text("service") == "site").collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[test]
fn stderr_separation() {
    // The table has no stream; the agent says it in the row's properties.
    let world = World::start();
    world.docker.ok(&["run", "--name", "w", "alpine", "sh", "-c", "echo out; echo err >&2"]);
    let ran = sockerless_tests::eventually("both lines are there", || {
        let ran = world.docker.run(&["logs", "w"]);
        (ran.stdout.len() + ran.stderr.len() > 7).then_some(ran)
    });
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\n", "err\n"));
}

#[test]
fn port_bindings() {
    let world = World::start();
    world.pull();
    world.azure.forget();
    let made = world.docker.run(&["create", "--name", "w", "--publish", "8080:80", "alpine", "true"]);
    made.ok();
    assert!(made.stderr.contains("reached by its URL and not by ports"), "{}", made.stderr);
    assert_eq!(world.docker.inspect("w")["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"], "8080");
    assert_eq!(world.azure.last("PUT site").setting("WEBSITES_PORT").as_deref(), Some("80"), "the agent's, as ever");
}

#[test]
fn resource_customization_at_runtime() {
    let world = running();
    let body = json!({ "Memory": 67_108_864, "MemorySwap": 67_108_864 }).to_string();
    let reply =
        ask_daemon(&world, "POST /containers/w/update", &[("Content-Type", "application/json")], body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.json()["Warnings"][0].as_str().unwrap().contains("resources are fixed"), "{}", reply.text());
    assert_eq!(world.docker.inspect("w")["HostConfig"]["Memory"], 0);
    assert_eq!(world.azure.kinds(), Vec::<String>::new(), "the plan decides");
    let made = world.docker.run(&["create", "--memory", "64m", "alpine", "true"]);
    assert!(made.stderr.contains("The App Service plan decides how much memory"), "{}", made.stderr);
}
