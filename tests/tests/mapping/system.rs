//! Images, networks, volumes, system, pause: the host's own, of which Azure hears nothing.

use serde_json::json;
use sockerless_tests::{World, ask_daemon};

use super::running;

fn nothing_was_sent(world: &World) {
    assert_eq!(world.azure.kinds(), Vec::<String>::new());
}

#[test]
fn pull_image() {
    let world = World::start();
    world.azure.forget();
    let reply = ask_daemon(&world, "POST /images/create?fromImage=registry.invalid/tools&tag=1", &[], b"");
    assert_eq!(reply.status, 200, "{}", reply.text());
    // Nothing is downloaded: there is no such registry.
    assert!(reply.text().contains("Downloaded newer image for registry.invalid/tools:1"), "{}", reply.text());
    assert_eq!(world.docker.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]), "registry.invalid/tools:1");
    nothing_was_sent(&world);
}

#[test]
fn pull_image_config() {
    let id = || {
        let world = World::start();
        world.docker.ok(&["pull", "--quiet", "registry.invalid/tools:1"]);
        world.docker.ok(&["pull", "--quiet", "registry.invalid/tools:2"]);
        let id = |reference: &str| world.docker.inspect(reference)["Id"].as_str().unwrap().to_owned();
        (id("registry.invalid/tools:1"), id("registry.invalid/tools:2"))
    };
    let (one, two) = id();
    assert!(one.starts_with("sha256:") && one.len() == 71, "{one}");
    assert_ne!(one, two);
    assert_eq!(id(), (one, two), "a hash of the reference, whoever pulls it");
}

#[test]
fn load_image() {
    let world = World::start();
    world.azure.forget();
    let reply = ask_daemon(&world, "POST /images/load", &[("Content-Type", "application/x-tar")], &[0; 1024]);
    assert_eq!(reply.status, 501);
    assert!(reply.json()["message"].as_str().unwrap().contains("registry"), "{}", reply.text());
    nothing_was_sent(&world);
}

#[test]
fn networks() {
    let world = running();
    world.docker.ok(&["network", "create", "--label", "a=b", "lane"]);
    world.docker.ok(&["network", "connect", "lane", "w"]);
    assert!(world.docker.inspect("w")["NetworkSettings"]["Networks"].get("lane").is_some());
    assert_eq!(world.docker.inspect("lane")["Labels"], json!({ "a": "b" }));
    world.docker.ok(&["network", "disconnect", "lane", "w"]);
    world.docker.ok(&["network", "rm", "lane"]);
    nothing_was_sent(&world);
}

#[test]
fn volumes() {
    let world = running();
    world.docker.ok(&["volume", "create", "--label", "a=b", "box"]);
    assert_eq!(world.docker.inspect("box")["Labels"], json!({ "a": "b" }));
    world.docker.ok(&["volume", "rm", "box"]);
    assert_eq!(world.docker.ok(&["volume", "ls", "--quiet"]), "");
    nothing_was_sent(&world);
}

#[test]
fn system_info() {
    let world = World::start();
    world.azure.forget();
    let info = ask_daemon(&world, "GET /info", &[], b"").json();
    assert_eq!((&info["Driver"], &info["OperatingSystem"]), (&json!("azure-functions"), &json!("Azure Functions")));
    assert_eq!((&info["NCPU"], &info["MemTotal"]), (&json!(2), &json!(4_294_967_296_u64)));
    nothing_was_sent(&world);
}

#[test]
fn pause_unpause() {
    let world = running();
    let state = || world.docker.inspect("w")["State"].clone();
    let command = world.azure.apps()[0]["container"].clone();
    world.docker.ok(&["pause", "w"]);
    assert_eq!((&state()["Status"], &state()["Paused"]), (&json!("paused"), &json!(true)));
    // No real effect: what runs in the cloud is what ran before.
    assert_eq!(world.azure.apps()[0]["container"], command);
    world.docker.ok(&["unpause", "w"]);
    assert_eq!((&state()["Status"], &state()["Paused"]), (&json!("running"), &json!(false)));
    nothing_was_sent(&world);
}
