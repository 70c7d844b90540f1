//! The link between agent and daemon breaks, and comes back: nobody loses a byte.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{Read, Write};
use std::thread;

use sockerless_tests::{Cable, World, eventually};

fn world() -> (World, Cable) {
    let (world, cable) = World::with_a_cable();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    (world, cable)
}

#[test]
fn an_exec_goes_on_where_it_was() {
    let (world, cable) = world();
    cable.cut_under_an_exec(&world.docker);
}

#[test]
fn a_large_stream_survives_many_cuts() {
    let (world, cable) = world();
    let mut cat = world.docker.spawn(&["exec", "-i", "w", "cat"]);
    let (mut input, mut output) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
    let data: Vec<u8> = (0..16_u32 << 20).map(|n| (n % 251).to_le_bytes()[0]).collect();
    let sent = data.clone();
    let feeding = thread::spawn(move || input.write_all(&sent).unwrap());
    let mut got = Vec::new();
    let mut part = vec![0; 1 << 20];
    while got.len() < data.len() {
        let count = output.read(&mut part).unwrap();
        assert_ne!(count, 0, "the output ends after {} bytes", got.len());
        got.extend_from_slice(&part[..count]);
        if got.len() / (4 << 20) != (got.len() - count) / (4 << 20) {
            cable.cut();
            cable.mend();
        }
    }
    feeding.join().unwrap();
    assert!(got == data, "bytes are lost or come twice");
    assert!(cat.wait().unwrap().success());
}

#[test]
fn the_end_of_a_run_is_told_when_the_link_is_back() {
    let (world, cable) = world();
    let mut run =
        world.docker.spawn(&["run", "--name", "r", "-i", "alpine", "sh", "-c", "read line; echo got $line; exit 6"]);
    let mut input = run.stdin.take().unwrap();
    input.write_all(b"it\n").unwrap();
    // It may have ended before the cut; then the test is as true.
    cable.cut();
    cable.mend();
    let mut out = String::new();
    run.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "got it\n");
    assert_eq!(run.wait().unwrap().code(), Some(6));
}

#[test]
fn a_command_goes_on_though_nobody_reads_and_its_output_outlives_a_cut() {
    let (world, cable) = World::with_a_cable();
    let script = "head -c 48000000 /dev/zero | tr '\\0' x; echo; echo done; touch /tmp/written; \
                  until [ -e /tmp/over ]; do sleep 0.02; done; exit 5";
    let mut run = world.docker.spawn(&["run", "--name", "r", "alpine", "sh", "-c", script]);
    eventually("everything is written, of which the client has read nothing", || {
        (world.docker.run(&["exec", "r", "test", "-e", "/tmp/written"]).code == 0).then_some(())
    });
    cable.cut();
    cable.mend();
    world.docker.ok(&["exec", "--detach", "r", "touch", "/tmp/over"]);
    let mut out = Vec::new();
    run.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(5));
    assert_eq!(out.len(), 48_000_000 + "\ndone\n".len());
    assert!(out.ends_with(b"xx\ndone\n") && out[..48_000_000].iter().all(|byte| *byte == b'x'));
}
