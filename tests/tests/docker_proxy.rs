//! The backend `docker-proxy`: a daemon whose containers are containers of another Docker Engine, which it reaches at a unix socket by a
//! grant of its policy. The other Engine is a daemon of this project, once with Azure behind it and once with `memory`.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use sockerless_tests::{Bare, Docker, Ran, World, built, eventually, optional};

/// The component, where it could be built. It has been compiled once then: its runtime takes long, and a daemon is not waited for
/// without end.
fn component() -> Option<PathBuf> {
    static COMPILED: Once = Once::new();
    let component = optional("SOCKERLESS_TEST_DOCKER_PROXY")?;
    COMPILED.call_once(|| {
        let mut command = Command::new(built("SOCKERLESS_TEST_DAEMON"));
        command.args(["plugin", "test"]).arg(&component).arg("--cache-dir").arg(built("SOCKERLESS_TEST_CACHE"));
        // Without a scenario it cannot be loaded in that world, but has been compiled.
        Ran::run(&mut command, b"").exits(1);
    });
    Some(component)
}

/// A daemon before the Engine at this socket.
fn before(engine: &Path, component: PathBuf) -> Bare {
    let mut bare = Bare::without_daemon(vec![component], &[]);
    let config = bare.folder().join("sockerless.toml");
    let rule = format!("{{ host = \"http://engine.docker\", socket = {:?} }}", engine.to_str().unwrap());
    std::fs::write(&config, format!("[backend.docker-proxy.policy]\nhosts = [{rule}]\n")).unwrap();
    bare.daemon.set("SOCKERLESS_CONFIG", config.to_str().unwrap().to_owned());
    bare.daemon.start().unwrap();
    bare.docker.ok(&["pull", "--quiet", "alpine"]);
    bare
}

/// How the Engine calls the container that `container` is.
fn name_behind(docker: &Docker, container: &str) -> String {
    let id = docker.inspect(container)["Id"].as_str().unwrap().to_owned();
    format!("sockerless-{}", &id[..12])
}

fn state(docker: &Docker, container: &str) -> (String, i64) {
    let state = &docker.inspect(container)["State"];
    (state["Status"].as_str().unwrap().to_owned(), state["ExitCode"].as_i64().unwrap())
}

#[test]
fn commands_run_at_the_engine_behind_and_end_as_there() {
    let Some(component) = component() else { return };
    let engine = World::start();
    let bare = before(engine.daemon.own_socket(), component);
    let docker = &bare.docker;
    // The Engine behind does not know the image, and is told to pull it.
    docker.ok(&[
        "run",
        "--detach",
        "--name",
        "three",
        "--env",
        "CODE=3",
        "--label",
        "a=b",
        "alpine",
        "sh",
        "-c",
        "exit $CODE",
    ]);
    assert_eq!(docker.ok(&["wait", "three"]), "3");
    assert_eq!(state(docker, "three"), ("exited".to_owned(), 3));
    let behind = engine.docker.inspect(&name_behind(docker, "three"));
    assert_eq!(behind["State"]["ExitCode"], 3);
    assert_eq!(behind["Config"]["Labels"]["a"], "b");

    docker.ok(&["run", "--detach", "--name", "long", "alpine", "sleep", "infinity"]);
    let behind = name_behind(docker, "long");
    assert_eq!(state(&engine.docker, &behind).0, "running");
    docker.ok(&["kill", "long"]);
    assert_eq!(docker.ok(&["wait", "long"]), "137");
    assert_eq!(state(&engine.docker, &behind).0, "exited");

    // The Engine's own words.
    let none = docker.run(&["run", "--detach", "--name", "none", "alpine", "no-such-command"]);
    assert_ne!(none.code, 0);
    assert!(
        none.stderr.contains("no-such-command") && none.stderr.contains("the Docker Engine answered"),
        "{}",
        none.stderr
    );

    docker.ok(&["rm", "--force", "three", "long", "none"]);
    assert_eq!(engine.docker.ok(&["ps", "--all", "--quiet"]), "");
}

#[test]
fn containers_have_the_engines_log_and_survive_the_daemon() {
    let (Some(component), Some(memory)) = (component(), optional("SOCKERLESS_TEST_MEMORY_RUST")) else { return };
    let engine = Bare::start(vec![memory], &[]);
    let mut bare = before(engine.daemon.own_socket(), component);
    bare.docker.ok(&["run", "--detach", "--name", "web", "alpine", "sleep", "infinity"]);
    let behind = name_behind(&bare.docker, "web");
    let logs = bare.docker.run(&["logs", "web"]);
    assert_eq!(logs.ok(), format!("hello from {behind}, made of alpine\nstart 1: sleep infinity"));
    assert!(logs.stderr.contains("nothing is run"), "{}", logs.stderr);

    // Stopped at the Engine, and started again there.
    bare.docker.ok(&["restart", "web"]);
    assert_eq!(state(&bare.docker, "web").0, "running");
    assert!(bare.docker.ok(&["logs", "web"]).ends_with("start 2: sleep infinity"));

    // A daemon that comes back learns of the end by the stop that it asks for.
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    assert_eq!(state(&bare.docker, "web").0, "running");
    bare.docker.ok(&["stop", "web"]);
    eventually("the run has ended", || (state(&bare.docker, "web") == ("exited".to_owned(), 137)).then_some(()));
    assert_eq!(state(&engine.docker, &behind).0, "exited");

    // Somebody has removed it behind the daemon's back.
    engine.docker.ok(&["rm", &behind]);
    bare.docker.ok(&["rm", "web"]);
    assert_eq!(bare.docker.ok(&["ps", "--all", "--quiet"]), "");

    let exec = bare.docker.run(&["run", "--privileged", "--detach", "--name", "no", "alpine", "true"]);
    assert!(exec.stderr.contains("HostConfig.Privileged: memory runs nothing"), "{}", exec.stderr);
}

#[test]
fn a_log_that_only_the_backend_has_is_followed_to_the_containers_end() {
    let Some(component) = component() else { return };
    let engine = World::start();
    let bare = before(engine.daemon.own_socket(), component);
    let script = "echo one; while [ ! -e /tmp/followed ]; do sleep 0.1; done; echo two; echo three >&2; exit 4";
    bare.docker.ok(&["run", "--detach", "--name", "w", "alpine", "sh", "-c", script]);
    let behind = name_behind(&bare.docker, "w");
    let mut followers: Vec<_> = (0..3).map(|_| bare.docker.spawn(&["logs", "--follow", "w"])).collect();
    followers.push(bare.docker.spawn(&["logs", "--follow", "--tail", "1", "w"]));
    for follower in &mut followers {
        let mut line = [0; 4];
        follower.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        assert_eq!(&line, b"one\n");
    }
    engine.docker.ok(&["exec", "--detach", &behind, "touch", "/tmp/followed"]);
    let read = |from: &mut dyn Read| {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    };
    for follower in &mut followers {
        assert_eq!(read(follower.stdout.as_mut().unwrap()), "two\n");
        assert_eq!(read(follower.stderr.as_mut().unwrap()), "three\n");
        assert!(follower.wait().unwrap().success());
    }
    assert_eq!(bare.docker.ok(&["wait", "w"]), "4");
}

#[test]
fn without_a_grant_no_socket_is_reached() {
    let (Some(component), Some(memory)) = (component(), optional("SOCKERLESS_TEST_MEMORY_RUST")) else { return };
    let engine = Bare::start(vec![memory], &[]);
    let mut bare = Bare::without_daemon(vec![component], &[]);
    let refused = bare.daemon.start().unwrap_err();
    assert!(refused.contains("`http://engine.docker:80` among the `hosts`"), "{refused}");
    // Its own URL is no way to one.
    let url = format!("http+unix://{}", engine.daemon.own_socket().to_str().unwrap());
    bare.daemon.set("SOCKERLESS_DOCKER_PROXY_URL", url);
    let refused = bare.daemon.start().unwrap_err();
    assert!(refused.contains("SOCKERLESS_DOCKER_PROXY_URL, where the Docker Engine is, must be a URL"), "{refused}");
}
