//! An invocation that the front end answers with 503, since no container of the app takes requests yet: nobody got it, and it is
//! sent again until the start's time is over.

use serde_json::{Value, json};
use sockerless_tests::{Sent, World, eventually};

use super::world;

/// The front end gives a request up at once, and a container that has ended comes back after a while.
const SLOW: &str = "[platform]\nrequest_hold_ms = 50\nrestart_backoff_ms = 2000";

/// The invocations that were sent, once as many as this have been answered.
fn invocations(world: &World, count: usize) -> Vec<Sent> {
    eventually("the invocations are answered", || {
        let sent: Vec<_> = world.azure.sent().into_iter().filter(|sent| sent.kind() == "POST function").collect();
        (sent.len() >= count).then_some(sent)
    })
}

fn app(world: &World, id: &str) -> Value {
    world.azure.control("GET", &format!("/apps/skls-{}", &id[..12]), None)
}

#[test]
fn a_container_that_crashed_before_its_start_is_waited_for() {
    let world = world(&[], SLOW);
    world.pull();
    let id = world.docker.ok(&["create", "--name", "w", "alpine", "sh", "-c", "echo once; exit 7"]);
    let phase = |wanted: &str| eventually(wanted, || (app(&world, &id)["container"]["phase"] == wanted).then_some(()));
    phase("ready");
    let _ = world.azure.control("POST", &format!("/apps/skls-{}/crash", &id[..12]), None);
    phase("starting");
    world.azure.forget();
    let started = world.docker.run(&["start", "--attach", "w"]);
    started.exits(7);
    // Once, however often it was asked for.
    assert_eq!(started.stdout, "once\n", "{}", started.stderr);
    let sent = invocations(&world, 2);
    let (last, before) = sent.split_last().unwrap();
    assert_eq!(last.status(), 200);
    assert!(before.iter().all(|sent| sent.status() == 503), "{sent:?}");
    let run = last.header("x-sockerless-run-id").unwrap();
    assert!(sent.iter().all(|sent| sent.header("x-sockerless-run-id") == Some(run)), "{sent:?}");
    assert_eq!(world.docker.inspect("w")["State"]["ExitCode"], 7);
}

#[test]
fn the_starts_time_is_not_exceeded() {
    let slow = "[platform]\nrequest_hold_ms = 50\n[[images]]\nname = 'alpine'\nstart_delay_ms = 3600000";
    let world = world(&[("SOCKERLESS_AZF_CALLBACK_TIMEOUT", "4")], slow);
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    let failed = world.docker.run(&["start", "w"]);
    failed.exits(1);
    assert!(failed.stderr.contains("status 503") && failed.stderr.contains("Pulling image"), "{}", failed.stderr);
    assert!(invocations(&world, 2).iter().all(|sent| sent.status() == 503));
    assert_eq!(world.docker.inspect("w")["State"]["ExitCode"], 128);
}

#[test]
fn what_may_have_arrived_is_not_sent_again() {
    let world = world(&[], "");
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    for status in [502, 504] {
        world.azure.forget();
        world.azure.fault(&json!({ "fault": "front-end", "path": "/api/function", "status": status }));
        let failed = world.docker.run(&["start", "w"]);
        failed.exits(1);
        assert!(failed.stderr.contains(&format!("status {status}")), "{}", failed.stderr);
        assert_eq!(invocations(&world, 1).len(), 1);
    }
    world.docker.ok(&["start", "--attach", "w"]);
}
