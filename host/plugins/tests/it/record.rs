//! Calls that are recorded, and done again.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sockerless_backend::sessions::{ExecProcess, Extraction, StreamsWanted, TerminalSize};
use sockerless_backend::types::{LogQuery, Response};
use sockerless_backend::{Backend, HttpError};
use sockerless_plugins::{Difference, HttpConfig, Limits, Replay, Replayed, Step, Token, TokenError, TokenSource};
use sockerless_plugins::{Transport, Transported};
use sockerless_recorder::{Options, Outcome, RecordedCall, Recorder, Recording};
use tempfile::TempDir;

use crate::guest::{guest, guest_with, guest_without_logs};
use crate::support::{Setup, World, act, container};

/// A server that says who it is, and how it was asked.
struct Echo;

#[async_trait]
impl Transport for Echo {
    fn dispatched(&self, _: &url::Url) {}

    async fn perform(&self, request: Transported<'_>) -> Result<Response, HttpError> {
        let signed = request.headers.contains_key("authorization");
        let body = format!("{} {} signed={signed}", request.method, request.url).into_bytes();
        let status = if request.headers.contains_key("upgrade") { 101 } else { 200 };
        Ok(Response { status, headers: vec![("x-token".into(), "token-of-an-answer".into())], body })
    }
}

struct Tokens;

#[async_trait]
impl TokenSource for Tokens {
    async fn acquire(&self, _: &str) -> Result<Token, TokenError> {
        Ok(Token::new("token-of-the-cloud", std::time::SystemTime::now() + std::time::Duration::from_secs(3600)))
    }
}

struct Session {
    folder: TempDir,
    recorder: Recorder,
    _world: World,
    backend: Arc<dyn Backend>,
}

impl Session {
    async fn begin(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (daemon, wit) = ("0".to_owned(), sockerless_plugins::wit_version().to_owned());
        let options = Options { folder: folder.path().to_owned(), limit: 8 << 20, daemon, wit, secrets: vec![] };
        let recorder = Recorder::start(options).unwrap();
        let http = HttpConfig { transport: Some(Arc::new(Echo)), ..HttpConfig::default() };
        let tokens: Option<Arc<dyn TokenSource>> = Some(Arc::new(Tokens));
        let setup = Setup { recorder: Some(recorder.clone()), http, tokens, limits, ..Setup::default() };
        let (world, backend) = setup.hosts("a.example", &["a.example"]).serving().await;
        Self { folder, recorder, _world: world, backend }
    }

    /// Everything that was recorded.
    fn calls(&self) -> Vec<RecordedCall> {
        self.recorder.close();
        calls(self.folder.path())
    }
}

fn calls(folder: &Path) -> Vec<RecordedCall> {
    Recording::open(folder).unwrap().map(Result::unwrap).collect()
}

async fn replay(component: Bytes) -> Replay {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Replay::load(component, Some(cache)).await.unwrap()
}

async fn difference(replay: &Replay, call: &RecordedCall) -> Option<Difference> {
    match replay.run(call.clone()).await {
        Replayed::Same => None,
        Replayed::Different(difference) => Some(*difference),
        Replayed::Skipped(reason) => panic!("{}: {reason}", call.call.export),
    }
}

#[tokio::test]
async fn what_was_recorded_is_done_again_in_the_same_way() {
    let limits = Limits { host_calls: 50, ..Limits::default() };
    let session = Session::begin(limits).await;
    let backend = &session.backend;
    backend.check().await.unwrap();
    backend.plan("HostConfig".into()).await.unwrap();
    let secret = "password=the users own";
    for (name, command, environment) in [
        ("chance", &[][..], &[][..]),
        ("config", &["SOCKERLESS_TEST_HOSTS"], &[]),
        ("http", &["PUT", "https://a.example/x", "x-a=1"], &["scope=scope-a", "body=the body", secret]),
        ("http", &["GET", "https://not.allowed/"], &["agent=c1"]),
        ("reachable", &["wss://a.example"], &[]),
        ("refuse", &[], &[]),
        ("trap", &[], &[]),
        ("host-calls", &[], &[]),
        ("sleep", &["1"], &[]),
    ] {
        act(backend, name, command, environment).await;
    }
    let request = container("wait", &["POST", "https://a.example/run"], &[]);
    backend.start(request.clone(), "r1".into(), "k".into()).await.unwrap();
    let answered = Response { status: 7, headers: vec![], body: b"\xff".to_vec() };
    backend.finished(request.clone(), "r1".into(), Ok(answered)).await.unwrap();
    backend.kill(request.clone(), "SIGKILL".into(), "k".into()).await.unwrap();
    backend.stop(request.clone(), Some(3), "k".into()).await.unwrap();
    backend.restart(request.clone(), None, "k".into()).await.unwrap();
    backend.recover(request.clone()).await.unwrap();
    let query = LogQuery { since: Some(std::time::SystemTime::now()), until: None, tail: Some(1) };
    backend.logs(request.clone(), query, None).await.unwrap();
    backend.remove(request, true, "k".into()).await.unwrap();

    let calls = session.calls();
    let mut exports: Vec<_> = calls.iter().map(|call| call.call.export.as_str()).collect();
    assert_eq!(exports.len(), 2 + 2 + 10 + 8, "{exports:?}");
    exports.dedup();
    assert_eq!(exports.len(), 12, "{exports:?}");
    let text: String = std::fs::read_dir(session.folder.path())
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    for secret in ["token-of-the-cloud", "token-of-an-answer", "key-of-c1", "the users own"] {
        assert!(!text.contains(secret), "{secret}");
    }

    for component in [guest(), guest_with("version=2")] {
        let version = replay(component).await;
        for call in &calls {
            // That one answers with the version.
            let differs = difference(&version, call).await;
            let told = call.call.arguments["container"]["name"] == "sleep";
            assert!(differs.is_none() || told, "{}", differs.unwrap());
        }
    }
}

#[tokio::test]
async fn streams_are_begun_again_without_what_passed_on_them() {
    let session = Session::begin(Limits::default()).await;
    let backend = &session.backend;
    let of = |method: &str| container("plain", &[method, "https://a.example/x"], &[]);
    let process = ExecProcess { command: vec!["7".to_owned()], ..ExecProcess::default() };
    backend.exec_start(of("POST"), process).await.unwrap();
    backend.exec_inspect(of("POST"), "7".into()).await.unwrap();
    backend.exec_resize(of("POST"), "7".into(), TerminalSize { rows: 1, columns: 2 }).await.unwrap_err();
    backend.attach(of("POST"), StreamsWanted::default()).await.unwrap();
    drop(backend.archive_get(of("GET"), "/etc".into()).await.unwrap());
    drop(backend.archive_file_system(of("GET")).await.unwrap());
    drop(backend.archive_put(of("PUT"), "/etc".into(), Extraction::default()).await.unwrap());
    let answer = Response { status: 200, headers: vec![], body: b"done".to_vec() };
    let _ = backend.archive_extracted(of("PUT"), "/etc".into(), Ok(answer)).await;
    let _ = backend.resume(of("POST"), "run".into()).await;

    let calls = session.calls();
    assert_eq!(calls.len(), 3 + 9);
    let version = replay(guest()).await;
    for call in &calls {
        let differs = difference(&version, call).await;
        assert!(differs.is_none(), "{}", differs.unwrap());
    }
}

#[tokio::test]
async fn another_way_is_shown_where_it_begins() {
    let session = Session::begin(Limits::default()).await;
    act(&session.backend, "sleep", &["0"], &[]).await;
    act(&session.backend, "http", &["GET", "https://a.example/"], &[]).await;
    session.backend.logs(container("x", &[], &[]), LogQuery::default(), None).await.unwrap();
    let mut calls = session.calls();
    let logs = calls.pop().unwrap();
    let mut http = calls.pop().unwrap();
    let sleep = calls.pop().unwrap();

    let next = replay(guest_with("version=2")).await;
    let Some(Difference { step: Step::End { recorded, now }, .. }) = difference(&next, &sleep).await else {
        panic!("another result");
    };
    assert_eq!(recorded, Outcome::Returned(serde_json::json!({ "Ok": { "version": 1, "data": "" } })));
    assert_eq!(now, Outcome::Returned(serde_json::json!({ "Ok": { "version": 1, "data": "2" } })));

    let less = replay(guest_without_logs()).await;
    let text = difference(&less, &logs).await.unwrap().to_string();
    assert!(text.contains("logs.read") && text.contains("keeps no logs of its own"), "{text}");

    // As if the recorded one had asked for something else, then for nothing, then for more.
    let same = replay(guest()).await;
    let recorded = http.imports.clone();
    http.imports[0].arguments["request"]["url"] = "https://a.example/other".into();
    let text = difference(&same, &http).await.unwrap().to_string();
    assert!(
        text.contains(
            "recorded: http.send GET https://a.example/other\n  now:      http.send GET https://a.example/\n"
        ),
        "{text}"
    );
    assert!(text.contains("at request.url\n"), "{text}");
    http.imports.clear();
    let text = difference(&same, &http).await.unwrap().to_string();
    assert!(text.contains("recorded: nothing more\n  now:      http.send GET"), "{text}");
    http.imports = [recorded.clone(), recorded].concat();
    let text = difference(&same, &http).await.unwrap().to_string();
    assert!(text.contains("import 2\n") && text.contains("now:      nothing more"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_done_again_is_said_so() {
    let session = Session::begin(Limits::default()).await;
    act(&session.backend, "fine", &[&"x".repeat(2 << 20)], &[]).await;
    let backend = Arc::clone(&session.backend);
    let given_up = tokio::spawn(async move { act(&backend, "sleep", &["60000"], &[]).await });
    tokio::task::yield_now().await;
    given_up.abort();
    assert!(given_up.await.is_err());
    act(&session.backend, "fine", &[], &[]).await;
    let calls = session.calls();
    let same = replay(guest()).await;
    let mut skipped = Vec::new();
    for call in calls {
        if let Replayed::Skipped(reason) = same.run(call).await {
            skipped.push(reason);
        }
    }
    assert!(skipped.contains(&"something in it was too large to be recorded"), "{skipped:?}");
}
