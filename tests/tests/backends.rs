//! The example backend `memory`, in every language that it is written in: the same life of a container, and swaps from each
//! language to the next under a container that runs.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sockerless_tests::{Bare, Docker, optional};

/// A language, as the backend's version ends and as its operating system has it, and the variable with the component.
#[derive(Debug, Clone, Copy)]
struct Language {
    suffix: &'static str,
    name: &'static str,
    variable: &'static str,
}

const LANGUAGES: [Language; 5] = [
    Language { suffix: "rust", name: "Rust", variable: "SOCKERLESS_TEST_MEMORY_RUST" },
    Language { suffix: "python", name: "Python", variable: "SOCKERLESS_TEST_MEMORY_PYTHON" },
    Language { suffix: "typescript", name: "TypeScript", variable: "SOCKERLESS_TEST_MEMORY_TYPESCRIPT" },
    Language { suffix: "go", name: "Go", variable: "SOCKERLESS_TEST_MEMORY_GO" },
    Language { suffix: "c", name: "C", variable: "SOCKERLESS_TEST_MEMORY_C" },
];

impl Language {
    /// The component, where it could be built. It has been compiled once then, and no other at the same time: the runtimes of some
    /// languages take long, with all of the machine's cores, and a daemon is not waited for without end.
    fn component(self) -> Option<PathBuf> {
        static COMPILED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
        let component = optional(self.variable)?;
        // A test that failed while it held the lock has said why.
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if !compiled.contains(&self.suffix) {
            drop(Bare::start(vec![component.clone()], &[]));
            compiled.push(self.suffix);
        }
        Some(component)
    }

    fn version(self) -> String {
        format!("{}-{}", env!("CARGO_PKG_VERSION"), self.suffix)
    }
}

const GREETING: &str = "SOCKERLESS_MEMORY_GREETING";

/// What `docker logs` says, standard output and standard error.
fn logs(bare: &Bare, container: &str) -> (String, String) {
    let ran = bare.docker.run(&["logs", container]);
    ran.ok();
    (ran.stdout, ran.stderr)
}

fn state(bare: &Bare, container: &str) -> (String, i64) {
    let state = &bare.docker.inspect(container)["State"];
    (state["Status"].as_str().unwrap().to_owned(), state["ExitCode"].as_i64().unwrap())
}

fn exited(code: i64) -> (String, i64) {
    ("exited".to_owned(), code)
}

fn running() -> (String, i64) {
    ("running".to_owned(), 0)
}

/// What it writes to the error stream of what has no end.
const UNTIL: &str = "nothing is run: the container counts as running until it is stopped\n";

fn life(index: usize) {
    let language = LANGUAGES[index];
    let Some(component) = language.component() else { return };
    let mut bare = Bare::start(vec![component.clone()], &[(GREETING, "grüße")]);
    says_who_it_is(&bare.docker, &language);
    plans(&bare);
    runs_until_it_is_stopped(&bare);
    survives_the_daemon(&mut bare);
    ends_by_itself(&bare);

    // Nothing is left.
    bare.docker.ok(&["run", "--detach", "--name", "last", "alpine", "tail", "-f", "/dev/null"]);
    bare.docker.ok(&["rm", "--force", "plain", "web", "lines", "short", "last"]);
    assert_eq!(bare.docker.ok(&["ps", "--all", "--quiet"]), "");

    // A wrong setting refuses the component.
    bare.daemon.terminate();
    bare.daemon.set(GREETING, "two\nlines".into());
    let refused = bare.daemon.start().unwrap_err();
    assert!(refused.contains("SOCKERLESS_MEMORY_GREETING, the first words of every log"), "{refused}");
}

fn says_who_it_is(docker: &Docker, language: &Language) {
    let info = docker.ok(&[
        "info",
        "--format",
        "{{.Driver}}|{{.OperatingSystem}}|{{.NCPU}}|{{.MemTotal}}|{{json .DriverStatus}}",
    ]);
    assert!(info.starts_with(&format!("memory|memory, written in {}|1|1073741824|", language.name)), "{info}");
    assert!(info.contains(&format!(r#"["Backend Version","{}"]"#, language.version())), "{info}");
}

/// What it makes of create bodies. Leaves the containers `plain` and `web`.
fn plans(bare: &Bare) {
    let docker = &bare.docker;
    docker.ok(&["pull", "--quiet", "alpine"]);
    let plain = docker.run(&["create", "--name", "plain", "alpine", "echo", "hello"]);
    plain.ok();
    assert_eq!(plain.stderr, "");
    let with = [
        "-p",
        "80:80",
        "-v",
        "/tmp:/tmp",
        "--mount",
        "type=tmpfs,target=/t",
        "--health-cmd",
        "true",
        "--stop-signal",
        "SIGINT",
    ];
    let web = docker.run(&[&["create", "--name", "web"][..], &with, &["alpine", "sleep", "infinity"]].concat());
    web.ok();
    for warning in [
        "HostConfig.PortBindings: memory runs nothing that could listen on a port.",
        "HostConfig.Binds: memory runs nothing that could see a file.",
        "HostConfig.Mounts: memory runs nothing that could see a file.",
        "Healthcheck: memory runs nothing that could be healthy.",
    ] {
        assert!(web.stderr.contains(warning), "{warning}\n{}", web.stderr);
    }
    assert!(!web.stderr.contains("StopSignal"), "{}", web.stderr);
    let refused = docker.run(&["create", "--privileged", "alpine", "true"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("HostConfig.Privileged: memory runs nothing"), "{}", refused.stderr);
    for wrong in ["1.5", "-1", "4294968", "99999999", "٣"] {
        let refused = docker.run(&["create", "alpine", "sleep", wrong]);
        assert_ne!(refused.code, 0, "{wrong}");
        let text = format!("memory cannot sleep for \"{wrong}\": write whole seconds, 4294967 at most, or infinity");
        assert!(refused.stderr.contains(&text), "{}", refused.stderr);
    }
    assert_eq!(logs(bare, "web"), ("grüße from web, made of alpine\n".into(), String::new()));
}

/// What `web` says while it runs, and that a restart begins it anew.
fn runs_until_it_is_stopped(bare: &Bare) {
    let docker = &bare.docker;
    docker.ok(&["start", "web"]);
    assert_eq!(state(bare, "web"), running());
    assert_eq!(
        docker.ok(&["ps", "--format", "{{.Names}} {{.Image}} {{.Command}} {{.State}}"]),
        "web alpine \"sleep infinity\" running"
    );
    assert_eq!(
        logs(bare, "web"),
        ("grüße from web, made of alpine\nstart 1: sleep infinity\n".into(), UNTIL.to_owned())
    );
    let exec = docker.run(&["exec", "web", "true"]);
    exec.exits(126);
    assert!(exec.stderr.contains("agent") && exec.stderr.contains("the command was not run"), "{}", exec.stderr);
    let usr1 = docker.run(&["kill", "--signal", "USR1", "web"]);
    assert_ne!(usr1.code, 0);
    assert!(usr1.stderr.contains("memory runs no process that could take SIGUSR1"), "{}", usr1.stderr);
    assert_eq!(state(bare, "web"), running());
    docker.ok(&["stop", "web"]);
    assert_eq!(docker.ok(&["wait", "web"]), "137");
    assert_eq!(state(bare, "web"), exited(137));
    assert_eq!(docker.ok(&["ps", "--quiet"]), "");

    // Again, by restarts of what has ended and of what runs.
    docker.ok(&["restart", "web"]);
    docker.ok(&["restart", "web"]);
    assert_eq!(logs(bare, "web").0, "grüße from web, made of alpine\nstart 3: sleep infinity\n");
    assert_eq!(state(bare, "web"), running());
}

/// The daemon dies, and knows everything when it is back; a new setting shows.
fn survives_the_daemon(bare: &mut Bare) {
    bare.daemon.kill();
    bare.daemon.set(GREETING, "welcome back".into());
    bare.daemon.start().unwrap();
    assert_eq!(state(bare, "web"), running());
    assert_eq!(
        logs(bare, "web"),
        ("welcome back from web, made of alpine\nstart 3: sleep infinity\n".into(), UNTIL.to_owned())
    );
    bare.docker.ok(&["kill", "web"]);
    assert_eq!(state(bare, "web"), exited(137));
}

fn ends_by_itself(bare: &Bare) {
    let docker = &bare.docker;
    let run = docker.run(&["run", "--name", "lines", "alpine", "echo", "one\ntwo"]);
    run.ok();
    assert_eq!(state(bare, "lines"), exited(0));
    let (out, err) = logs(bare, "lines");
    assert_eq!(out, "welcome back from lines, made of alpine\nstart 1: echo one two\n");
    assert_eq!(err, "nothing is run: the container counts as running for its time\n");
    docker.ok(&["run", "--detach", "--name", "short", "alpine", "sleep", "1"]);
    assert_eq!(docker.ok(&["wait", "short"]), "0");
}

#[test]
fn in_rust() {
    life(0);
}

#[test]
fn in_python() {
    life(1);
}

#[test]
fn in_typescript() {
    life(2);
}

#[test]
fn in_go() {
    life(3);
}

#[test]
fn in_c() {
    life(4);
}

/// What one language has made and started every other takes over, running or not, and brings to its end.
#[test]
fn each_language_takes_over_the_containers_of_the_one_before() {
    let built: Vec<_> = LANGUAGES.into_iter().filter_map(|language| Some((language, language.component()?))).collect();
    let Some((_, first)) = built.first() else { return };
    let bare = Bare::start(vec![first.clone()], &[]);
    let docker = &bare.docker;
    docker.ok(&["pull", "--quiet", "alpine"]);
    docker.ok(&["run", "--detach", "--name", "all", "alpine", "sleep", "infinity"]);
    docker.ok(&["run", "--detach", "--name", "by-rust", "alpine", "sleep", "infinity"]);
    let started = docker.inspect("all")["State"]["StartedAt"].clone();
    // And back to the first one.
    let mut before = built[0].0;
    for (language, component) in built.iter().cycle().skip(1).take(built.len()) {
        let loaded = bare.daemon.sockerless(&["plugin", "load", component.to_str().unwrap()]);
        assert!(loaded.ok().starts_with(&format!("memory {} ", language.version())), "{}", loaded.stdout);
        assert!(loaded.stderr.contains(&format!("replaces version {}", before.version())), "{}", loaded.stderr);
        assert!(loaded.stderr.contains("containers taken over: 2"), "{}", loaded.stderr);
        assert_eq!(docker.inspect("all")["State"]["StartedAt"], started, "{language:?}");
        assert_eq!(state(&bare, "all"), running());
        assert!(logs(&bare, "all").0.ends_with("start 1: sleep infinity\n"));
        // What the one before has started this one stops, and starts again.
        let of_the_one_before = format!("by-{}", before.suffix);
        docker.ok(&["stop", &of_the_one_before]);
        assert_eq!(state(&bare, &of_the_one_before), exited(137));
        docker.ok(&["start", &of_the_one_before]);
        assert!(logs(&bare, &of_the_one_before).0.ends_with("start 2: sleep infinity\n"));
        docker.ok(&["rm", "--force", &of_the_one_before]);
        docker.ok(&["run", "--detach", "--name", &format!("by-{}", language.suffix), "alpine", "sleep", "infinity"]);
        before = *language;
    }
    docker.ok(&["rm", "--force", "all", &format!("by-{}", before.suffix)]);
    assert_eq!(docker.ok(&["ps", "--all", "--quiet"]), "");
}

/// A backend that ends runs by itself is not undone by the restart policy.
#[test]
fn the_restart_policy_heeds_a_stop_by_the_backend() {
    let Some(component) = LANGUAGES[0].component() else { return };
    let bare = Bare::start(vec![component], &[]);
    let docker = &bare.docker;
    docker.ok(&["pull", "--quiet", "alpine"]);
    docker.ok(&["run", "--detach", "--restart", "always", "--name", "web", "alpine", "sleep", "infinity"]);
    docker.ok(&["restart", "web"]);
    assert_eq!(state(&bare, "web"), running());
    assert_eq!(docker.inspect("web")["RestartCount"], 0);
    docker.ok(&["stop", "web"]);
    assert_eq!(state(&bare, "web"), exited(137));
    let since = docker.inspect("web")["Created"].as_str().unwrap().to_owned();
    let mut events = docker.spawn(&["events", "--since", &since, "--format", "{{.Action}}"]);
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines().map_while(Result::ok);
    // Comes to its end, as there is a `stop` behind the restart.
    assert!(lines.by_ref().any(|event| event == "restart"));
    assert!(lines.any(|event| event == "stop"));
    events.kill().unwrap();
    events.wait().unwrap();
    docker.ok(&["rm", "web"]);
}
