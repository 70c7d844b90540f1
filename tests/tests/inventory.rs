//! What is in the cloud and not in the daemon's records: found, deleted, taken in again.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use serde_json::json;
use sockerless_tests::{World, WorldOptions, built, eventually};

/// Where the emulator has the apps, below the subscription.
const GROUP: &str = "/resourceGroups/sockerless";

fn managed(world: &World, words: &[&str]) -> String {
    let ran = world.daemon.sockerless(words);
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.stdout
}

/// The daemon's database is gone; its id is not.
fn lose_the_database(world: &World) {
    for file in world.daemon.state_dir().read_dir().unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("state.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<_> =
        world.docker.ok(&["ps", "--all", "--format", "{{.Names}}"]).lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn containers_of_a_lost_database_come_back_with_what_they_were_and_what_runs() {
    // More containers than a page of Azure's list has.
    let mut world = World::with(WorldOptions { emulator: "[arm]\npage_size = 2\n".into(), ..WorldOptions::default() });
    world.pull();
    let script = "echo $GREETING; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 7";
    world.docker.ok(&[
        "run",
        "-d",
        "--name",
        "runs",
        "--label",
        "who=me ü",
        "-e",
        "GREETING=hi there",
        "-w",
        "/usr",
        "-v",
        "data:/data",
        "--restart",
        "no",
        "alpine",
        "sh",
        "-c",
        script,
    ]);
    world.docker.ok(&["create", "--name", "made", "alpine", "echo", "made"]);
    assert_eq!(world.docker.run(&["run", "--name", "over", "alpine", "sh", "-c", "echo last; exit 3"]).code, 3);
    let before = world.docker.inspect("runs");
    world.daemon.kill();
    lose_the_database(&world);
    world.daemon.start().unwrap();
    assert!(names(&world).is_empty());
    // It says so by itself.
    eventually("the log tells of the lost containers", || world.daemon.log().contains("store rebuild").then_some(()));

    let taken = managed(&world, &["store", "rebuild"]);
    assert_eq!(taken.lines().count(), 3, "{taken}");
    assert_eq!(names(&world), ["made", "over", "runs"]);
    let after = eventually("the agent tells that it runs", || {
        let container = world.docker.inspect("runs");
        (container["State"]["Status"] == "running").then_some(container)
    });
    for pointer in ["/Id", "/Created", "/Config", "/HostConfig", "/Mounts", "/Path", "/Args", "/Image"] {
        assert_eq!(after.pointer(pointer), before.pointer(pointer), "{pointer}");
    }
    assert_eq!(world.docker.ok(&["volume", "ls", "--quiet"]), "data");
    assert_eq!(world.docker.ok(&["exec", "runs", "pwd"]), "/usr");
    assert_eq!(world.docker.ok(&["logs", "over"]), "last");
    world.docker.ok(&["exec", "-d", "runs", "touch", "/tmp/end"]);
    assert_eq!(world.docker.ok(&["wait", "runs"]), "7");
    assert_eq!(world.docker.ok(&["wait", "over"]), "3");
    assert_eq!(world.docker.ok(&["start", "--attach", "made"]), "made");

    // A second time there is nothing to do; and the next daemon knows them by itself.
    assert_eq!(managed(&world, &["store", "rebuild"]), "");
    world.daemon.terminate();
    world.daemon.start().unwrap();
    assert_eq!(names(&world), ["made", "over", "runs"]);
    world.docker.ok(&["rm", "made", "over", "runs"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn a_container_whose_agent_is_dialled_comes_back_too() {
    let (mut world, _cable) = World::that_dials();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world.daemon.kill();
    lose_the_database(&world);
    world.daemon.start().unwrap();
    managed(&world, &["store", "rebuild"]);
    eventually("the daemon dials the agent and hears that it runs", || {
        (world.docker.inspect("w")["State"]["Status"] == "running").then_some(())
    });
    assert_eq!(world.docker.ok(&["exec", "w", "echo", "here"]), "here");
    world.docker.ok(&["kill", "w"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "137");
}

#[test]
fn a_name_that_is_taken_meanwhile_gets_the_ids_beginning() {
    let mut world = World::start();
    world.pull();
    let id = world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    world.daemon.kill();
    lose_the_database(&world);
    world.daemon.start().unwrap();
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    managed(&world, &["store", "rebuild"]);
    assert_eq!(names(&world), [format!("{}_w", &id[..12]), "w".to_owned()]);
}

#[test]
fn what_was_left_over_is_listed_and_deleted_on_request_and_other_daemons_apps_are_not() {
    let mut world = World::start();
    world.pull();
    let app = |name: &str| format!("skls-{}", &world.docker.ok(&["create", "--name", name, "alpine", "true"])[..12]);
    let (lost, other, another) = (app("lost"), app("other"), app("another"));
    for app in [&other, &another] {
        let path = format!("{GROUP}/providers/Microsoft.Web/sites/{app}");
        let mut tags = world.azure.arm("GET", &path, None).json()["tags"].clone();
        tags["sockerless-daemon"] = json!("another-daemon");
        let answer = world.azure.arm("PATCH", &path, Some(&json!({ "tags": tags })));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    world.daemon.kill();
    lose_the_database(&world);
    world.daemon.start().unwrap();
    world.pull();
    world.docker.ok(&["create", "--name", "kept", "alpine", "true"]);

    let listed = world.daemon.sockerless(&["azure", "prune", "--dry-run"]);
    assert!(listed.stdout.starts_with(&lost) && listed.stdout.lines().count() == 1, "{listed:?}");
    assert!(listed.stderr.contains(&other) && listed.stderr.contains("another-daemon"), "{listed:?}");
    let unasked = world.daemon.sockerless(&["azure", "prune"]);
    assert!(unasked.code != 0 && unasked.stderr.contains("--force"), "{unasked:?}");
    assert_eq!(world.azure.apps().len(), 4);
    let pruned = managed(&world, &["azure", "prune", "--force"]);
    assert!(pruned.contains(&lost), "{pruned}");
    assert_eq!(world.azure.apps().len(), 3);
    let nothing = world.daemon.sockerless(&["azure", "prune", "--force"]);
    assert!(nothing.code == 0 && nothing.stderr.contains("Nothing"), "{nothing:?}");

    let unknown = world.daemon.sockerless(&["azure", "prune", "--force", "nobody"]);
    assert!(unknown.code != 0 && unknown.stderr.contains("no orphan is called nobody"), "{unknown:?}");
    managed(&world, &["azure", "prune", "--force", &other]);
    assert_eq!(world.azure.apps().len(), 2);
    // What another daemon left behind can be taken over by name of that daemon.
    managed(&world, &["store", "rebuild", "--owner", "another-daemon"]);
    assert_eq!(names(&world), ["another", "kept"]);
    // By force, since it may run until its agent has said otherwise.
    let unknown = world.docker.run(&["rm", "another"]);
    assert!(unknown.code == 0 || unknown.stderr.contains("its agent has not called back"), "{unknown:?}");
    assert_eq!(world.docker.run(&["rm", "-f", "another"]).code, i32::from(unknown.code == 0));
    world.docker.ok(&["rm", "kept"]);
    assert!(world.azure.apps().is_empty());
    // The plan has not gone with the last app.
    world.docker.ok(&["create", "alpine", "true"]);
}

#[test]
fn a_backend_without_an_inventory_says_so() {
    let mut world = World::without_daemon(WorldOptions::default());
    world.daemon.start_without_backends().unwrap();
    managed(&world, &["plugin", "load", built("SOCKERLESS_TEST_MEMORY_RUST").to_str().unwrap()]);
    let ran = world.daemon.sockerless(&["azure", "prune", "--backend", "memory"]);
    assert!(ran.code != 0 && ran.stderr.contains("cannot tell what there is in its cloud"), "{ran:?}");
    let ran = world.daemon.sockerless(&["store", "rebuild"]);
    assert!(ran.code != 0 && ran.stderr.contains("no backend that is loaded"), "{ran:?}");
}
