//! `sockerless serve --record` and `sockerless replay`: a session is recorded without its secrets, and done again by other versions of the
//! backend.
//!
//! `SOCKERLESS_WRITE_RECORDING=1 cargo xtask test a_session_has_no_secrets` makes the recording in `tests/recordings/azf` anew.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sockerless_tests::{Ran, World, WorldOptions, built};

/// What the user gives a container, and nobody else shall read.
const USERS_SECRET: &str = "correct horse/battery&staple\"quoted\"";
const STORAGE_KEY: &str = "c3RvcmFnZS1rZXktb2YtdGhlLXRlc3Q=";
const REGISTRY_PASSWORD: &str = "registry-password-of-the-test";

/// The recording that is kept with the tests.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/azf")
}

fn replay(folder: &Path, component: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(built("SOCKERLESS_TEST_DAEMON"));
    command.arg("replay").arg(folder).arg("--backend").arg(built(component)).args(arguments);
    command.arg("--cache-dir").arg(built("SOCKERLESS_TEST_CACHE"));
    Ran::run(&mut command, b"")
}

/// A world whose daemon records, and where.
fn recording() -> (World, PathBuf) {
    let settings = vec![
        ("SOCKERLESS_AZF_STORAGE_KEY", STORAGE_KEY.to_owned()),
        ("SOCKERLESS_AZF_REGISTRY", "https://registry.example".to_owned()),
        ("SOCKERLESS_AZF_REGISTRY_USERNAME", "user".to_owned()),
        ("SOCKERLESS_AZF_REGISTRY_PASSWORD", REGISTRY_PASSWORD.to_owned()),
    ];
    let mut world = World::without_daemon(WorldOptions { settings, ..WorldOptions::default() });
    let folder = world.folder().join("recording");
    world.daemon.set("SOCKERLESS_RECORD", folder.to_str().unwrap().to_owned());
    world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
    (world, folder)
}

fn text(folder: &Path) -> String {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn a_session_has_no_secrets_and_goes_the_same_way_in_this_version_and_the_next() {
    let (mut world, folder) = recording();
    let docker = &world.docker;
    world.pull();
    let secret = format!("SECRET={USERS_SECRET}");
    assert_eq!(docker.ok(&["run", "--rm", "--env", &secret, "alpine", "sh", "-c", "echo \"$SECRET\""]), USERS_SECRET);
    docker.ok(&["create", "--name", "c", "--env", &secret, "--label", "kept=yes", "alpine", "tail", "-f", "/dev/null"]);
    let settings = world.azure.apps()[0].to_string();
    docker.ok(&["start", "c"]);
    assert_eq!(docker.ok(&["exec", "c", "echo", "hello"]), "hello");
    docker.ok(&["logs", "c"]);
    docker.ok(&["stop", "c"]);
    docker.run(&["run", "--name", "failing", "alpine", "no-such-command"]).exits(127);
    docker.run(&["rm", "no-such-container"]).exits(1);
    docker.ok(&["rm", "--force", "c", "failing"]);
    world.daemon.terminate();

    let text = text(&folder);
    let token = token(&settings);
    let escaped = USERS_SECRET.replace('"', "\\\\\\\"");
    let of_the_daemon = world.azure.environment();
    let of_the_daemon =
        of_the_daemon.iter().filter(|(name, _)| name.contains("SECRET")).map(|(_, value)| value.as_str());
    for secret in of_the_daemon.chain([USERS_SECRET, &escaped, "battery", STORAGE_KEY, REGISTRY_PASSWORD, &token]) {
        assert!(!text.contains(secret), "the recording has {secret}");
    }
    // The agent's specification has the environment in base64.
    let encoded = text.split(|sign: char| !sign.is_ascii_alphanumeric() && !"+/=".contains(sign));
    for decoded in encoded.filter_map(|word| BASE64_STANDARD.decode(word).ok()) {
        assert!(!String::from_utf8_lossy(&decoded).contains("battery"), "the recording has a secret in base64");
    }
    for kept in ["lifecycle.create", "\"status\":404", "/containers/no-such-container", "kept"] {
        assert!(text.contains(kept), "the recording has no {kept}");
    }

    for component in ["SOCKERLESS_TEST_COMPONENT", "SOCKERLESS_TEST_NEXT_COMPONENT"] {
        let ran = replay(&folder, component, &["--format", "json"]);
        let report: Value = serde_json::from_str(ran.ok()).unwrap();
        assert_eq!(report["difference"], Value::Null, "{report:#}");
        assert!(report["calls"].as_u64().unwrap() >= 15, "{report:#}");
        assert_eq!(report["incomplete"], 0, "{report:#}");
    }
    if std::env::var_os("SOCKERLESS_WRITE_RECORDING").is_some() {
        std::fs::create_dir_all(kept()).unwrap();
        std::fs::write(kept().join("recording-000001.jsonl"), text).unwrap();
    }
}

/// The token of the agent, out of the settings of an app.
fn token(app: &str) -> String {
    let (_, rest) = app.split_once("SOCKERLESS_AGENT_TOKEN").unwrap_or_else(|| panic!("no token in {app}"));
    let word = |text: &str| {
        text.split(|sign: char| !sign.is_ascii_alphanumeric()).find(|word| word.len() > 30).map(str::to_owned)
    };
    word(rest).unwrap_or_else(|| panic!("no token in {app}"))
}

/// Each version of the backend must do what the one did that was recorded. If it is meant to do otherwise, the recording is made anew.
#[test]
fn the_recording_that_is_kept_goes_the_same_way() {
    let ran = replay(&kept(), "SOCKERLESS_TEST_COMPONENT", &[]);
    assert!(ran.ok().contains(" calls went as recorded"), "{}", ran.stdout);
}

#[test]
fn the_first_call_that_goes_another_way_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let original = text(&kept());
    let meant = original.replace("DOCKER|", "PODMAN|");
    assert_ne!(meant, original, "the recording names an image");
    std::fs::write(folder.path().join("recording-000001.jsonl"), meant).unwrap();
    let ran = replay(folder.path(), "SOCKERLESS_TEST_COMPONENT", &[]);
    let shown = ran.exits(1);
    for words in [
        "lifecycle.create of the container",
        "http.send PUT https://management.azure.com/",
        "linuxFxVersion",
        "PODMAN|",
        "DOCKER|",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }

    // Another backend altogether.
    let ran = replay(&kept(), "SOCKERLESS_TEST_GUEST", &["--format", "json"]);
    let report: Value = serde_json::from_str(ran.exits(1)).unwrap();
    assert_eq!(report["difference"]["export"], "backend.describe", "{report:#}");
}

#[test]
fn a_recording_is_readable_after_the_daemon_was_killed() {
    let (mut world, folder) = recording();
    world.pull();
    world.docker.ok(&["create", "--name", "c", "alpine", "true"]);
    world.daemon.kill();
    let file = folder.join("recording-000001.jsonl");
    let whole = std::fs::read(&file).unwrap();
    assert!(whole.ends_with(b"\n"), "what was idle is written");
    // As if it had been killed in the middle of a line.
    std::fs::write(&file, &whole[..whole.len() - 10]).unwrap();
    world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
    world.docker.ok(&["rm", "c"]);
    world.daemon.terminate();
    assert!(folder.join("recording-000002.jsonl").exists());
    let ran = replay(&folder, "SOCKERLESS_TEST_COMPONENT", &[]);
    assert!(ran.ok().contains("a file ends in the middle of a line (1)"), "{}", ran.stdout);
}

#[test]
fn what_is_no_recording_is_exit_code_two() {
    let folder = tempfile::tempdir().unwrap();
    let ran = replay(folder.path(), "SOCKERLESS_TEST_COMPONENT", &[]);
    ran.exits(2);
    assert!(ran.stderr.contains("has no recording"), "{}", ran.stderr);
    std::fs::write(folder.path().join("recording-000001.jsonl"), "{}\n").unwrap();
    let ran = replay(folder.path(), "SOCKERLESS_TEST_COMPONENT", &[]);
    ran.exits(2);
    assert!(ran.stderr.contains("line 1 of "), "{}", ran.stderr);
    replay(&kept(), "SOCKERLESS_TEST_DAEMON", &[]).exits(2);
}
