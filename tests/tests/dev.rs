//! `cargo xtask dev`: one command from nothing to `docker run`, which leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sockerless_tests::{Ran, built};

/// The processes that have this text among their arguments.
fn processes(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let line = |entry: std::fs::DirEntry| {
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&words).replace('\0', " ")).filter(|line| line.contains(text))
    };
    entries.filter_map(line).collect()
}

#[test]
fn one_command_serves_docker_and_leaves_nothing_behind() {
    let folder = tempfile::Builder::new().prefix("skls-dev").tempdir_in("/tmp").unwrap();
    let socket = folder.path().join("docker.sock");
    let mut dev = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xtask", "--", "dev", "--socket"])
        .arg(&socket)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(dev.stdout.take().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told.trim_end(), format!("export DOCKER_HOST=unix://{}", socket.display()));

    let docker = |words: &[&str]| {
        let mut command = Command::new(built("SOCKERLESS_TEST_DOCKER"));
        command.args(words).env("DOCKER_HOST", format!("unix://{}", socket.display()));
        command.env("DOCKER_CONFIG", folder.path());
        Ran::run(&mut command, b"")
    };
    assert_eq!(docker(&["run", "--rm", "alpine", "echo", "hello"]).ok(), "hello");
    docker(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]).ok();
    let daemon = format!("unix://{}", socket.display());
    assert_eq!(processes(&daemon).len(), 1, "one daemon");

    // As Ctrl-C does, which the shell sends to all of the job.
    kill(Pid::from_raw(i32::try_from(dev.id()).unwrap()), Signal::SIGINT).unwrap();
    assert!(dev.wait().unwrap().success());
    assert_eq!(processes(&daemon), Vec::<String>::new());
    assert!(!socket.exists());
}
