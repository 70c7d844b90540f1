//! Tools that run jobs in containers: Docker Compose, act and testcontainers.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use sockerless_tests::{Ran, World, eventually, optional, python_with};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn compose(world: &World, program: &Path, words: &[&str]) -> Ran {
    let mut command = Command::new(program);
    command.arg("--file").arg(clients().join("compose/compose.yaml")).args(words);
    command.env("DOCKER_HOST", world.daemon.host()).env("DOCKER_CONFIG", world.folder().join("docker-config"));
    Ran::run(&mut command, b"")
}

#[test]
fn docker_compose() {
    let Some(program) = optional("SOCKERLESS_TEST_COMPOSE") else { return };
    let world = World::start();
    let compose = |words: &[&str]| compose(&world, &program, words);
    compose(&["up", "--detach"]).ok();
    let services = compose(&["ps", "--format", "{{.Service}} {{.State}} {{.Health}}"]);
    let mut services: Vec<&str> = services.ok().lines().map(str::trim).collect();
    services.sort_unstable();
    assert_eq!(services, ["store running healthy", "web running", "worker running"]);
    assert_eq!(compose(&["exec", "-T", "web", "sh", "-c", "echo $GREETING"]).ok(), "good day");

    let note = world.folder().join("note");
    std::fs::write(&note, "copied\n").unwrap();
    compose(&["cp", note.to_str().unwrap(), "web:/tmp/note"]).ok();
    assert_eq!(compose(&["exec", "-T", "web", "cat", "/tmp/note"]).ok(), "copied");
    let back = world.folder().join("back");
    compose(&["cp", "web:/tmp/note", back.to_str().unwrap()]).ok();
    assert_eq!(std::fs::read_to_string(&back).unwrap(), "copied\n");

    eventually("the services' logs are there", || {
        let logs = compose(&["logs", "--no-color"]);
        let has =
            |line: &str| logs.stdout.lines().any(|text| text.split('|').nth(1).is_some_and(|said| said.trim() == line));
        (has("storing") && has("serving") && has("working")).then_some(())
    });
    let networks = world.docker.ok(&["network", "ls", "--filter", "label=purpose=public", "--format", "{{.Name}}"]);
    assert_eq!(networks, "trio_front");
    compose(&["stop", "--timeout", "1"]).ok();
    compose(&["down", "--volumes", "--timeout", "1"]).ok();
    assert!(world.azure.apps().is_empty());
    assert_eq!(world.docker.ok(&["ps", "--all", "--quiet"]), "");
    assert_eq!(world.docker.ok(&["volume", "ls", "--quiet"]), "");
    assert_eq!(world.docker.ok(&["network", "ls", "--filter", "label=purpose=public", "--quiet"]), "");
}

#[test]
fn act_runs_a_job_of_several_steps() {
    let Some(program) = optional("SOCKERLESS_TEST_ACT") else { return };
    let world = World::start();
    let checkout = world.folder().join("checkout");
    std::fs::create_dir_all(checkout.join(".github/workflows")).unwrap();
    std::fs::copy(clients().join("act/workflow/job.yml"), checkout.join(".github/workflows/job.yml")).unwrap();
    std::fs::write(checkout.join("given.txt"), "a file of the checkout\n").unwrap();
    let git =
        "git init --quiet && git add . && git -c user.name=t -c user.email=t@localhost commit --quiet --message x";
    Ran::run(Command::new("sh").args(["-c", git]).current_dir(&checkout), b"").ok();
    let mut command = Command::new(program);
    command.current_dir(&checkout).env("DOCKER_HOST", world.daemon.host()).env("HOME", world.folder().join("home"));
    command.args(["push", "--platform", "ubuntu-latest=alpine", "--container-daemon-socket", "-", "--rm"]);
    let ran = Ran::run(&mut command, b"");
    ran.ok();
    for line in ["a file of the checkout", "first one", "then two", "Job succeeded"] {
        assert!(ran.stdout.contains(line), "{line}\n{}\n{}", ran.stdout, ran.stderr);
    }
    assert!(world.azure.apps().is_empty());
}

#[test]
fn testcontainers_for_python() {
    let world = World::start();
    let ran = python_with(&world, "testcontainers_job.py", &[("TESTCONTAINERS_RYUK_DISABLED", "true")]);
    assert_eq!(ran.ok(), "ok");
    assert!(world.azure.apps().is_empty());
}
