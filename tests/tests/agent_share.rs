//! Images without an agent: it comes from an Azure Files share, which `sockerless azure push-agent` fills.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sockerless_tests::{STORAGE_KEY, World, WorldOptions, built, eventually, tar_of, write_layout};

/// A world whose daemon does not run, with a share for the agent and none in the images; `share` are the settings about it.
fn world(share: &[(&'static str, &str)], more: &str) -> World {
    let settings = [("SOCKERLESS_AZF_AGENT_SHARE", "agents")].iter().chain(share);
    World::without_daemon(WorldOptions {
        emulator: format!(
            "{more}\n[[images]]\nname = 'alpine'\nagent = false\n[[images]]\nname = 'bare:1'\nagent = false\n"
        ),
        settings: settings.map(|&(name, value)| (name, value.to_owned())).collect(),
        ..WorldOptions::default()
    })
}

const BY_KEY: (&str, &str) = ("SOCKERLESS_AZF_AGENT_SHARE_KEY", STORAGE_KEY);

fn agent() -> PathBuf {
    built("SOCKERLESS_TEST_AGENT")
}

/// Another agent, which does the same.
fn other_agent(folder: &Path) -> PathBuf {
    let mut content = fs::read(agent()).unwrap();
    content.extend(b"of another build");
    let file = folder.join("other-agent");
    fs::write(&file, content).unwrap();
    file
}

/// The requests to the service of files, in the order in which they came.
fn to_files(world: &World) -> Vec<Value> {
    world.azure.requests().into_iter().filter(|request| request["service"] == "files").collect()
}

#[test]
fn an_image_without_an_agent_runs_with_that_of_the_share() {
    let images = tempfile::tempdir().unwrap();
    // It has one program, which is no agent there.
    let tool = fs::read(agent()).unwrap();
    let layer = tar_of(&[("bin/tool", &tool), ("etc/passwd", b"root:x:0:0::/:/bin/tool\n")]);
    write_layout(&images.path().join("bare"), "bare:1", &[layer], &json!({}));
    let mut world = world(&[BY_KEY], &format!("images_folder = '{}'", images.path().display()));
    if !world.azure.isolates_files() {
        return;
    }
    let said = world.daemon.push_agent(&agent()).ok().to_owned();
    assert!(said.contains("made the share agents") && said.contains("sockerless-agent is in the share"), "{said}");
    world.daemon.start().unwrap();
    world.docker.ok(&["pull", "--quiet", "bare:1"]);
    let said = world.docker.ok(&["run", "--rm", "bare:1", "/bin/tool", "--version"]);
    assert!(said.starts_with("sockerless-agent "), "{said}");
    let ran = world.docker.run(&["run", "--rm", "bare:1", "/bin/tool", "nonsense"]);
    ran.exits(2);
    assert!(ran.stderr.contains("nonsense"), "{}", ran.stderr);
    world.pull();
    let ran = world.docker.run(&["run", "--rm", "alpine", "sh", "-c", "echo out; ls /sockerless; exit 3"]);
    ran.exits(3);
    assert_eq!(ran.stdout, "out\nsockerless-agent\n");
    // One container for each app: the share was there from its first start.
    let id = world.docker.ok(&["run", "--detach", "alpine", "tail", "-f", "/dev/null"]);
    let app = world.azure.control("GET", &format!("/apps/skls-{}", &id[..12]), None);
    assert_eq!((&app["container"]["starts"], &app["mounts"]["sockerless"]["shareName"]), (&json!(1), &json!("agents")));
}

#[test]
fn a_new_agent_takes_the_place_of_one_that_runs() {
    let mut world = world(&[BY_KEY], "");
    if !world.azure.isolates_files() {
        return;
    }
    world.daemon.push_agent(&agent()).ok();
    world.daemon.start().unwrap();
    world.pull();
    world.docker.ok(&["run", "--detach", "--name", "before", "alpine", "tail", "-f", "/dev/null"]);
    let said = world.daemon.push_agent(&other_agent(world.folder())).ok().to_owned();
    assert!(said.contains("the one before is in use, and is called sockerless-agent.old-"), "{said}");
    assert_eq!(world.docker.ok(&["exec", "before", "echo", "still here"]), "still here");
    assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "new"]), "new");
    // A second time nothing is written.
    let before = to_files(&world).len();
    let said = world.daemon.push_agent(&other_agent(world.folder())).ok().to_owned();
    assert!(said.contains("already: nothing to do"), "{said}");
    assert!(to_files(&world)[before..].iter().all(|request| request["method"] == "HEAD"));
}

#[test]
fn without_a_key_the_daemons_credentials_do() {
    let world = world(&[], "");
    let said = world.daemon.push_agent(&agent()).ok().to_owned();
    assert!(said.contains("made the share agents"), "{said}");
    let requests = to_files(&world);
    assert!(requests.iter().all(|request| request["headers"].to_string().contains("x-ms-file-request-intent")));
    // Ranges of 4 MiB at most, which make the whole.
    let ranges = requests.iter().filter(|request| request["query"] == "comp=range").count() as u64;
    assert_eq!(ranges, fs::metadata(agent()).unwrap().len().div_ceil(4 << 20));
}

#[test]
fn what_passes_is_repeated_and_what_does_not_is_explained() {
    let world = world(&[BY_KEY], "");
    let fault = |status: u16, code: &str, method: &str| {
        world
            .azure
            .fault(&json!({ "fault": "answer", "service": "files", "method": method, "status": status, "code": code,
            "message": "As Azure words it.", "retry_after_seconds": 0 }));
    };
    fault(503, "ServerBusy", "HEAD");
    fault(500, "InternalError", "PUT");
    world.daemon.push_agent(&agent()).ok();
    let other = other_agent(world.folder());
    fault(403, "AuthorizationPermissionMismatch", "HEAD");
    let ran = world.daemon.push_agent(&other);
    ran.exits(1);
    assert!(ran.stderr.contains("Storage File Data Privileged Contributor"), "{}", ran.stderr);
    // What has been written of it goes again.
    fault(400, "Md5Mismatch", "PUT");
    let ran = world.daemon.push_agent(&other);
    ran.exits(1);
    assert!(ran.stderr.contains("Md5Mismatch: As Azure words it."), "{}", ran.stderr);
    assert_eq!(to_files(&world).last().unwrap()["method"], "DELETE");
    let ran = world.daemon.push_agent(&world.folder().join("emulator.toml"));
    ran.exits(1);
    assert!(ran.stderr.contains("no program for Linux on x86-64"), "{}", ran.stderr);
}

#[test]
fn a_wrong_key_is_an_error_of_push_agent_and_of_the_start() {
    let wrong = ("SOCKERLESS_AZF_AGENT_SHARE_KEY", "d3Jvbmc=");
    let mut world = world(&[wrong, ("SOCKERLESS_AZF_CALLBACK_TIMEOUT", "1")], "");
    if !world.azure.isolates_files() {
        return;
    }
    let ran = world.daemon.push_agent(&agent());
    ran.exits(1);
    assert!(ran.stderr.contains("az storage account keys list --account-name sockerlessstorage"), "{}", ran.stderr);
    world.daemon.start().unwrap();
    world.pull();
    let id = world.docker.ok(&["create", "--name", "never", "alpine", "echo", "never"]);
    eventually("the platform has given up", || {
        let app = world.azure.control("GET", &format!("/apps/skls-{}", &id[..12]), None);
        (app["container"]["phase"] == "failed").then_some(())
    });
    let ran = world.docker.run(&["start", "never"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("InvalidCredentials") && ran.stderr.contains("the share agents"), "{}", ran.stderr);
}

#[test]
fn no_share_and_no_agent() {
    let without = World::without_daemon(WorldOptions::default());
    let ran = without.daemon.push_agent(&agent());
    ran.exits(1);
    assert!(ran.stderr.contains("SOCKERLESS_AZF_AGENT_SHARE is not set"), "{}", ran.stderr);
    let world = world(&[BY_KEY], "");
    let ran = world.daemon.push_agent(&world.folder().join("none"));
    ran.exits(1);
    assert!(ran.stderr.contains("sockerless azure push-agent FILE"), "{}", ran.stderr);
    // The daemon's own program is linked to the C library.
    let ran = world.daemon.push_agent(&built("SOCKERLESS_TEST_DAEMON"));
    ran.exits(1);
    assert!(ran.stderr.contains("the agent has no more than") || ran.stderr.contains("musl"), "{}", ran.stderr);
    assert!(to_files(&world).is_empty());
}

#[test]
fn the_agent_is_looked_for_beside_the_program() {
    let world = world(&[BY_KEY], "");
    let program = world.folder().join("sockerless");
    // A link by another name would lead back to where the program was built.
    if fs::hard_link(built("SOCKERLESS_TEST_DAEMON"), &program).is_err() {
        fs::copy(built("SOCKERLESS_TEST_DAEMON"), &program).unwrap();
    }
    let push = || world.daemon.push_own_agent(&program);
    let missing = push();
    missing.exits(1);
    let beside = world.folder().join("sockerless-agent");
    assert!(missing.stderr.contains(beside.to_str().unwrap()), "{}", missing.stderr);
    fs::copy(agent(), &beside).unwrap();
    assert!(push().ok().contains(&format!("bytes of {}", beside.display())));
}
