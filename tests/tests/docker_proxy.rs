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

    // A daemon that comes back stops what the one before has started.
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
fn execs_are_the_engines() {
    let Some(component) = component() else { return };
    let mut engine = World::start();
    let bare = before(engine.daemon.own_socket(), component);
    let docker = &bare.docker;
    docker.ok(&["run", "--detach", "--name", "web", "--env", "OWN=container", "alpine", "sleep", "infinity"]);

    // The two streams, and the exit code.
    let ran = docker.run(&["exec", "web", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ran.exits(7), ran.stderr.as_str()), ("out", "err\n"));
    let script = "echo $OWN $MORE; pwd; id -u";
    let ran =
        docker.run(&["exec", "--env", "MORE=exec", "--workdir", "/tmp", "--user", "65534", "web", "sh", "-c", script]);
    assert_eq!(ran.ok(), "container exec\n/tmp\n65534");
    // The end of the input is the end of the command's.
    let data = "0123456789abcdef\n".repeat(200_000);
    let ran = docker.run_with(&["exec", "-i", "web", "cat"], data.as_bytes());
    ran.ok();
    assert!(ran.stdout == data, "{} bytes of {}", ran.stdout.len(), data.len());
    let ran = docker.on_terminal(
        &["exec", "-t", "web", "sh", "-c", "tty; until stty size | grep 33; do sleep 0.02; done"],
        33,
        101,
        "",
    );
    let out = ran.ok().replace('\r', "");
    assert!(out.starts_with("/dev/pts/") && out.ends_with("33 101"), "{out:?}");
    let ran = docker.run(&["exec", "web", "no-such-command"]);
    assert_eq!(ran.code, 127);
    assert!((ran.stdout + &ran.stderr).contains("no-such-command"));

    // A command that nobody waits for, and one whose client goes away, run to their end all the same.
    docker.ok(&["exec", "--detach", "web", "sh", "-c", "yes | head -c 1000000; touch /detached"]);
    eventually("the detached command has ended", || {
        (docker.run(&["exec", "web", "ls", "/detached"]).code == 0).then_some(())
    });
    let typed = docker.on_terminal(
        &[
            "exec",
            "-it",
            "--detach-keys",
            "x,y",
            "web",
            "sh",
            "-c",
            "until [ -e /go ]; do sleep 0.02; done; touch /left",
        ],
        24,
        80,
        "xy",
    );
    assert!(
        typed.stdout.contains("read escape sequence") || typed.stderr.contains("read escape sequence"),
        "{typed:?}"
    );
    docker.ok(&["exec", "web", "touch", "/go"]);
    eventually("the command that was left has ended", || {
        (docker.run(&["exec", "web", "ls", "/left"]).code == 0).then_some(())
    });
    eventually("no exec is left", || (docker.inspect("web")["ExecIDs"].is_null()).then_some(()));

    // The Engine goes away under a command: nobody can know how it ends, and the client is told so.
    let lost = docker.spawn(&["exec", "web", "sh", "-c", "touch /begun; sleep infinity"]);
    eventually("the command has begun", || (docker.run(&["exec", "web", "ls", "/begun"]).code == 0).then_some(()));
    engine.daemon.kill();
    let lost = lost.wait_with_output().unwrap();
    assert_eq!(lost.status.code(), Some(137));
    let said = String::from_utf8_lossy(&lost.stderr);
    assert!(said.contains("how the command ended is not known: the Docker Engine at"), "{said}");
}

#[test]
fn clients_are_attached_at_the_engine() {
    let Some(component) = component() else { return };
    let engine = World::start();
    let bare = before(engine.daemon.own_socket(), component);
    let docker = &bare.docker;
    // In the foreground: both streams from their first byte, the input and its end, and the exit code.
    let ran = docker.run_with(&["run", "--rm", "-i", "alpine", "sh", "-c", "cat; echo err >&2; exit 4"], b"one\ntwo\n");
    assert_eq!((ran.exits(4), ran.stderr.as_str()), ("one\ntwo", "err\n"));
    let data = "0123456789abcdef\n".repeat(200_000);
    let ran = docker.run_with(&["run", "--rm", "-i", "alpine", "cat"], data.as_bytes());
    ran.ok();
    assert!(ran.stdout == data, "{} bytes of {}", ran.stdout.len(), data.len());
    let script = "until stty size | grep 33; do sleep 0.02; done; read line; echo \"got $line\"";
    let ran = docker.on_terminal(&["run", "--rm", "-it", "alpine", "sh", "-c", script], 33, 101, "typed\n");
    let out = ran.ok().replace('\r', "");
    assert!(out.contains("33 101\n") && out.ends_with("got typed"), "{out:?}");

    // Attached to what runs, and detached again, it goes on; what the client did not see is in the log.
    docker.ok(&["create", "-it", "--name", "web", "alpine", "sh", "-c", "read line; echo \"got $line\"; exit 5"]);
    docker.ok(&["start", "web"]);
    let left = docker.on_terminal(&["attach", "--detach-keys", "x,y", "web"], 24, 80, "xy");
    assert!(left.stdout.contains("read escape sequence") || left.stderr.contains("read escape sequence"), "{left:?}");
    assert_eq!(state(docker, "web").0, "running");
    let ran = docker.on_terminal(&["attach", "web"], 24, 80, "typed\n");
    assert!(ran.exits(5).contains("got typed"), "{ran:?}");
    assert_eq!(state(docker, "web"), ("exited".to_owned(), 5));
    // Who is attached while it is removed is let go.
    docker.ok(&["create", "--name", "never", "alpine", "true"]);
    let mut waiting = docker.spawn(&["start", "--attach", "never"]);
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn files_are_copied_by_the_engine() {
    let Some(component) = component() else { return };
    let engine = World::start();
    let bare = before(engine.daemon.own_socket(), component);
    let docker = &bare.docker;
    docker.ok(&["run", "--detach", "--name", "web", "alpine", "sleep", "infinity"]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data: Vec<u8> = (0..3_000_000_u32).flat_map(|n| n.to_le_bytes()).collect();
    std::fs::create_dir(file("tree")).unwrap();
    std::fs::write(file("tree/large"), &data).unwrap();
    std::fs::write(file("tree/small"), "small").unwrap();
    docker.ok(&["cp", &file("tree"), "web:/tmp/copy"]);
    assert_eq!(docker.ok(&["exec", "web", "cat", "/tmp/copy/small"]), "small");
    docker.ok(&["cp", "web:/tmp/copy", &file("back")]);
    assert!(std::fs::read(file("back/large")).unwrap() == data);
    assert_eq!(std::fs::read_to_string(file("back/small")).unwrap(), "small");

    let missing = docker.run(&["cp", "web:/no/such/file", &file("x")]);
    assert!(
        missing.code != 0 && missing.stderr.contains("Could not find the file /no/such/file"),
        "{}",
        missing.stderr
    );
    let missing = docker.run(&["cp", &file("tree"), "web:/no/such/folder/below"]);
    assert_ne!(missing.code, 0);
    assert!(!missing.stderr.is_empty());
    // All of this machine, as here an image has no file system of its own: the beginning will do.
    let mut export = docker.spawn(&["export", "web"]);
    let mut header = [0; 512];
    export.stdout.take().unwrap().read_exact(&mut header).unwrap();
    assert_eq!(&header[257..262], b"ustar");
    export.kill().unwrap();
    export.wait().unwrap();
}

/// Nobody asks: the daemon learns of it by itself.
#[test]
fn ends_are_learnt_when_either_daemon_was_away() {
    let Some(component) = component() else { return };
    let mut engine = World::start();
    let mut bare = before(engine.daemon.own_socket(), component);
    let script = "until [ -e /go ]; do sleep 0.02; done; exit 5";
    for name in ["before", "after", "removed"] {
        bare.docker.ok(&["run", "--detach", "--name", name, "alpine", "sh", "-c", script]);
    }
    let behind = |name: &str| name_behind(&bare.docker, name);
    let (before, after, removed) = (behind("before"), behind("after"), behind("removed"));
    bare.daemon.kill();
    // In the background: it ends the container, and might go with it.
    engine.docker.ok(&["exec", "--detach", &before, "touch", "/go"]);
    assert_eq!(engine.docker.ok(&["wait", &before]), "5");
    engine.docker.ok(&["rm", "--force", &removed]);
    bare.daemon.start().unwrap();
    let is = |name: &str, code| {
        eventually(name, || (state(&bare.docker, name) == ("exited".to_owned(), code)).then_some(()))
    };
    is("before", 5);
    is("removed", 137);
    // The Engine behind, this time: the request that waits there breaks, and the command goes on.
    engine.daemon.kill();
    engine.daemon.start().unwrap();
    assert_eq!(state(&bare.docker, "after").0, "running");
    engine.docker.ok(&["exec", "--detach", &after, "touch", "/go"]);
    is("after", 5);
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
