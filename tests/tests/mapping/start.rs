//! `POST /containers/{id}/start`.

use serde_json::json;
use sockerless_tests::{World, eventually};

use super::{without_agent, world};

const NO_AGENT: &str = "[[images]]\nname = 'bare'\nagent = false\n[platform]\nrestart_backoff_ms = 600000\nrestart_backoff_max_ms = 600000";

/// The state of the container `w`, when it has ended.
fn ended(world: &World) -> serde_json::Value {
    eventually("it has ended", || {
        let state = world.docker.inspect("w")["State"].clone();
        (state["Status"] == "exited").then_some(state)
    })
}

#[test]
fn what_happens() {
    let world = World::start();
    world.pull();
    let id = world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    world.azure.forget();
    world.docker.ok(&["start", "--attach", "w"]);
    let post = world.azure.last("POST function");
    assert_eq!(post.text("host"), format!("skls-{}.azurewebsites.net", &id[..12]));
    assert!(post.header("x-sockerless-run-id").is_some_and(|run| !run.is_empty()), "{post:?}");
    assert_eq!(world.azure.kinds(), ["POST function"], "and the resource manager is asked nothing");
}

#[test]
fn blocking() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world.azure.forget();
    world.docker.ok(&["start", "w"]);
    assert_eq!(world.docker.inspect("w")["State"]["Status"], "running");
    // The invocation goes on: a request is listed when it is answered.
    assert_eq!(world.azure.kinds(), Vec::<String>::new());
    world.docker.ok(&["kill", "w"]);
}

#[test]
fn agent_mode() {
    // The agent takes the invocation, and finds nobody where it is to call back.
    let settings = [("SOCKERLESS_AZF_CALLBACK_TIMEOUT", "1"), ("SOCKERLESS_CALLBACK_URL", "ws://127.0.0.1:1")];
    let world = world(&settings, "");
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    let failed = world.docker.run(&["start", "w"]);
    failed.exits(1);
    assert!(failed.stderr.contains("did not call back within 1 s"), "{}", failed.stderr);
    assert!(failed.stderr.contains("SOCKERLESS_CALLBACK_URL"), "what to look at: {}", failed.stderr);
    let state = world.docker.inspect("w")["State"].clone();
    assert_ne!(state["Status"], "running", "{state}");
}

#[test]
fn agent_mode_of_an_image_without_the_agent() {
    let world = world(&[("SOCKERLESS_AZF_CALLBACK_TIMEOUT", "3")], NO_AGENT);
    world.docker.ok(&["pull", "--quiet", "bare"]);
    world.docker.ok(&["create", "--name", "w", "bare", "true"]);
    world.azure.forget();
    let failed = world.docker.run(&["start", "w"]);
    failed.exits(1);
    assert!(failed.stderr.contains("answered with status 503"), "{}", failed.stderr);
    // What the platform has to say about it is in the error.
    assert!(failed.stderr.contains("file not found in $PATH"), "{}", failed.stderr);
    assert!(world.azure.kinds().contains(&"POST site/containerlogs".to_owned()), "{:?}", world.azure.kinds());
    assert_eq!(world.azure.apps().len(), 1, "the app is still the container's");
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn helper_containers() {
    // The literal rule: what is not `tail -f /dev/null` counts as ended after 500 ms.
    let world = world(&[("SOCKERLESS_AZF_HELPERS", "auto-stop")], "");
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "sleep", "1000"]);
    assert_eq!(ended(&world)["ExitCode"], 0);
    world.docker.ok(&["run", "-d", "--name", "tail", "alpine", "tail", "-f", "/dev/null"]);
    world.docker.ok(&["run", "-d", "--name", "after", "alpine", "sleep", "1000"]);
    let _ = world.docker.ok(&["wait", "after"]);
    assert_eq!(world.docker.inspect("tail")["State"]["Status"], "running");
}

#[test]
fn helper_containers_run_to_their_end_where_an_agent_sees_it() {
    let world = World::start();
    world.docker.run(&["run", "--name", "w", "alpine", "sh", "-c", "sleep 0.8; exit 7"]).exits(7);
    assert_eq!(ended(&world)["ExitCode"], 7);
}

#[test]
fn helper_containers_without_an_agent() {
    // An image of Azure Functions' own answers the invocation; nobody sees what its command would be.
    let world = without_agent("[platform]\nresponse_limit_ms = 2000\nrequest_hold_ms = 100");
    world.pull();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "anything"]);
    assert_eq!(ended(&world)["ExitCode"], 0);
}

#[test]
fn exit_handling() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "sh", "-c", "exit 3"]);
    world.docker.run(&["start", "--attach", "w"]).exits(3);
    let post = world.azure.last("POST function");
    assert_eq!(post.status(), 200, "the response itself has the code");
    assert_eq!(ended(&world)["ExitCode"], 3);
}

#[test]
fn exit_handling_waits_for_the_agent_when_the_response_says_nothing() {
    let world = World::start();
    world.pull();
    let script = "while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 5";
    for (fault, name) in [
        (json!({ "fault": "front-end", "status": 502, "delivered": true }), "a-502"),
        (json!({ "fault": "front-end", "status": 504, "delivered": true }), "a-504"),
        (json!({ "fault": "front-end", "delivered": true }), "a-broken-connection"),
    ] {
        world.docker.ok(&["create", "--name", name, "alpine", "sh", "-c", script]);
        world.azure.forget();
        world.azure.fault(&fault);
        world.docker.ok(&["start", name]);
        let _ = world.azure.last("POST function");
        assert_eq!(world.docker.inspect(name)["State"]["Status"], "running", "{name}: how it ends is not known");
        world.docker.ok(&["exec", "--detach", name, "touch", "/tmp/go"]);
        assert_eq!(world.docker.ok(&["wait", name]), "5", "{name}");
    }
}

#[test]
fn exit_handling_of_a_response_that_is_cut() {
    let world = world(&[], "[platform]\nresponse_limit_ms = 3000");
    world.pull();
    let script = "while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 6";
    world.docker.ok(&["create", "--name", "w", "alpine", "sh", "-c", script]);
    world.azure.forget();
    world.docker.ok(&["start", "w"]);
    assert_eq!(world.azure.last("POST function").status(), 504);
    assert_eq!(world.docker.inspect("w")["State"]["Status"], "running");
    world.docker.ok(&["exec", "--detach", "w", "touch", "/tmp/go"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "6");
}

#[test]
fn exit_handling_of_a_container_that_was_moved() {
    let world = World::start();
    let id = world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let _ = world.azure.control("POST", &format!("/apps/skls-{}/move", &id[..12]), None);
    let state = ended(&world);
    assert_eq!(state["ExitCode"], 137, "{state}");
    assert!(state["Error"].as_str().unwrap().contains("replaced the instance"), "{state}");
}

#[test]
fn pre_create_channel() {
    // The agent is there only after the invocation: whoever waits for it must have begun before.
    let world = world(&[], "[platform]\nstart = 'first-request'");
    world.pull();
    let id = world.docker.ok(&["create", "--name", "w", "alpine", "sh", "-c", "exit 4"]);
    let app = format!("/apps/skls-{}", &id[..12]);
    assert_eq!(world.azure.control("GET", &app, None)["container"]["starts"], 0);
    world.docker.run(&["start", "--attach", "w"]).exits(4);
    assert_eq!(world.azure.control("GET", &app, None)["container"]["starts"], 1);
}
