//! The daemon dies, and comes back.

use sockerless_tests::{World, eventually};

#[test]
fn after_a_sigkill_the_same_containers_are_there_and_the_running_one_is_reachable() {
    let mut world = World::start();
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "runs",
        "alpine",
        "sh",
        "-c",
        "echo $$ > /tmp/pid; exec tail -f /dev/null",
    ]);
    world.docker.run(&["run", "--name", "ended", "alpine", "sh", "-c", "exit 3"]).exits(3);
    world.docker.ok(&["create", "--name", "made", "alpine", "echo", "late"]);
    let format = ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}}"];
    let before = world.docker.ok(&format);
    world.docker.ok(&["exec", "runs", "sh", "-c", "echo kept > /tmp/kept"]);

    world.daemon.kill();
    world.daemon.start().unwrap();

    assert_eq!(world.docker.ok(&format), before);
    assert_eq!(world.docker.ok(&["exec", "runs", "cat", "/tmp/kept"]), "kept");
    assert_eq!(world.docker.inspect("ended")["State"]["ExitCode"], 3);
    assert_eq!(world.docker.ok(&["start", "-a", "made"]), "late");
    world.docker.ok(&["rm", "-f", "runs", "ended", "made"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn an_end_that_the_daemon_did_not_see_is_told_afterwards() {
    let mut world = World::start();
    let script = "while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 6";
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", script]);
    world.docker.ok(&["exec", "-d", "w", "sh", "-c", "sleep 0.3; touch /tmp/go"]);
    world.daemon.kill();
    // Long enough for the command to end; if it should end later the test is as true.
    let app = &world.azure.apps()[0];
    assert!(app["name"].as_str().unwrap().starts_with("skls-"), "{app}");
    world.daemon.start().unwrap();
    assert_eq!(world.docker.ok(&["wait", "w"]), "6");
}

#[test]
fn a_clean_stop_leaves_the_containers_running() {
    let mut world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world.daemon.terminate();
    assert!(!world.daemon.own_socket().exists(), "the socket is left behind");
    world.daemon.start().unwrap();
    let answer = eventually("exec works again", || {
        let ran = world.docker.run(&["exec", "w", "echo", "here"]);
        (ran.code == 0).then_some(ran.stdout)
    });
    assert_eq!(answer, "here\n");
}

#[test]
fn a_container_that_was_deleted_in_the_cloud_meanwhile_is_not_taken_for_a_running_one() {
    let mut world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world.daemon.kill();
    let app = world.azure.apps()[0]["name"].as_str().unwrap().to_owned();
    let path = format!(
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless/providers/Microsoft.Web/sites/{app}\
         ?api-version=2025-05-01&deleteEmptyServerFarm=false"
    );
    let token = world.azure_token();
    let (status, answer) = world.azure.request("management.azure.com", "DELETE", &path, Some(&token), None);
    assert_eq!(status, 200, "{answer}");
    world.daemon.start().unwrap();
    let state = world.docker.inspect("w")["State"].clone();
    assert_eq!((&state["Status"], &state["ExitCode"]), (&"exited".into(), &137.into()), "{state}");
    assert!(state["Error"].as_str().unwrap().contains("does not exist in the cloud"), "{state}");
    world.docker.ok(&["rm", "w"]);
}
