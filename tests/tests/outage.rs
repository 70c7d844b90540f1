//! The link between agent and daemon is away for half a minute, or falls silent, or the daemon dies meanwhile: nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{Read, Write};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sockerless_tests::{Cable, Docker, World, eventually};

const OUTAGE: Duration = Duration::from_secs(30);
/// Within so long either side notices that a link is half open, and the agent has dialled again.
const NOTICED: Duration = Duration::from_secs(45);
/// Bytes of a copy.
const COPY: usize = 1 << 30;
/// Prints numbers until it is told to stop.
const COUNT: &str = "i=0; while [ ! -e /tmp/stop ]; do echo $i; i=$((i+1)); sleep 0.01; done; echo end; exit 9";

fn world() -> (World, Cable) {
    let (world, cable) = World::with_a_cable();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    (world, cable)
}

/// Bytes of which no two blocks are alike, and that anybody can make again.
struct Data {
    next: u64,
    left: usize,
}

impl Data {
    fn new() -> Self {
        Self { next: 0, left: COPY }
    }
}

impl Read for Data {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = out.len().min(self.left) / 8 * 8;
        for word in out[..length].chunks_exact_mut(8) {
            self.next = self.next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word.copy_from_slice(&self.next.to_be_bytes());
        }
        self.left -= length;
        Ok(length)
    }
}

/// Whether a reader has these bytes and no others.
fn is_data(mut reader: impl Read) -> bool {
    let mut data = Data::new();
    let (mut got, mut wanted) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut count = 0;
    while count < COPY {
        if reader.read_exact(&mut got).is_err() || data.read_exact(&mut wanted).is_err() || got != wanted {
            return false;
        }
        count += got.len();
    }
    reader.read(&mut got).is_ok_and(|more| more == 0)
}

/// Numbers, line by line, until `enough`: what is written to a `cat` comes back, whole and in order.
fn echoed(mut cat: Child, enough: &AtomicBool) -> (u64, Option<i32>) {
    let (mut input, mut output) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
    let reading = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    });
    let mut sent = 0;
    while !enough.load(Ordering::SeqCst) {
        writeln!(input, "{sent}").unwrap();
        sent += 1;
        thread::sleep(Duration::from_millis(10));
    }
    drop(input);
    let code = cat.wait().unwrap().code();
    assert_eq!(numbers(&reading.join().unwrap()), sent);
    (sent, code)
}

/// How many lines there are, which must be the numbers from 0 on.
#[track_caller]
fn numbers(text: &str) -> u64 {
    let mut count = 0;
    for line in text.lines() {
        assert_eq!(line, count.to_string(), "a line is lost or comes twice");
        count += 1;
    }
    count
}

#[track_caller]
fn counted(text: &str) -> u64 {
    numbers(
        text.strip_suffix("end\n").unwrap_or_else(|| panic!("the end is missing: …{}", &text[text.len().min(200)..])),
    )
}

#[test]
fn half_a_minute_without_a_link_loses_nothing() {
    let (world, cable) = world();
    let (docker, folder) = (&world.docker, world.folder());
    let source = folder.join("in");
    std::io::copy(&mut Data::new(), &mut std::fs::File::create(&source).unwrap()).unwrap();
    docker.ok(&["run", "-d", "--name", "counts", "alpine", "sh", "-c", COUNT]);
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        let exec = scope.spawn(|| echoed(docker.spawn(&["exec", "-i", "w", "cat"]), &enough));
        let run = scope.spawn(|| echoed(docker.spawn(&["run", "-i", "alpine", "sh", "-c", "cat; exit 7"]), &enough));
        let mut logs = docker.spawn(&["logs", "-f", "counts"]);
        let followed = scope.spawn(move || {
            let mut text = String::new();
            logs.stdout.take().unwrap().read_to_string(&mut text).unwrap();
            (text, logs.wait().unwrap().success())
        });
        let before = cable.carried();
        let copy = scope.spawn(|| docker.ok(&["cp", source.to_str().unwrap(), "w:/tmp/copied"]));
        eventually("a part of the file is copied", || (cable.carried() - before > COPY as u64 / 8).then_some(()));
        assert!(!copy.is_finished());
        cable.cut();
        thread::sleep(OUTAGE);
        cable.mend();
        copy.join().unwrap();

        // The way back, with a shorter outage. Its archive has a header before the file.
        let before = cable.carried();
        let mut back = docker.spawn(&["cp", "w:/tmp/copied", "-"]);
        let mut archive = back.stdout.take().unwrap();
        let whole = scope.spawn(move || {
            archive.read_exact(&mut [0; 512]).unwrap();
            is_data(archive.by_ref().take(COPY as u64)) && std::io::copy(&mut archive, &mut std::io::sink()).is_ok()
        });
        eventually("a part of the file is copied back", || (cable.carried() - before > COPY as u64 / 8).then_some(()));
        cable.cut();
        cable.mend();
        assert!(whole.join().unwrap(), "the file has changed on its way");
        assert!(back.wait().unwrap().success());

        enough.store(true, Ordering::SeqCst);
        docker.ok(&["exec", "-d", "counts", "touch", "/tmp/stop"]);
        assert_eq!(exec.join().unwrap().1, Some(0));
        assert_eq!(run.join().unwrap().1, Some(7));
        let (text, success) = followed.join().unwrap();
        assert!(success && counted(&text) > 0);
    });
    assert_eq!(docker.ok(&["wait", "counts"]), "9");
}

#[test]
fn a_daemon_that_dies_while_the_link_is_away_finds_all_of_the_output_and_the_code() {
    let (mut world, cable) = World::with_a_cable();
    let mut attached = world.docker.spawn(&["run", "--name", "counts", "alpine", "sh", "-c", COUNT]);
    let mut first = [0; 64];
    attached.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    cable.cut();
    world.daemon.kill();
    // Its client has lost the connection, and says so.
    assert_ne!(attached.wait().unwrap().code(), Some(0));
    world.daemon.start().unwrap();
    cable.mend();
    let mut logs = world.docker.spawn(&["logs", "-f", "counts"]);
    let waiting = waiter(&world.docker, "counts");
    world.docker.ok(&["exec", "-d", "counts", "touch", "/tmp/stop"]);
    let mut text = String::new();
    logs.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(logs.wait().unwrap().success());
    assert!(counted(&text) > 0 && text.as_bytes().starts_with(&first));
    assert_eq!(waiting.wait_with_output().unwrap().stdout, b"9\n");
    assert_eq!(world.docker.inspect("counts")["State"]["ExitCode"], 9);
}

fn waiter(docker: &Docker, name: &str) -> Child {
    docker.spawn(&["wait", name])
}

#[test]
fn an_agent_notices_that_its_link_has_fallen_silent_and_dials_again() {
    let (world, cable) = world();
    let begin = Instant::now();
    cable.fall_silent();
    assert_eq!(world.docker.ok(&["exec", "w", "echo", "here"]), "here");
    assert!(begin.elapsed() < NOTICED, "{:?}", begin.elapsed());
}

#[test]
fn a_daemon_notices_that_a_link_has_fallen_silent() {
    let (world, cable) = world();
    let begin = Instant::now();
    cable.fall_silent();
    // The agent cannot come back, and so cannot be what tells the daemon.
    cable.refuse();
    eventually("the daemon notices", || world.daemon.log().contains("the agent's link").then_some(()));
    assert!(begin.elapsed() < NOTICED, "{:?}", begin.elapsed());
    cable.mend();
    assert_eq!(world.docker.ok(&["exec", "w", "echo", "here"]), "here");
}

#[test]
fn a_container_whose_agent_stays_away_ends_with_137_and_says_that_its_code_is_not_known() {
    let (world, cable) = World::that_dials_with(vec![("SOCKERLESS_AZF_AGENT_TIMEOUT", "2".to_owned())]);
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    // The invocation breaks with it, and does not say how the command has ended.
    cable.cut();
    assert_eq!(world.docker.ok(&["wait", "w"]), "137");
    let state = world.docker.inspect("w")["State"].clone();
    assert_eq!(state["Status"], "exited", "{state}");
    assert!(
        state["Error"].as_str().unwrap().contains("did not come back: how the command ended is not known"),
        "{state}"
    );
    cable.mend();
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
}
