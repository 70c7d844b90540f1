//! `POST /containers/{id}/stop`, `kill`, `restart`, and `DELETE /containers/{id}`.

use std::io::{BufRead, BufReader};

use serde_json::json;
use sockerless_tests::{World, ask_daemon};

use super::running;

/// Whether the command of `w` is still the same process.
fn pid(world: &World) -> String {
    world.docker.ok(&["exec", "w", "sh", "-c", "ps -o pid= -C tail"])
}

#[test]
fn stop_container() {
    let world = running();
    let (before, process) = (world.docker.inspect("w")["State"].clone(), pid(&world));
    let reply = ask_daemon(&world, "POST /containers/w/stop?t=0", &[], b"");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!((world.docker.inspect("w")["State"].clone(), pid(&world)), (before, process));
    assert_eq!(world.azure.kinds(), Vec::<String>::new());
}

#[test]
fn restart_container() {
    let world = running();
    let (before, process) = (world.docker.inspect("w")["State"].clone(), pid(&world));
    let reply = ask_daemon(&world, "POST /containers/w/restart?t=0", &[], b"");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!((world.docker.inspect("w")["State"].clone(), pid(&world)), (before, process));
    assert_eq!(world.azure.kinds(), Vec::<String>::new());
}

#[test]
fn kill_container() {
    let world = running();
    let reply = ask_daemon(&world, "POST /containers/w/kill", &[], b"");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    // It goes to exited, the invocation is over, and the app stays for the next start.
    let state = world.docker.inspect("w")["State"].clone();
    assert_eq!((&state["Status"], &state["ExitCode"]), (&json!("exited"), &json!(137)), "{state}");
    let _ = world.azure.last("POST function");
    assert_eq!(world.azure.kinds(), ["POST function"]);
    assert_eq!(world.azure.apps().len(), 1);
    world.docker.ok(&["start", "w"]);
    assert_eq!(world.docker.inspect("w")["State"]["Status"], "running");
}

#[test]
fn kill_container_with_another_signal() {
    // The agent passes it on: better than to disconnect it.
    let world = World::start();
    let script = "trap 'exit 9' USR1; touch /tmp/ready; while :; do sleep 0.02; done";
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", script]);
    world.docker.ok(&["exec", "w", "sh", "-c", "while [ ! -e /tmp/ready ]; do sleep 0.02; done"]);
    world.docker.ok(&["kill", "--signal", "USR1", "w"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "9");
}

#[test]
fn remove_container() {
    let world = running();
    world.docker.ok(&["kill", "w"]);
    let id = world.docker.inspect("w")["Id"].as_str().unwrap().to_owned();
    world.azure.forget();
    let reply = ask_daemon(&world, "DELETE /containers/w", &[], b"");
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let delete = world.azure.last("DELETE site");
    assert!(delete.text("path").ends_with(&format!("/sites/skls-{}", &id[..12])), "{delete:?}");
    assert!(delete.text("query").contains("deleteEmptyServerFarm=false"), "otherwise the plan goes with its last app");
    assert!(world.azure.apps().is_empty());
    assert_eq!(world.azure.control("GET", "/plans", None).as_array().unwrap().len(), 1);
    assert_eq!(ask_daemon(&world, "GET /containers/w/json", &[], b"").status, 404);
}

#[test]
fn remove_container_whose_app_is_gone() {
    let world = running();
    world.docker.ok(&["kill", "w"]);
    let path = world.azure.apps()[0]["name"].as_str().unwrap().to_owned();
    let path = format!("/resourceGroups/sockerless/providers/Microsoft.Web/sites/{path}?deleteEmptyServerFarm=false");
    assert_eq!(world.azure.arm("DELETE", &path, None).status, 200);
    world.docker.ok(&["rm", "w"]);
    assert_eq!(world.docker.ok(&["ps", "--all", "--quiet"]), "");
}

#[test]
fn remove_container_whose_app_cannot_be_deleted() {
    // Here more is done than the best effort: what still costs money is not forgotten.
    let world = running();
    world.docker.ok(&["kill", "w"]);
    world.azure.fault(&json!({ "fault": "answer", "service": "arm", "method": "DELETE", "status": 409,
        "code": "ScopeLocked", "message": "The scope is locked." }));
    let refused = world.docker.run(&["rm", "w"]);
    refused.exits(1);
    assert!(
        refused.stderr.contains("could not be deleted") && refused.stderr.contains("ScopeLocked"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        (world.azure.apps().len(), world.docker.ok(&["ps", "--all", "--format", "{{.Names}}"])),
        (1, "w".to_owned())
    );
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn remove_container_by_force() {
    let world = running();
    let refused = ask_daemon(&world, "DELETE /containers/w", &[], b"");
    assert_eq!(refused.status, 409);
    assert_eq!(world.azure.kinds(), Vec::<String>::new());
    let mut events =
        world.docker.spawn(&["events", "--since", "1", "--filter", "type=container", "--format", "{{.Action}}"]);
    assert_eq!(ask_daemon(&world, "DELETE /containers/w?force=1", &[], b"").status, 204);
    let lines = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen: Vec<String> = lines.skip_while(|action| action != "start").skip(1).take(3).collect();
    events.kill().unwrap();
    events.wait().unwrap();
    assert_eq!(seen, ["kill", "die", "destroy"], "it is ended first");
    assert!(world.azure.kinds().contains(&"DELETE site".to_owned()));
    assert!(world.azure.apps().is_empty());
}
