//! Backends, loaded and swapped while the daemon runs; and what is no backend.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod docker;
mod registry;
mod signatures;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sockerless_tests::{World, WorldOptions, built};

/// A file of this test's own.
fn file(world: &World, name: &str, bytes: &[u8]) -> PathBuf {
    let path = world.folder().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn load(world: &World, file: &Path) -> sockerless_tests::Ran {
    world.daemon.sockerless(&["plugin", "load", file.to_str().unwrap()])
}

fn version(world: &World) -> String {
    let status = world.docker.ok(&["info", "--format", "{{range .DriverStatus}}{{index . 0}}={{index . 1}}\n{{end}}"]);
    let line = status.lines().find_map(|line| line.strip_prefix("Backend Version=")).map(str::to_owned);
    line.unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn a_swap_disturbs_neither_an_exec_that_streams_nor_a_run_that_waits() {
    let world = World::start();
    let before = version(&world);
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    // Waits for the swap, by a file that comes after it.
    let waits = "echo waiting; while [ ! -e /tmp/swapped ]; do sleep 0.02; done; echo went on; exit 5";
    let mut run = world.docker.spawn(&["run", "--name", "r", "alpine", "sh", "-c", waits]);
    let mut waiting = [0; 8];
    run.stdout.as_mut().unwrap().read_exact(&mut waiting).unwrap();
    // Streams across the swap, by what is typed before and after it.
    let mut exec = world.docker.spawn(&["exec", "-i", "w", "cat"]);
    let (mut input, mut output) = (exec.stdin.take().unwrap(), exec.stdout.take().unwrap());
    let mut echo = |line: &[u8; 6]| {
        input.write_all(line).unwrap();
        let mut back = [0; 6];
        output.read_exact(&mut back).unwrap();
        assert_eq!(&back, line);
    };
    echo(b"first\n");

    let loaded = load(&world, &built("SOCKERLESS_TEST_NEXT_COMPONENT"));
    assert!(loaded.ok().starts_with("azf "), "{}", loaded.stdout);
    assert!(loaded.stderr.contains("containers taken over: 2"), "{}", loaded.stderr);
    let after = version(&world);
    assert_ne!(before, after);
    assert!(loaded.stdout.contains(&after), "{}", loaded.stdout);

    echo(b"after\n");
    drop(input);
    assert!(exec.wait().unwrap().success());
    // Detached, since it ends the container that it runs in.
    world.docker.ok(&["exec", "--detach", "r", "touch", "/tmp/swapped"]);
    let mut rest = String::new();
    run.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "went on\n");
    assert_eq!(run.wait().unwrap().code(), Some(5));
    // What the old version made the new one removes.
    world.docker.ok(&["rm", "-f", "w", "r"]);
    assert!(world.azure.apps().is_empty());
    let listed = world.daemon.sockerless(&["plugin", "ls"]);
    assert!(listed.ok().contains(&after), "{}", listed.stdout);
}

/// Each is refused with its own words, and what served before goes on.
#[test]
fn what_is_no_backend_is_refused_and_the_old_one_goes_on() {
    let world = World::start();
    let before = version(&world);
    let component = std::fs::read(built("SOCKERLESS_TEST_COMPONENT")).unwrap();
    let mut newer = component.clone();
    for at in 0..newer.len() - 6 {
        if &newer[at..at + 5] == b"@0.1." {
            newer[at..at + 6].copy_from_slice(b"@0.9.0");
        }
    }
    let empty_component = b"\0asm\x0d\0\x01\0";
    let empty_module = b"\0asm\x01\0\0\0";
    for (name, bytes, says) in [
        ("a text", &b"#!/bin/sh\necho no\n"[..], "not a WebAssembly component"),
        ("nothing", b"", "not a WebAssembly component"),
        ("a core module", empty_module, "core WebAssembly module"),
        ("half a component", &component[..component.len() / 2], "malformed"),
        ("another version of the interface", &newer, "0.9.0"),
        ("a component without exports", empty_component, "does not export"),
    ] {
        let ran = load(&world, &file(&world, "wrong.wasm", bytes));
        ran.exits(1);
        assert!(ran.stderr.contains(says), "{name}: {}", ran.stderr);
    }
    assert_eq!(version(&world), before);
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "still here"]), "still here");
}

/// A backend that traps, loops or allocates without end costs one call and nothing else.
#[test]
fn a_backend_that_misbehaves_gets_an_error_and_the_daemon_goes_on() {
    let world = World::start();
    world.pull();
    load(&world, &built("SOCKERLESS_TEST_GUEST")).ok();
    for (name, says) in [
        ("trap", "trapped"),
        ("loop", "without an end"),
        ("greedy", "memory"),
        ("overflow", "stack overflowed"),
        ("host-calls", "calls of the host"),
    ] {
        let ran = world.docker.run(&["create", "--runtime", "guest", "--name", name, "alpine", "true"]);
        assert_ne!(ran.code, 0, "{name}");
        assert!(ran.stderr.contains(says), "{name}: {}", ran.stderr);
        assert_eq!(world.docker.ok(&["ps", "--all", "--quiet", "--filter", &format!("name={name}")]), "", "{name}");
    }
    world.docker.ok(&["create", "--runtime", "guest", "--name", "fine", "alpine", "true"]);
    assert_eq!(world.docker.inspect("fine")["HostConfig"]["Runtime"], "guest");
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "still here"]), "still here");
}

#[test]
fn without_a_backend_the_daemon_says_how_to_load_one() {
    let mut world = World::without_daemon(WorldOptions::default());
    world.daemon.start_without_backends().unwrap();
    world.pull();
    let ran = world.docker.run(&["run", "alpine", "true"]);
    assert!(ran.stderr.contains("sockerless plugin load"), "{}", ran.stderr);
    load(&world, &built("SOCKERLESS_TEST_COMPONENT")).ok();
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "now"]), "now");
}

/// The backend that misbehaves as it is told, as another version of itself.
fn guest(world: &World, version: &str) -> PathBuf {
    const MARKER: &[u8] = b"SOCKERLESS-TEST:";
    let mut bytes = std::fs::read(built("SOCKERLESS_TEST_GUEST")).unwrap();
    let at = bytes.windows(MARKER.len()).position(|window| window == MARKER).unwrap() + MARKER.len();
    let settings = format!("version={version};");
    bytes[at..at + settings.len()].copy_from_slice(settings.as_bytes());
    file(world, &format!("guest-{version}.wasm"), &bytes)
}

#[test]
fn a_version_that_fails_more_than_the_one_before_is_rolled_back_by_itself() {
    let world = World::start();
    world.pull();
    load(&world, &guest(&world, "1.0")).ok();
    world.docker.ok(&["create", "--runtime", "guest", "--name", "kept", "alpine", "true"]);
    let format =
        "{{.Action}} {{.Actor.Attributes.version}} {{.Actor.Attributes.replaced}} {{.Actor.Attributes.reason}}";
    let mut events = world.docker.spawn(&["events", "--since", "0", "--filter", "type=plugin", "--format", format]);
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "enable 1.0 <no value> <no value>");
    load(&world, &guest(&world, "2.0")).ok();
    assert_eq!(lines.next().unwrap(), "upgrade 2.0 1.0 <no value>");
    for _ in 0..5 {
        world.docker.run(&["create", "--runtime", "guest", "--name", "trap", "alpine", "true"]).exits(1);
    }
    let event = lines.next().unwrap();
    assert!(
        event.starts_with("rollback 1.0 2.0 version 2.0 was rolled back: 5 of 5 calls of lifecycle.create failed"),
        "{event}"
    );
    events.kill().unwrap();
    events.wait().unwrap();

    let listed = world.daemon.sockerless(&["plugin", "ls"]);
    assert!(listed.ok().contains("guest 1.0 sha256:"), "{}", listed.stdout);
    assert!(listed.stderr.contains("guest: version 2.0 was rolled back"), "{}", listed.stderr);
    let inspected = world.docker.ok(&["plugin", "inspect", "--format", "{{.Config.Description}}", "guest"]);
    assert!(
        inspected.starts_with("test (version 2.0 was rolled back: 5 of 5 calls of lifecycle.create failed"),
        "{inspected}"
    );
    // By hand it goes forth again, and back.
    let rolled = world.daemon.sockerless(&["plugin", "rollback", "guest"]);
    assert!(rolled.ok().starts_with("guest 2.0 "), "{}", rolled.stdout);
    assert!(rolled.stderr.contains("replaces version 1.0; containers taken over: 1"), "{}", rolled.stderr);
    world.docker.ok(&["rm", "kept"]);
}

/// It is not asked for a while, and everybody can see why; what it has can be ended, the other backend goes on, and another version serves
/// at once.
#[test]
fn a_backend_that_fails_again_and_again_is_taken_out_of_service() {
    let mut world = World::without_daemon(WorldOptions::default());
    let rules = b"[backend.guest.circuit-breaker]\nfailures = 3\npause = 3600.0\nlongest-pause = 3600.0\n";
    let rules = file(&world, "sockerless.toml", rules);
    world.daemon.set("SOCKERLESS_CONFIG", rules.display().to_string());
    world.daemon.start().unwrap();
    world.pull();
    load(&world, &guest(&world, "1.0")).ok();
    let create = |name: &str| world.docker.run(&["create", "--runtime", "guest", "--name", name, "alpine", "true"]);
    for name in ["kept", "removed"] {
        create(name).ok();
    }
    // Ends at once, by the answer to a request, and begins anew.
    let again = ["run", "--detach", "--restart", "always", "--runtime", "guest", "--name", "again", "alpine"];
    world.docker.ok(&[&again[..], &["GET", "https://allowed.example/"]].concat());
    let warnings = || world.docker.ok(&["info", "--format", "{{json .Warnings}}"]);
    assert!(!warnings().contains("out of service"), "{}", warnings());
    let format = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.reason}}";
    let filters = ["--filter", "type=plugin", "--filter", "event=out-of-service"];
    let mut events = world.docker.spawn(&[&["events", "--since", "0", "--format", format], &filters[..]].concat());
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    for _ in 0..3 {
        let ran = create("trap");
        ran.exits(1);
        assert!(ran.stderr.contains("it trapped"), "{}", ran.stderr);
    }

    let event = lines.next().unwrap();
    assert!(
        event.starts_with("out-of-service guest out of service for another 3600 s, after 3 failed calls"),
        "{event}"
    );
    events.kill().unwrap();
    events.wait().unwrap();
    let refused = create("fine");
    refused.exits(1);
    for part in ["the backend `guest` is out of service", "it trapped", "sockerless plugin load"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(world.docker.ok(&["ps", "--all", "--quiet", "--filter", "name=fine"]), "");
    let error = world.docker.inspect("kept")["State"]["Error"].to_string();
    assert!(error.contains("the backend `guest` is out of service"), "{error}");
    assert!(warnings().contains("WARNING: the backend `guest` is out of service"), "{}", warnings());
    let listed = world.daemon.sockerless(&["plugin", "ls"]);
    assert!(listed.stderr.contains("guest: out of service for another"), "{}", listed.stderr);
    let described = world.docker.ok(&["plugin", "inspect", "--format", "{{.Config.Description}}", "guest"]);
    assert!(described.starts_with("test (out of service for another"), "{described}");

    world.docker.ok(&["rm", "removed"]);
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "still here"]), "still here");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64().to_string();
    load(&world, &guest(&world, "2.0")).ok();
    create("fine").ok();
    // What was to be restarted meanwhile has not been given up.
    let starts = ["events", "--since", &since, "--filter", "container=again", "--filter", "event=start"];
    let mut events = world.docker.spawn(&starts);
    assert!(BufReader::new(events.stdout.take().unwrap()).lines().next().unwrap().is_ok());
    events.kill().unwrap();
    events.wait().unwrap();
    assert_eq!(world.docker.inspect("kept")["State"]["Error"], "");
    assert!(!warnings().contains("out of service"), "{}", warnings());
}

/// Neither who loads a component nor who takes it reads what is far too large.
#[test]
fn a_component_of_500_megabytes_is_refused_before_it_is_read() {
    let world = World::start();
    let path = world.folder().join("large.wasm");
    // A hole: it takes no room on the disk.
    std::fs::File::create(&path).unwrap().set_len(500_000_000).unwrap();
    let ran = load(&world, &path);
    ran.exits(1);
    assert!(ran.stderr.contains("has 500000000 bytes, more than the 67108864 that are allowed"), "{}", ran.stderr);

    // Answered when no byte of it has come.
    let mut daemon = UnixStream::connect(world.daemon.socket()).unwrap();
    let head = "POST /sockerless/backends/load HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: 500000000\r\n\r\n";
    daemon.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    daemon.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

#[test]
fn docker_lists_inspects_and_removes_backends_as_plugins() {
    let world = World::start();
    world.pull();
    load(&world, &guest(&world, "1.0")).ok();
    let plugins = || world.docker.ok(&["plugin", "ls", "--format", "{{.Name}} {{.Description}} {{.Enabled}}"]);
    let azf = format!("azf:{}", version(&world));
    assert!(plugins().starts_with(&format!("{azf} ")), "{}", plugins());
    assert!(plugins().ends_with("guest:1.0 test true"), "{}", plugins());
    let id = world.docker.ok(&["plugin", "inspect", "--format", "{{.ID}}", "guest:1.0"]);
    assert_eq!(world.docker.ok(&["plugin", "inspect", "--format", "{{.Name}}", &id[..12]]), "guest:1.0");
    let set =
        world.docker.ok(&["plugin", "inspect", "--format", "{{range .Config.Env}}{{println .Name}}{{end}}", "azf"]);
    assert!(set.lines().any(|name| name == "SOCKERLESS_AZF_SUBSCRIPTION_ID"), "{set}");
    assert_eq!(world.docker.ok(&["plugin", "ls", "--quiet", "--filter", "enabled=false"]), "");
    world.docker.ok(&["create", "--runtime", "guest", "--name", "c", "alpine", "true"]);
    let ran = world.docker.run(&["plugin", "disable", "guest"]);
    ran.exits(1);
    assert!(ran.stderr.contains("the backend `guest` has containers: c; remove them first"), "{}", ran.stderr);
    let ran = world.docker.run(&["plugin", "rm", "guest"]);
    ran.exits(1);
    assert!(ran.stderr.contains("plugin guest:1.0 is enabled: disable it first"), "{}", ran.stderr);
    world.docker.ok(&["plugin", "rm", "--force", "guest"]);
    assert_eq!(plugins().lines().count(), 1);
    // Its container is there, and says what is missing.
    assert_eq!(world.docker.inspect("c")["State"]["Status"], "created");
    let ran = world.docker.run(&["rm", "c"]);
    ran.exits(1);
    assert!(ran.stderr.contains("guest") && ran.stderr.contains("sockerless plugin load"), "{}", ran.stderr);
    load(&world, &guest(&world, "2.0")).ok();
    world.docker.ok(&["rm", "c"]);
    world.daemon.sockerless(&["plugin", "rm", "guest"]).ok();
    let ran = world.daemon.sockerless(&["plugin", "rm", "guest"]);
    ran.exits(1);
    assert!(ran.stderr.contains("no backend `guest` is loaded"), "{}", ran.stderr);
}

#[test]
fn what_was_loaded_serves_again_after_the_daemon_was_killed() {
    let mut world = World::start();
    world.pull();
    let before = version(&world);
    load(&world, &built("SOCKERLESS_TEST_NEXT_COMPONENT")).ok();
    load(&world, &guest(&world, "1.0")).ok();
    let after = version(&world);
    world.docker.ok(&["create", "--name", "of-azf", "alpine", "true"]);
    world.docker.ok(&["create", "--runtime", "guest", "--name", "of-guest", "alpine", "true"]);
    world.daemon.kill();
    world.daemon.start().unwrap();
    assert_ne!(before, after);
    assert_eq!(version(&world), after);
    world.docker.ok(&["rm", "of-azf", "of-guest"]);

    // What the command line names is loaded again, and the other unloaded: nothing is left to remember.
    load(&world, &built("SOCKERLESS_TEST_COMPONENT")).ok();
    world.daemon.sockerless(&["plugin", "rm", "guest"]).ok();
    world.daemon.kill();
    world.daemon.start().unwrap();
    assert_eq!(version(&world), before);
    assert_eq!(world.daemon.sockerless(&["plugin", "ls"]).ok().lines().count(), 1);
}

#[test]
fn what_cannot_be_remembered_does_not_serve_and_what_is_damaged_is_named() {
    let mut world = World::start();
    let before = version(&world);
    let backends = world.daemon.state_dir().join("backends");
    std::fs::write(&backends, "in the way").unwrap();
    let ran = load(&world, &built("SOCKERLESS_TEST_NEXT_COMPONENT"));
    ran.exits(1);
    assert!(ran.stderr.contains("cannot be remembered for the next start"), "{}", ran.stderr);
    assert_eq!(version(&world), before);

    std::fs::remove_file(&backends).unwrap();
    load(&world, &built("SOCKERLESS_TEST_NEXT_COMPONENT")).ok();
    world.daemon.kill();
    let files = std::fs::read_dir(&backends).unwrap().map(|entry| entry.unwrap().path());
    let component = files.into_iter().find(|file| file.extension().is_some_and(|is| is == "wasm")).unwrap();
    std::fs::write(&component, "half of it").unwrap();
    let error = world.daemon.start().unwrap_err();
    let note = backends.join("azf.json");
    assert!(error.contains(&format!("remove {}", note.display())), "{error}");
    std::fs::remove_file(note).unwrap();
    world.daemon.start().unwrap();
    assert_eq!(version(&world), before);
}
