//! A container that stays: list, inspect, exec, top, wait, kill, stop, restart, remove.

use std::io::{Read, Write};

use sockerless_tests::{World, eventually};

/// A world with the container `w` running.
fn world_with_w() -> World {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world
}

#[test]
fn a_running_container_is_listed_and_inspected() {
    let world = world_with_w();
    let id = world.docker.ok(&["ps", "--no-trunc", "--format", "{{.ID}}"]);
    assert_eq!(id.len(), 64);
    let line = world.docker.ok(&["ps", "--format", "{{.Names}}|{{.Image}}|{{.Command}}|{{.State}}"]);
    assert_eq!(line, "w|alpine|\"tail -f /dev/null\"|running");
    let inspected = world.docker.inspect("w");
    assert_eq!(inspected["Id"], id.as_str());
    assert_eq!(inspected["Name"], "/w");
    assert_eq!(inspected["State"]["Status"], "running");
    assert_eq!(inspected["Path"], "tail");
    assert_eq!(inspected["Args"], serde_json::json!(["-f", "/dev/null"]));
    assert_eq!(inspected["HostConfig"]["Runtime"], "azf");

    let apps = world.azure.apps();
    assert_eq!(apps.len(), 1, "{apps:?}");
    assert_eq!(apps[0]["name"], format!("skls-{}", &id[..12]).as_str());
}

#[test]
fn exec_has_both_streams_its_input_and_its_exit_code() {
    let world = world_with_w();
    let ran = world.docker.run(&["exec", "w", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert_eq!(ran.exits(3), "out");
    assert_eq!(ran.stderr, "err\n");
    let ran = world.docker.run_with(&["exec", "-i", "w", "sh", "-c", "cat; echo end"], b"first\nsecond\n");
    assert_eq!(ran.ok(), "first\nsecond\nend");
    let ran = world.docker.run(&["exec", "--env", "A=b c", "--workdir", "/usr", "w", "sh", "-c", "echo $A; pwd"]);
    assert_eq!(ran.ok(), "b c\n/usr");
    let ran = world.docker.run(&["exec", "w", "no-such-command"]);
    ran.exits(127);
    assert!(ran.stdout.contains("executable file not found in $PATH"), "{ran:?}");
    world.docker.ok(&["exec", "-d", "w", "sh", "-c", "echo done > /tmp/marker"]);
    eventually("the detached command has run", || {
        (world.docker.run(&["exec", "w", "cat", "/tmp/marker"]).stdout == "done\n").then_some(())
    });
}

#[test]
fn exec_on_a_terminal_has_its_size_and_what_is_typed() {
    let world = world_with_w();
    let ran = world.docker.on_terminal(
        &["exec", "-it", "w", "sh", "-c", "stty size; read line; echo got $line"],
        21,
        77,
        "typed\n",
    );
    let out = ran.ok().replace('\r', "");
    // What is typed ahead of the command is echoed when it arrives, before or after what the command writes.
    assert!(out.lines().any(|line| line == "21 77"), "{out:?}");
    assert!(out.lines().any(|line| line == "got typed"), "{out:?}");
}

#[test]
fn an_interactive_exec_answers_while_its_input_is_open() {
    let world = world_with_w();
    let mut shell = world.docker.spawn(&["exec", "-i", "w", "sh"]);
    let mut input = shell.stdin.take().unwrap();
    let mut output = shell.stdout.take().unwrap();
    let mut line = [0; 4];
    for word in ["one\n", "two\n"] {
        input.write_all(format!("echo {word}").as_bytes()).unwrap();
        output.read_exact(&mut line).unwrap();
        assert_eq!(line, word.as_bytes());
    }
    drop(input);
    assert!(shell.wait().unwrap().success());
}

#[test]
fn top_shows_the_containers_processes() {
    let world = world_with_w();
    let top = world.docker.ok(&["top", "w"]);
    assert!(top.starts_with("UID"), "{top}");
    assert!(top.contains("tail -f /dev/null"), "{top}");
    assert!(!top.contains("dockerd"), "{top}");
}

#[test]
fn wait_answers_with_the_exit_code() {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", "read line < /tmp/go || sleep 1000; exit 5"]);
    world.docker.ok(&["run", "--name", "short", "alpine", "true"]);
    assert_eq!(world.docker.ok(&["wait", "short"]), "0");
    let waiting = world.docker.spawn(&["wait", "w"]);
    world.docker.ok(&["kill", "--signal", "KILL", "w"]);
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "137\n");
}

#[test]
fn kill_ends_it_with_137() {
    let world = world_with_w();
    assert_eq!(world.docker.ok(&["kill", "w"]), "w");
    let state = &world.docker.inspect("w")["State"];
    assert_eq!((&state["Status"], &state["ExitCode"]), (&"exited".into(), &137.into()), "{state}");
    let again = world.docker.run(&["kill", "w"]);
    again.exits(1);
    assert!(again.stderr.contains("is not running"), "{}", again.stderr);
    assert_eq!(world.docker.ok(&["rm", "w"]), "w");
    assert!(world.azure.apps().is_empty());
}

#[test]
fn another_signal_reaches_the_command() {
    let world = World::start();
    let script = "trap 'echo caught; exit 9' USR1; echo ready; while :; do sleep 0.05; done";
    let mut run = world.docker.spawn(&["run", "--name", "w", "alpine", "sh", "-c", script]);
    let mut output = run.stdout.take().unwrap();
    let mut ready = [0; 6];
    output.read_exact(&mut ready).unwrap();
    world.docker.ok(&["kill", "--signal", "USR1", "w"]);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "caught\n");
    assert_eq!(run.wait().unwrap().code(), Some(9));
}

#[test]
fn stop_and_restart_succeed_and_do_nothing() {
    let world = world_with_w();
    let before = world.docker.inspect("w");
    assert_eq!(world.docker.ok(&["stop", "w"]), "w");
    assert_eq!(world.docker.ok(&["restart", "w"]), "w");
    let after = world.docker.inspect("w");
    assert_eq!(before["State"], after["State"]);
}

#[test]
fn stop_acts_when_the_operator_wants_it() {
    let world = World::with(sockerless_tests::WorldOptions {
        settings: vec![("SOCKERLESS_AZF_STOP", "signal".to_owned())],
        ..Default::default()
    });
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "w",
        "alpine",
        "sh",
        "-c",
        "trap 'exit 4' TERM; while :; do sleep 0.05; done",
    ]);
    world.docker.ok(&["stop", "w"]);
    assert_eq!(world.docker.inspect("w")["State"]["ExitCode"], 4);
    world.docker.ok(&["start", "w"]);
    assert_eq!(world.docker.inspect("w")["State"]["Status"], "running");
}

#[test]
fn a_running_container_is_removed_by_force_only() {
    let world = world_with_w();
    let refused = world.docker.run(&["rm", "w"]);
    refused.exits(1);
    assert!(
        refused.stderr.contains("container is running: stop the container before removing or force remove"),
        "{}",
        refused.stderr
    );
    world.docker.ok(&["rm", "-f", "w"]);
    assert!(world.azure.apps().is_empty());
    let gone = world.docker.run(&["inspect", "w"]);
    gone.exits(1);
    let token = world.azure_token();
    let plan = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless/providers/Microsoft.Web/serverfarms/sockerless-plan?api-version=2025-05-01";
    let (status, body) = world.azure.request("management.azure.com", "GET", plan, Some(&token), None);
    assert_eq!(status, 200, "the plan is gone with its last app: {body}");
}

#[test]
fn a_name_is_taken_until_its_container_is_gone() {
    let world = world_with_w();
    let id = world.docker.inspect("w")["Id"].as_str().unwrap().to_owned();
    let refused = world.docker.run(&["create", "--name", "w", "alpine", "true"]);
    refused.exits(1);
    let expected = format!(
        "Conflict. The container name \"/w\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
    );
    assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    world.docker.ok(&["rename", "w", "v"]);
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    assert_eq!(world.docker.inspect(&id[..10])["Name"], "/v");
}

#[test]
fn an_exited_container_starts_again() {
    let world = World::start();
    world.docker.run(&["run", "--name", "w", "alpine", "sh", "-c", "echo run; exit 2"]).exits(2);
    let again = world.docker.run(&["start", "-a", "w"]);
    assert_eq!(again.exits(2), "run");
}

#[test]
fn files_are_copied_in_and_out() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "cat", "/tmp/in/file"]);
    let folder = world.folder().join("in");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("file"), "copied before the start\n").unwrap();
    world.docker.ok(&["cp", folder.to_str().unwrap(), "w:/tmp/in"]);
    assert_eq!(world.docker.ok(&["start", "-a", "w"]), "copied before the start");
    let out = world.folder().join("out");
    world.docker.ok(&["cp", "w:/tmp/in/file", out.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(out).unwrap(), "copied before the start\n");
    let missing = world.docker.run(&["cp", "w:/no/such", "-"]);
    missing.exits(1);
    assert!(missing.stderr.contains("Could not find the file /no/such in container"), "{}", missing.stderr);
}

#[test]
fn what_a_container_changes_the_machine_does_not_see() {
    let world = world_with_w();
    world.docker.ok(&["exec", "w", "sh", "-c", "echo changed > /etc/sockerless-was-here; rm -f /etc/passwd"]);
    assert!(!std::path::Path::new("/etc/sockerless-was-here").exists());
    assert!(std::path::Path::new("/etc/passwd").exists());
}
