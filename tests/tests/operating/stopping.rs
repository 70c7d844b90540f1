//! SIGTERM, as those see it whom the daemon serves.

use std::io::{BufRead, BufReader};
use std::process::{Child, Output};

use nix::sys::signal::Signal;
use serde_json::json;
use sockerless_tests::{World, WorldOptions, eventually};

use super::direct;

/// A daemon that would rather be killed by the test's patience than end because its time is over.
fn patient() -> WorldOptions {
    WorldOptions { settings: vec![("SOCKERLESS_SHUTDOWN_TIMEOUT", "3600".to_owned())], ..WorldOptions::default() }
}

/// A PUT of the next app goes on for so many polls.
fn slow_create(world: &World, polls: u32) {
    let script = json!({ "form": "async-operation", "polls": polls, "retry_after_ms": 50 });
    world.azure.fault(&json!({ "fault": "put", "script": script }));
}

/// Waits until Azure is asked for an app.
fn app_is_asked_for(world: &World) {
    eventually("the app is asked for", || {
        let asked = |request: &serde_json::Value| request["method"] == "PUT" && request.to_string().contains("/sites/");
        world.azure.requests().iter().any(asked).then_some(())
    });
}

/// Reads one line of a client's output.
fn line(client: &mut Child) -> (BufReader<std::process::ChildStdout>, String) {
    let mut output = BufReader::new(client.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (output, line)
}

/// The rest of what a client wrote, and how it ended.
fn rest(client: Child, mut output: BufReader<std::process::ChildStdout>) -> Output {
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut output, &mut rest).unwrap();
    Output { stdout: rest, ..client.wait_with_output().unwrap() }
}

#[test]
fn clients_that_listen_see_an_end_and_the_next_daemon_goes_on() {
    let mut world = World::with(patient());
    let docker = direct(&world);
    docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", "echo begun; exec tail -f /dev/null"]);

    let mut events = docker.spawn(&["events", "--since", "0", "--format", "{{.Action}}"]);
    let (events_output, _) = line(&mut events);
    let mut logs = docker.spawn(&["logs", "-f", "w"]);
    let (logs_output, begun) = line(&mut logs);
    assert_eq!(begun, "begun\n");
    let mut exec = docker.spawn(&["exec", "w", "sh", "-c", "echo inside; exec sleep 1000"]);
    let (exec_output, inside) = line(&mut exec);
    assert_eq!(inside, "inside\n");
    let attach = docker.spawn(&["attach", "--no-stdin", "w"]);
    let wait = docker.spawn(&["wait", "w"]);
    // Nobody is told when a client has begun to wait: its request is.
    for words in ["attach", "exec_start"] {
        eventually(words, || docker.ok(&["events", "--since", "0", "--until", "0s"]).contains(words).then_some(()));
    }

    world.daemon.signal(Signal::SIGTERM);
    assert_eq!(world.daemon.wait(), Some(0), "{}", world.daemon.log());
    assert!(!world.daemon.own_socket().exists(), "the socket is left behind");

    for (what, ended) in [("logs", rest(logs, logs_output)), ("events", rest(events, events_output))] {
        assert!(ended.status.success(), "{what}: {ended:?}");
        assert!(ended.stderr.is_empty(), "{what}: {ended:?}");
    }
    let exec = rest(exec, exec_output);
    assert!(!exec.status.success() && exec.stdout.is_empty(), "{exec:?}");
    let attach = attach.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&attach.stderr).into_owned();
    assert!(said.contains("the daemon is stopping, and the container goes on"), "{attach:?}");
    let wait = wait.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&wait.stdout).into_owned();
    // It came before the signal, or after the end of the socket.
    assert!(told == "-1\n" || !wait.status.success(), "{wait:?}");

    world.daemon.start().unwrap();
    let there = eventually("exec works again", || {
        let ran = docker.run(&["exec", "w", "echo", "there"]);
        (ran.code == 0).then_some(ran.stdout)
    });
    assert_eq!(there, "there\n");
    let mut logs = docker.spawn(&["logs", "-f", "w"]);
    assert_eq!(line(&mut logs).1, "begun\n");
    docker.ok(&["rm", "-f", "w"]);
    logs.wait().unwrap();
}

#[test]
fn a_create_under_way_is_finished() {
    let mut world = World::with(patient());
    let docker = direct(&world);
    world.pull();
    slow_create(&world, 20);
    let create = docker.spawn(&["create", "--name", "w", "alpine", "true"]);
    app_is_asked_for(&world);
    world.daemon.signal(Signal::SIGTERM);
    assert_eq!(world.daemon.wait(), Some(0), "{}", world.daemon.log());
    let created = create.wait_with_output().unwrap();
    assert!(created.status.success(), "{created:?}");
    world.daemon.start().unwrap();
    let id = docker.ok(&["ps", "--all", "--quiet", "--no-trunc"]);
    assert_eq!(id, String::from_utf8(created.stdout).unwrap().trim());
    docker.ok(&["start", "w"]);
}

#[test]
fn what_is_not_done_in_time_is_cut_off_and_named_and_undone_by_the_next() {
    let settings = vec![("SOCKERLESS_SHUTDOWN_TIMEOUT", "1".to_owned())];
    let mut world = World::with(WorldOptions { settings, ..WorldOptions::default() });
    let docker = direct(&world);
    world.pull();
    slow_create(&world, 1_000_000);
    let create = docker.spawn(&["create", "--name", "w", "alpine", "true"]);
    app_is_asked_for(&world);
    world.daemon.signal(Signal::SIGTERM);
    assert_eq!(world.daemon.wait(), Some(0), "{}", world.daemon.log());
    let created = create.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&created.stderr).into_owned();
    assert!(!created.status.success() && said.contains("Error response from daemon: the daemon is stopping"), "{said}");
    let log = world.daemon.log();
    let cut = log.lines().find(|line| line.contains("a request is cut off by the shutdown"));
    assert!(cut.is_some_and(|line| line.contains("POST") && line.contains("/containers/create")), "{log}");

    world.daemon.start().unwrap();
    assert_eq!(docker.ok(&["ps", "--all", "--quiet"]), "");
    eventually("the app that nobody was told of goes", || world.azure.apps().is_empty().then_some(()));
    eventually("the name is free again", || {
        (docker.run(&["create", "--name", "w", "alpine", "true"]).code == 0).then_some(())
    });
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut world = World::with(patient());
    let docker = direct(&world);
    world.pull();
    slow_create(&world, 1_000_000);
    let create = docker.spawn(&["create", "--name", "w", "alpine", "true"]);
    app_is_asked_for(&world);
    world.daemon.signal(Signal::SIGTERM);
    eventually("it is stopping", || world.daemon.log().contains("SIGTERM: stopping").then_some(()));
    world.daemon.signal(Signal::SIGINT);
    assert_eq!(world.daemon.wait(), Some(1));
    let log = world.daemon.log();
    assert!(log.contains("SIGINT while the daemon was stopping"), "{log}");
    assert!(!create.wait_with_output().unwrap().status.success());
}
