//! Commands of the Docker CLI, by what they print and how they end; and those that this daemon refuses.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use sockerless_tests::{World, eventually};

fn world_with_w() -> World {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world
}

#[test]
fn stats_shows_what_a_container_uses() {
    let world = world_with_w();
    let line = world.docker.ok(&["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.MemUsage}}", "w"]);
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("w"), "{line}");
    assert!(words.next().and_then(|pids| pids.parse::<u32>().ok()).is_some_and(|pids| pids > 0), "{line}");
    assert!(!line.contains("0B / 0B"), "{line}");
}

#[test]
fn export_is_a_tar_of_the_file_system() {
    let world = World::start();
    // A machine's whole file system stands for the image: only the beginning of it is read.
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let mut export = world.docker.spawn(&["export", "w"]);
    let mut header = [0; 512];
    std::io::Read::read_exact(export.stdout.as_mut().unwrap(), &mut header).unwrap();
    export.kill().unwrap();
    export.wait().unwrap();
    assert_eq!(&header[257..262], b"ustar", "this is no tar");
}

#[test]
fn pause_and_unpause_change_the_state() {
    let world = world_with_w();
    let state = || world.docker.inspect("w")["State"]["Status"].as_str().unwrap().to_owned();
    world.docker.ok(&["pause", "w"]);
    assert_eq!(state(), "paused");
    let refused = world.docker.run(&["exec", "w", "true"]);
    refused.exits(1);
    assert!(refused.stderr.contains("is paused, unpause the container before exec"), "{}", refused.stderr);
    world.docker.ok(&["unpause", "w"]);
    assert_eq!(state(), "running");
}

#[test]
fn prune_removes_what_has_ended_and_nothing_else() {
    let world = world_with_w();
    world.docker.ok(&["run", "--name", "done", "alpine", "true"]);
    let pruned = world.docker.ok(&["container", "prune", "--force"]);
    assert!(pruned.starts_with("Deleted Containers:"), "{pruned}");
    assert_eq!(world.docker.ok(&["ps", "--all", "--format", "{{.Names}}"]), "w");
    world.docker.ok(&["volume", "create", "box"]);
    world.docker.ok(&["network", "create", "lane"]);
    let pruned = world.docker.ok(&["system", "prune", "--force", "--volumes"]);
    assert!(pruned.contains("lane"), "{pruned}");
    assert!(world.docker.ok(&["system", "df"]).starts_with("TYPE"));
}

#[test]
fn images_are_kept_by_reference() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["tag", "alpine", "mine.example/copy:2"]);
    let listed = world.docker.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    assert_eq!(listed, ["alpine:latest", "mine.example/copy:2"]);
    assert_eq!(world.docker.ok(&["history", "--quiet", "alpine"]).lines().count(), 1);
    assert_eq!(world.docker.ok(&["rmi", "mine.example/copy:2"]), "Untagged: mine.example/copy:2");
    world.docker.ok(&["rmi", "alpine"]);
    assert_eq!(world.docker.ok(&["images", "--quiet"]), "");
    let missing = world.docker.run(&["image", "inspect", "alpine"]);
    missing.exits(1);
    assert!(missing.stderr.contains("No such image: alpine:latest"), "{}", missing.stderr);
}

#[test]
fn networks_and_volumes_are_kept_with_their_conflicts() {
    let world = World::start();
    world.docker.ok(&["network", "create", "--subnet", "10.9.0.0/24", "lane"]);
    world.docker.ok(&["run", "-d", "--name", "w", "--network", "lane", "alpine", "tail", "-f", "/dev/null"]);
    let address = &world.docker.inspect("w")["NetworkSettings"]["Networks"]["lane"]["IPAddress"];
    assert!(address.as_str().unwrap().starts_with("10.9.0."), "{address}");
    let busy = world.docker.run(&["network", "rm", "lane"]);
    busy.exits(1);
    assert!(busy.stderr.contains("has active endpoints"), "{}", busy.stderr);
    world.docker.ok(&["rm", "--force", "w"]);
    world.docker.ok(&["network", "rm", "lane"]);
    assert_eq!(world.docker.ok(&["volume", "create", "box"]), "box");
    assert_eq!(world.docker.inspect("box")["Driver"], "local");
    world.docker.ok(&["volume", "rm", "box"]);
}

#[test]
fn what_has_no_effect_is_told() {
    let world = World::start();
    world.pull();
    let ran = world.docker.run(&[
        "create",
        "--publish",
        "80:80",
        "--volume",
        "box:/data",
        "--memory",
        "64m",
        "--privileged",
        "alpine",
        "true",
    ]);
    ran.ok();
    for field in ["PortBindings", "Binds", "Memory", "Privileged"] {
        assert!(ran.stderr.contains(&format!("WARNING: HostConfig.{field}: ")), "{field}: {}", ran.stderr);
    }
    let quiet = world.docker.run(&["create", "alpine", "true"]);
    quiet.ok();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn what_this_daemon_does_not_do_it_refuses_in_words() {
    let world = world_with_w();
    for (words, says) in [
        (&["commit", "w", "new"][..], "committing a container to an image is not supported"),
        (&["diff", "w"], "does not run on the file system of its image"),
        (&["push", "alpine"], "pushing alpine:latest is not supported"),
        (&["save", "alpine"], "saving images is not supported"),
        (&["import", "-"], "importing images is not supported"),
        (&["swarm", "init"], "cannot be part of a swarm"),
        (&["node", "ls"], "This node is not a swarm manager"),
        (&["service", "ls"], "This node is not a swarm manager"),
    ] {
        let ran = world.docker.run(words);
        assert_ne!(ran.code, 0, "{words:?}: {}", ran.stdout);
        assert!(ran.stderr.contains(says), "{words:?}: {}", ran.stderr);
    }
}

#[test]
fn events_tell_the_life_of_a_container_in_the_engines_order() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["run", "--rm", "--name", "w", "alpine", "true"]);
    let wanted = ["create", "attach", "start", "die", "destroy"];
    let told = eventually("all events are there", || {
        // The command's own notion of now has no fractions of a second.
        let told = world.docker.ok(&[
            "events",
            "--since",
            "1h",
            "--until",
            "-1s",
            "--filter",
            "type=container",
            "--format",
            "{{.Action}}",
        ]);
        (told.lines().count() >= wanted.len()).then_some(told)
    });
    assert_eq!(told.lines().collect::<Vec<_>>(), wanted);
}
