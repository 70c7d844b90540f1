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

/// The most memory that the daemon ever had, in KiB.
fn peak_memory(world: &World) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_large_stream_passes_through_exec_byte_for_byte_and_memory_stays_flat() {
    let world = world_with_w();
    let total = 1024 * MIB;
    let pass = |total| {
        let mut cat = world.docker.spawn(&["exec", "-i", "w", "cat"]);
        let feeding = feed(&mut cat, total);
        check(cat.stdout.take().unwrap(), total);
        feeding.join().unwrap();
        assert!(cat.wait().unwrap().success());
    };
    pass(16 * MIB);
    let before = peak_memory(&world);
    pass(total);
    let grown = peak_memory(&world) - before;
    assert!(grown < 64 << 10, "the daemon has grown by {grown} KiB");
}

#[test]
fn a_large_stream_passes_through_run() {
    let world = World::start();
    world.pull();
    let total = 64 * MIB;
    let mut cat = world.docker.spawn(&["run", "--rm", "-i", "alpine", "cat"]);
    let feeding = feed(&mut cat, total);
    check(cat.stdout.take().unwrap(), total);
    feeding.join().unwrap();
    assert!(cat.wait().unwrap().success());
}

#[test]
fn large_files_are_copied_in_and_out() {
    let world = world_with_w();
    let (there, back) = (world.folder().join("there"), world.folder().join("back"));
    let mut bytes = vec![0; 64 * MIB];
    numbered(0, &mut bytes);
    std::fs::write(&there, &bytes).unwrap();
    world.docker.ok(&["cp", there.to_str().unwrap(), "w:/tmp/file"]);
    world.docker.ok(&["cp", "w:/tmp/file", back.to_str().unwrap()]);
    assert!(std::fs::read(&back).unwrap() == bytes);
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
