//! Backends, loaded and swapped while the daemon runs; and what is no backend.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sockerless_tests::{World, built};

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
    world.docker.ok(&["exec", "r", "touch", "/tmp/swapped"]);
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
        if &newer[at..at + 6] == b"@0.1.0" {
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
    let mut world = World::without_daemon(sockerless_tests::WorldOptions::default());
    world.daemon.start_without_backends().unwrap();
    world.pull();
    let ran = world.docker.run(&["run", "alpine", "true"]);
    assert!(ran.stderr.contains("sockerless plugin load"), "{}", ran.stderr);
    load(&world, &built("SOCKERLESS_TEST_COMPONENT")).ok();
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "now"]), "now");
}
