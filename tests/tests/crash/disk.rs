//! A disk that is slow, or that cannot be written to.

use std::process::Command;
use std::time::{Duration, Instant};

use sockerless_tests::{World, WorldOptions, built};

use super::TROUBLE;

/// How long every transaction takes more, in milliseconds.
const SLOW: u64 = 150;

#[test]
fn with_a_slow_disk_requests_are_answered_late_and_nothing_else_is_different() {
    let mut world = World::without_daemon(WorldOptions::default());
    world.daemon.set(TROUBLE, format!("slow:{SLOW}"));
    world.daemon.start().unwrap();
    world.pull();
    let begin = Instant::now();
    let script = "echo out; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 6";
    world.docker.ok(&["create", "--name", "w", "alpine", "sh", "-c", script]);
    // An intent and a handle.
    assert!(begin.elapsed() >= Duration::from_millis(2 * SLOW), "{:?}: the disk is not slow", begin.elapsed());
    world.docker.ok(&["start", "w"]);
    // What needs no disk does not wait for it, whoever writes meanwhile.
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let docker = &world.docker;
            scope.spawn(move || docker.ok(&["create", "--name", name, "alpine", "true"]));
        }
        assert_eq!(world.docker.ok(&["exec", "w", "echo", "in"]), "in");
    });
    world.docker.ok(&["exec", "-d", "w", "touch", "/tmp/end"]);
    assert_eq!(world.docker.ok(&["wait", "w"]), "6");
    assert_eq!(world.docker.ok(&["logs", "w"]), "out");
    // All that was told is there when it was killed in the middle.
    world.daemon.kill();
    world.daemon.start().unwrap();
    assert_eq!(world.docker.ok(&["wait", "w"]), "6");
    world.docker.ok(&["rm", "w", "a", "b", "c"]);
    assert!(world.azure.apps().is_empty());
}

#[test]
fn a_state_folder_that_cannot_be_written_to_is_refused_and_left_as_it_is() {
    let mut world = World::start();
    world.docker.ok(&["create", "--name", "w", "alpine", "true"]);
    world.daemon.terminate();
    // Root may write whatever the mode is, so the file system itself must say no.
    let state = world.daemon.state_dir().to_owned();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && exec \"$2\" serve --state-dir \"$1\" --host unix://$3");
    command.arg("sh").arg(&state).arg(built("SOCKERLESS_TEST_DAEMON")).arg(state.with_file_name("other.sock"));
    let ran = command.output().unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    if error.contains("unshare") || error.contains("mount:") {
        println!("skipped: this machine has no user namespaces: {error}");
        return;
    }
    assert!(!ran.status.success() && error.contains(state.to_str().unwrap()), "{error}");
    world.daemon.start().unwrap();
    world.docker.ok(&["inspect", "w"]);
    world.docker.ok(&["rm", "w"]);
}
