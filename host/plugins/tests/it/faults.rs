//! Guests that fail: the call ends with a text that says how, and nothing else happens.

use std::collections::BTreeSet;
use std::time::Duration;

use sockerless_backend::sessions::{ExecProcess, Extraction, StreamsWanted, TerminalSize};
use sockerless_backend::types::Handle;
use sockerless_backend::{Backend, BackendError, HttpError};
use sockerless_plugins::{Export, LoadError};

use crate::guest::guest_with;
use crate::server::Gate;
use crate::support::{Setup, container};

/// Long enough for what ends by itself on any machine, and short enough to wait for.
const COMPUTING: Duration = Duration::from_secs(1);

/// For guests that compute without an end.
fn short() -> Setup {
    let mut setup = Setup::default();
    setup.limits.computing = COMPUTING;
    setup
}

/// For those that end by themselves, however slow the machine is.
fn patient() -> Setup {
    let mut setup = Setup::default();
    setup.limits.computing = Duration::from_secs(300);
    setup.limits.host_calls = 50;
    setup
}

const LOOP: (&str, &[&str]) = ("loop", &["it ran for 1 s without an end"]);

const CASES: [(&str, &[&str]); 5] = [
    ("trap", &["it trapped: unreachable code was reached", "the guest gave up"]),
    ("greedy", &["it asked for more than 64 MiB of memory"]),
    ("overflow", &["its stack overflowed"]),
    ("overflow-in-memory", &["it reached beyond its memory"]),
    ("exit", &["it ended itself by exit("]),
];

#[tokio::test]
async fn each_fault_of_a_call_is_told_and_harms_nothing() {
    let (patient, _) = patient().serving().await;
    let (short, _) = short().serving().await;
    let cases = CASES.iter().copied().chain([("host-calls", &["it made more than 50 calls"][..])]);
    for (world, (kind, texts)) in cases.map(|case| (&patient, case)).chain([(&short, LOOP)]) {
        let backend = world.host.backend("guest").unwrap();
        let error = backend.create(container(kind, &[], &[]), "key".into()).await.unwrap_err();
        let BackendError::Fault(text) = &error else { panic!("{kind}: {error:?}") };
        assert!(text.starts_with("the backend `guest` failed in lifecycle.create: "), "{text}");
        for expected in texts {
            assert!(text.contains(expected), "{kind}: {text}");
        }
        world.still_serves().await;
    }
}

fn fault<T>(export: Export, result: Result<T, BackendError>) -> (Export, String) {
    match result {
        Err(BackendError::Fault(text)) => (export, text),
        Err(other) => panic!("{}: {other:?}", export.name()),
        Ok(_) => panic!("{} does not fail", export.name()),
    }
}

/// The exports that not every backend has, likewise.
async fn failures_of_optional(backend: &dyn Backend, name: &str) -> Vec<(Export, String)> {
    let (one, text) = (|| container(name, &["GET", "https://allowed.example/"], &[]), || name.to_owned());
    let size = TerminalSize { rows: 1, columns: 2 };
    let wanted = StreamsWanted { stdin: true, ..StreamsWanted::default() };
    let gone = Err(HttpError::Connect("gone".into()));
    let results = tokio::join!(
        backend.inventory(Some(text())),
        backend.agent_environment(text(), Handle { version: 1, data: Vec::new() }),
        backend.exec_start(one(), ExecProcess::default()),
        backend.exec_inspect(one(), text()),
        backend.exec_resize(one(), text(), size),
        backend.attach(one(), wanted),
        backend.attach_resize(one(), size),
        backend.archive_stat(one(), text()),
        backend.archive_get(one(), text()),
        backend.archive_put(one(), text(), Extraction::default()),
        backend.archive_extracted(one(), text(), gone),
        backend.archive_file_system(one()),
        backend.resume(one(), text()),
    );
    vec![
        fault(Export::Inventory, results.0),
        fault(Export::AgentEnvironment, results.1),
        fault(Export::ExecStart, results.2),
        fault(Export::ExecInspect, results.3),
        fault(Export::ExecResize, results.4),
        fault(Export::Attach, results.5),
        fault(Export::AttachResize, results.6),
        fault(Export::ArchiveStat, results.7),
        fault(Export::ArchiveGet, results.8),
        fault(Export::ArchivePut, results.9),
        fault(Export::ArchiveExtracted, results.10),
        fault(Export::ArchiveFileSystem, results.11),
        fault(Export::Resume, results.12),
    ]
}

/// Every export that each loaded backend is called by, with a container of this name. Answers how each failed.
async fn failures(backend: &dyn Backend, name: &str) -> Vec<(Export, String)> {
    let (one, key) = (|| container(name, &["GET", "https://allowed.example/"], &[]), || "key".to_owned());
    let connect = Err(HttpError::Connect("gone".into()));
    let results = tokio::join!(
        backend.plan(name.into()),
        backend.create(one(), key()),
        backend.start(one(), "run".into(), key()),
        backend.finished(one(), "run".into(), connect),
        backend.stop(one(), None, key()),
        backend.kill(one(), "SIGKILL".into(), key()),
        backend.restart(one(), None, key()),
        backend.remove(one(), true, key()),
        backend.recover(one()),
        backend.logs(one(), Default::default(), None),
    );
    vec![
        fault(Export::Plan, results.0),
        fault(Export::Create, results.1),
        fault(Export::Start, results.2),
        fault(Export::Finished, results.3),
        fault(Export::Stop, results.4),
        fault(Export::Kill, results.5),
        fault(Export::Restart, results.6),
        fault(Export::Remove, results.7),
        fault(Export::Recover, results.8),
        fault(Export::Logs, results.9),
    ]
}

#[tokio::test]
async fn a_trap_in_any_export_ends_that_call_only() {
    let (world, backend) = patient().serving().await;
    let mut failures = failures(&*backend, "everywhere-trap").await;
    failures.extend(failures_of_optional(&*backend, "everywhere-trap").await);
    for (export, text) in &failures {
        assert!(text.starts_with(&format!("the backend `guest` failed in {}: it trapped", export.name())), "{text}");
    }
    // With `describe`, whose faults have a test of their own, and `check` below, these are all.
    assert_eq!(failures.iter().map(|(export, _)| export).collect::<BTreeSet<_>>().len(), 23);
    world.still_serves().await;

    let mut setup = patient();
    setup.config.insert("SOCKERLESS_TEST_CHECK".into(), "trap".into());
    let error = setup.world().load(guest_with("version=2")).await.unwrap_err();
    assert!(matches!(&error, LoadError::Check { error: BackendError::Fault(_), .. }), "{error:?}");
    assert!(error.to_string().contains("failed in backend.check: it trapped"), "{error}");
}

/// Each has its own, though all wait for the same.
#[tokio::test]
async fn every_export_has_its_deadline() {
    let mut setup = patient();
    setup.limits.short_deadline = Duration::from_secs(5);
    setup.limits.create_deadline = Duration::from_secs(4);
    setup.limits.start_deadline = Duration::from_millis(4500);
    setup.limits.deadline = Duration::from_millis(3500);
    let (world, backend) = setup.serving().await;
    for (export, text) in failures(&*backend, "everywhere-hang").await {
        let limit = match export {
            Export::Plan => "5 s",
            Export::Create => "4 s",
            Export::Start => "4.5 s",
            _ => "3.5 s",
        };
        assert!(text.contains(&format!("failed in {}: it did not end within {limit}", export.name())), "{text}");
    }
    world.still_serves().await;
}

#[tokio::test]
async fn each_fault_of_describe_refuses_the_component() {
    let (patient, _) = patient().serving().await;
    let (short, _) = short().serving().await;
    for (world, (kind, texts)) in CASES.map(|case| (&patient, case)).into_iter().chain([(&short, LOOP)]) {
        let request = sockerless_plugins::LoadRequest {
            component: guest_with(&format!("mode={kind}")),
            name: Some("guest".into()),
            digest: None,
        };
        let error = world.host.load(request, &world.settings, &vec![], &()).await.unwrap_err();
        assert!(matches!(error, LoadError::Describe(BackendError::Fault(_))), "{kind}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("failed in backend.describe"), "{text}");
        for expected in texts {
            assert!(text.contains(expected), "{kind}: {text}");
        }
        world.still_serves().await;
    }
}

#[tokio::test]
async fn waiting_is_not_computing_but_has_its_deadline() {
    let (_world, backend) = short().serving().await;
    let longer = (2 * COMPUTING.as_millis()).to_string();
    let handle = backend.create(container("sleep", &[&longer], &[]), "key".into()).await;
    assert!(handle.is_ok(), "{handle:?}");

    let mut setup = patient();
    setup.limits.create_deadline = Duration::from_secs(3);
    let (world, backend) = setup.serving().await;
    let error = backend.create(container("sleep", &["600000"], &[]), "key".into()).await.unwrap_err();
    assert!(error.to_string().contains("it did not end within 3 s"), "{error}");
    world.still_serves().await;
}

#[tokio::test]
async fn a_loop_does_not_keep_the_runtime_from_other_tasks() {
    // One thread: while the guest computes, nothing else would run if it did not yield.
    let (_world, backend) = short().serving().await;
    let spinning = tokio::spawn(async move { backend.create(container("loop", &[], &[]), "key".into()).await });
    let mut ticks = 0;
    while !spinning.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        ticks += 1;
    }
    assert!(spinning.await.unwrap().is_err());
    assert!(ticks >= 5, "other tasks ran {ticks} times");
}

#[tokio::test]
async fn an_error_of_the_contract_is_no_fault() {
    let (_world, backend) = Setup::default().serving().await;
    let error = backend.create(container("refuse", &[], &[]), "key".into()).await.unwrap_err();
    assert_eq!(error, BackendError::NameTaken("taken".into()));
    let error = backend.create(container("big-handle", &[], &[]), "key".into()).await.unwrap_err();
    assert!(error.to_string().contains("its handle has 65537 bytes"), "{error}");
}

#[tokio::test]
async fn so_many_calls_wait_and_no_more_but_for_those_that_end_something() {
    let gate = Gate::new().await;
    let mut setup = Setup::default().hosts("127.0.0.1", &[&gate.url]);
    setup.limits.instances = 1;
    setup.limits.waiting = 0;
    let (_world, backend) = setup.serving().await;
    let long = {
        let (backend, url) = (std::sync::Arc::clone(&backend), gate.url.clone());
        tokio::spawn(async move { backend.create(container("wait", &["GET", &url], &[]), "key".into()).await })
    };
    gate.reached().await;
    let error = backend.create(container("x", &[], &[]), "key".into()).await.unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("`waiting`"), "{error}");
    let ending = {
        let backend = std::sync::Arc::clone(&backend);
        tokio::spawn(async move { backend.remove(container("x", &[], &[]), false, "key".into()).await })
    };
    gate.let_one_through();
    long.await.unwrap().unwrap();
    ending.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_beyond_the_places_wait_and_are_told() {
    let gate = Gate::new().await;
    let mut setup = Setup::default().hosts("127.0.0.1", &[&gate.url]);
    setup.limits.instances = 1;
    setup.limits.deadline = Duration::from_millis(300);
    let (_world, backend) = setup.serving().await;
    let long = {
        let (backend, url) = (std::sync::Arc::clone(&backend), gate.url.clone());
        tokio::spawn(async move { backend.create(container("wait", &["GET", &url], &[]), "key".into()).await })
    };
    gate.reached().await;
    let error = backend.remove(container("x", &[], &[]), false, "key".into()).await.unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("1 calls are under way"), "{error}");
    gate.let_one_through();
    long.await.unwrap().unwrap();
    backend.remove(container("x", &[], &[]), false, "key".into()).await.unwrap();
}
