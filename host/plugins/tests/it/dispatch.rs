//! Requests that the host performs by itself.

use std::io::{Read, Write};
use std::sync::Arc;

use sockerless_backend::HttpError;
use sockerless_backend::types::RunVerdict;
use tokio::sync::Semaphore;

use crate::guest::guest_with;
use crate::server::{response, serve};
use crate::support::{Setup, container};

/// A server that answers when it is told to.
async fn held() -> (String, Arc<Semaphore>, Arc<Semaphore>) {
    let (arrived, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (there, wait) = (Arc::clone(&arrived), Arc::clone(&go));
    let address = serve(move |request| {
        let (there, wait) = (Arc::clone(&there), Arc::clone(&wait));
        async move {
            there.add_permits(1);
            wait.acquire().await.unwrap().forget();
            response(202, request.header("authorization").to_owned())
        }
    })
    .await;
    (format!("http://{address}"), arrived, go)
}

#[tokio::test]
async fn the_outcome_comes_after_the_call_and_over_a_swap() {
    let (url, arrived, go) = held().await;
    let (mut world, backend) = Setup::default().hosts("127.0.0.1", &[&url]).serving().await;
    let container = container("run", &["POST", &url], &["agent=abc"]);
    let started = backend.start(container.clone(), "run-1".into(), "key".into()).await.unwrap();
    assert_eq!(started.handle.unwrap().data, b"dispatched");
    arrived.acquire().await.unwrap().forget();

    world.load(guest_with("version=2")).await.unwrap();
    world.host.backend("guest").unwrap().forget_previous();
    assert!(world.outcomes.try_recv().is_err());
    go.add_permits(1);
    let (id, run, outcome) = world.outcomes.recv().await.unwrap();
    assert_eq!((id.as_str(), run.as_str()), (container.id.as_str(), "run-1"));
    let response = outcome.clone().unwrap();
    assert_eq!(response.body, b"Bearer key-of-abc");
    assert_eq!(backend.finished(container, run, outcome).await.unwrap(), RunVerdict::Exited(202));
}

#[tokio::test]
async fn the_policy_holds_and_failures_are_outcomes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (mut world, backend) = Setup::default().hosts("127.0.0.1", &[&url]).serving().await;
    let denied = container("run", &["POST", "https://evil.example/"], &[]);
    let started = backend.start(denied, "run-1".into(), "key".into()).await.unwrap();
    assert!(String::from_utf8(started.handle.unwrap().data).unwrap().starts_with("HttpError::Denied"));

    let refused = container("run", &["POST", &url], &[]);
    backend.start(refused, "run-2".into(), "key".into()).await.unwrap();
    let (_, run, outcome) = world.outcomes.recv().await.unwrap();
    assert_eq!(run, "run-2");
    assert!(matches!(outcome, Err(HttpError::Connect(_))), "{outcome:?}");
}

#[tokio::test]
async fn there_is_a_limit_and_an_end() {
    let (url, arrived, _go) = held().await;
    let mut setup = Setup::default().hosts("127.0.0.1", &[&url]);
    setup.limits.dispatched = 1;
    let (mut world, backend) = setup.serving().await;
    let run = |run: &str| backend.start(container("run", &["POST", &url], &[]), run.to_owned(), "key".into());
    run("run-1").await.unwrap();
    arrived.acquire().await.unwrap().forget();
    let second = run("run-2").await.unwrap().handle.unwrap();
    assert!(String::from_utf8(second.data).unwrap().starts_with("HttpError::Exhausted"));
    world.host.shutdown().await;
    assert!(world.outcomes.try_recv().is_err(), "a request that was given up has no outcome");
    let third = run("run-3").await.unwrap().handle.unwrap();
    assert!(String::from_utf8(third.data).unwrap().contains("about to end"));
}

/// A server that seems to keep its connections, and hangs up when a second request comes over one.
fn hangs_up_on_reuse() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                    head.push(byte[0]);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                let _ = stream.read(&mut byte);
            });
        }
    });
    url
}

/// A connection that is idle may be closed at any moment, and a command must not be lost with it.
#[tokio::test]
async fn each_goes_over_a_connection_of_its_own() {
    let url = hangs_up_on_reuse();
    let (mut world, backend) = Setup::default().hosts("127.0.0.1", &[&url]).serving().await;
    for run in ["run-1", "run-2"] {
        backend.start(container("run", &["POST", &url], &[]), run.into(), "key".into()).await.unwrap();
        let (_, of, outcome) = world.outcomes.recv().await.unwrap();
        assert_eq!((of.as_str(), outcome.map(|response| response.status)), (run, Ok(200)));
    }
}
