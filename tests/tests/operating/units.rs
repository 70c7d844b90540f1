//! The units of `packaging/systemd`, held against the daemon.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use sockerless_tests::{Passed, Ran, World, WorldOptions, built};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd")
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// The values of a key, in the order of the file.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::trim).collect()
}

fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let all = values(unit, key);
    assert_eq!(all.len(), 1, "{key}: {all:?}");
    all[0]
}

#[test]
fn the_service_uses_options_that_there_are() {
    let service = unit("sockerless.service");
    let mut words = value(&service, "ExecStart").split_whitespace();
    assert_eq!(words.next(), Some("/usr/local/bin/sockerless"));
    assert_eq!(words.next(), Some("serve"));
    let help = Ran::run(Command::new(built("SOCKERLESS_TEST_DAEMON")).args(["serve", "--help"]), b"");
    for option in words.filter(|word| word.starts_with("--")) {
        assert!(help.ok().contains(&format!("{option} <")), "{option} is no option of the daemon");
    }
    assert_eq!(value(&service, "Type"), "notify");
}

#[test]
fn systemd_waits_longer_than_the_daemon_takes() {
    let service = unit("sockerless.service");
    let seconds: u64 = value(&service, "TimeoutStopSec").strip_suffix('s').unwrap().parse().unwrap();
    let help = Ran::run(Command::new(built("SOCKERLESS_TEST_DAEMON")).args(["serve", "--help"]), b"");
    assert!(help.ok().contains("--shutdown-timeout"));
    // Its own time, the last words, and a second for each further step.
    assert!(seconds > 15 + 2 + 5, "{seconds}");
}

#[test]
fn the_daemon_takes_the_sockets_by_the_names_of_their_units() {
    let (api, agents) = (unit("sockerless.socket"), unit("sockerless-agents.socket"));
    for socket in [&api, &agents] {
        assert_eq!(value(socket, "Service"), "sockerless.service");
    }
    assert_eq!((value(&api, "SocketMode"), value(&api, "SocketGroup")), ("0660", "sockerless"));
    // As `Daemon` starts it.
    assert!(value(&unit("sockerless.service"), "ExecStart").contains("--host fd:// --agents-listen fd://agents"));
    let mut world = World::without_daemon(WorldOptions::default());
    let unix = UnixListener::bind(world.daemon.own_socket()).unwrap();
    let tcp = TcpListener::bind(world.daemon.agents_listen()).unwrap();
    let names = [value(&api, "FileDescriptorName"), value(&agents, "FileDescriptorName")];
    world.daemon.pass(Passed::new(vec![(names[0], unix.into()), (names[1], tcp.into())]));
    world.daemon.start().unwrap();
    super::direct(&world).ok(&["version"]);
}

#[test]
fn systemd_understands_them() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("skipped: there is no systemd-analyze on this machine");
        return;
    }
    let copies = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for name in ["sockerless.service", "sockerless.socket", "sockerless-agents.socket"] {
        // It looks whether the program is there.
        let text = unit(name)
            .replace("/usr/local/bin/sockerless ", &format!("{} ", built("SOCKERLESS_TEST_DAEMON").display()));
        paths.push(copies.path().join(name));
        std::fs::write(paths.last().unwrap(), text).unwrap();
    }
    let ran = Ran::run(Command::new("systemd-analyze").args(["--man=no", "verify"]).args(&paths), b"");
    let complaints = ran.stderr.lines().filter(|line| line.contains("sockerless")).collect::<Vec<_>>().join("\n");
    assert!(ran.code == 0 && complaints.is_empty(), "{ran:?}");
}
