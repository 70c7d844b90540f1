//! Streams of any size, many at once, and readers of any pace.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{Read, Write};
use std::process::Child;
use std::thread;

use sockerless_tests::World;

const MIB: usize = 1 << 20;

fn world_with_w() -> World {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world
}

/// Bytes that tell their place: each eight are their own number.
fn numbered(from: usize, buffer: &mut [u8]) {
    for (index, eight) in buffer.chunks_exact_mut(8).enumerate() {
        eight.copy_from_slice(&(from / 8 + index).to_le_bytes());
    }
}

/// Writes so many of them, while another thread reads.
fn feed(child: &mut Child, total: usize) -> thread::JoinHandle<()> {
    let mut input = child.stdin.take().unwrap();
    thread::spawn(move || {
        let mut buffer = vec![0; MIB];
        for block in 0..total / MIB {
            numbered(block * MIB, &mut buffer);
            input.write_all(&buffer).unwrap();
        }
    })
}

/// Reads to the end and checks every byte.
fn check(mut output: impl Read, total: usize) {
    let (mut is, mut should) = (vec![0; MIB], vec![0; MIB]);
    for block in 0..total / MIB {
        output.read_exact(&mut is).unwrap();
        numbered(block * MIB, &mut should);
        assert!(is == should, "MiB {block} is not as it was sent");
    }
    assert_eq!(output.read(&mut is).unwrap(), 0, "more than was sent");
}

/// Lets a little pass, so that everything is there that will be, then a GiB: the daemon must not need more for it.
fn with_flat_memory(world: &World, pass: impl Fn(usize)) {
    pass(16 * MIB);
    let before = world.daemon.peak_memory();
    pass(1024 * MIB);
    let grown = world.daemon.peak_memory() - before;
    assert!(grown < 64 << 10, "the daemon has grown by {grown} KiB");
}

#[test]
fn a_gib_passes_through_exec() {
    let world = world_with_w();
    with_flat_memory(&world, |total| {
        let mut cat = world.docker.spawn(&["exec", "-i", "w", "cat"]);
        let feeding = feed(&mut cat, total);
        check(cat.stdout.take().unwrap(), total);
        feeding.join().unwrap();
        assert!(cat.wait().unwrap().success());
    });
}

#[test]
fn a_gib_passes_through_attach() {
    let world = World::start();
    world.pull();
    with_flat_memory(&world, |total| {
        let mut cat = world.docker.spawn(&["run", "--rm", "-i", "alpine", "cat"]);
        let feeding = feed(&mut cat, total);
        check(cat.stdout.take().unwrap(), total);
        feeding.join().unwrap();
        assert!(cat.wait().unwrap().success());
    });
}

#[test]
fn a_gib_is_copied_in_and_out() {
    let world = world_with_w();
    with_flat_memory(&world, |total| {
        let mut header = tar::Header::new_gnu();
        header.set_path("file").unwrap();
        header.set_mode(0o644);
        header.set_size(total as u64);
        header.set_cksum();
        let mut copy = world.docker.spawn(&["cp", "-", "w:/tmp"]);
        copy.stdin.as_mut().unwrap().write_all(header.as_bytes()).unwrap();
        let feeding = feed(&mut copy, total);
        feeding.join().unwrap();
        assert!(copy.wait().unwrap().success());

        let mut copy = world.docker.spawn(&["cp", "w:/tmp/file", "-"]);
        let mut archive = tar::Archive::new(copy.stdout.take().unwrap());
        let mut entries = archive.entries().unwrap();
        check(entries.next().unwrap().unwrap(), total);
        assert!(entries.next().is_none());
        std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).unwrap();
        assert!(copy.wait().unwrap().success());
    });
}

#[test]
fn two_hundred_execs_at_once() {
    let world = world_with_w();
    let shells: Vec<_> = (0..200)
        .map(|n| {
            let script = format!("read line; echo {n} $line; exit {}", n % 100);
            (n, world.docker.spawn(&["exec", "-i", "w", "sh", "-c", &script]))
        })
        .collect();
    // All of them run before the first one may end.
    for (n, mut shell) in shells {
        shell.stdin.take().unwrap().write_all(b"end\n").unwrap();
        let output = shell.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{n} end\n"));
        assert_eq!(output.status.code(), Some(n % 100));
    }
}

#[test]
fn a_client_that_does_not_read_stalls_no_other() {
    let world = world_with_w();
    let mut lazy = world.docker.spawn(&["exec", "w", "cat", "/dev/zero"]);
    let mut output = lazy.stdout.take().unwrap();
    // It has begun, and its pipes are about to fill up.
    output.read_exact(&mut [0; 4096]).unwrap();
    for n in 0..5 {
        let mut cat = world.docker.spawn(&["exec", "-i", "w", "cat"]);
        let feeding = feed(&mut cat, 8 * MIB);
        check(cat.stdout.take().unwrap(), 8 * MIB);
        feeding.join().unwrap();
        assert!(cat.wait().unwrap().success(), "exec {n}");
    }
    lazy.kill().unwrap();
    lazy.wait().unwrap();
}
