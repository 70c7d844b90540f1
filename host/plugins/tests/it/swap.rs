//! One version takes over from another.

use std::sync::Arc;
use std::time::Duration;

use sockerless_backend::types::Handle;
use sockerless_backend::{Backend, BackendError};
use sockerless_plugins::{Export, LoadError, Rate, SwapRules, Verdict};

use crate::guest::{guest, guest_with};
use crate::server::Gate;
use crate::support::{Setup, act, container};

#[tokio::test]
async fn a_call_under_way_ends_on_the_old_version_and_the_next_sees_the_new() {
    let gate = Gate::new().await;
    let (world, backend) = Setup::default().hosts("127.0.0.1", &[&gate.url]).serving().await;
    world.load(guest_with("version=1.0")).await.unwrap();
    let under_way = {
        let (backend, url) = (Arc::clone(&backend), gate.url.clone());
        tokio::spawn(async move { act(&backend, "wait", &["GET", &url], &[]).await })
    };
    gate.reached().await;
    let outcome = world.load(guest_with("version=2.0")).await.unwrap();
    assert!(!under_way.is_finished(), "the swap must come while the call is under way");
    assert_eq!(outcome.loaded.generation, 3);
    assert_eq!(outcome.replaced.unwrap().descriptor.version, "1.0");
    assert_eq!(backend.loaded().descriptor.version, "2.0");
    assert_eq!(act(&backend, "sleep", &["0"], &[]).await, "2.0");
    gate.let_one_through();
    assert_eq!(under_way.await.unwrap(), "1.0");
    assert_eq!(world.host.backend("guest").unwrap().previous().unwrap().descriptor.version, "1.0");
}

#[tokio::test]
async fn live_containers_are_recovered_before_the_swap() {
    let world = Setup::default().world();
    world.load(guest()).await.unwrap();
    let mut readable = container("readable", &[], &[]);
    readable.handle = Some(Handle { version: 1, data: vec![] });
    let outcome = world.load_with(guest_with("version=2"), vec![readable.clone()]).await.unwrap();
    assert_eq!(outcome.recovered.len(), 1);

    let mut unreadable = container("unreadable", &[], &[]);
    unreadable.handle = Some(Handle { version: 7, data: vec![] });
    let error = world.load_with(guest_with("version=3"), vec![readable, unreadable]).await.unwrap_err();
    let LoadError::Recover { containers: 2, failures, .. } = &error else { panic!("{error}") };
    assert_eq!(failures[0].1, BackendError::Invalid("cannot read version 7 of a handle".into()));
    assert!(error.to_string().contains("1 of the 2 containers that live: unreadable (c0ffeec0ffee)"), "{error}");
    assert_eq!(world.host.backend("guest").unwrap().loaded().descriptor.version, "2");
    world.still_serves().await;
}

#[tokio::test]
async fn an_old_generation_goes_when_nobody_needs_it() {
    let world = Setup::default().world();
    for version in 1..=5 {
        world.load(guest_with(&format!("version={version}"))).await.unwrap();
    }
    let backend = world.host.backend("guest").unwrap();
    let old = Arc::downgrade(&backend.previous().unwrap());
    backend.forget_previous();
    assert!(old.upgrade().is_none());
    assert_eq!(backend.loaded().generation, 5);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_interrupted_with_the_advice_to_try_again() {
    let gate = Gate::new().await;
    let swap = SwapRules { drain: Duration::ZERO, ..SwapRules::default() };
    let (world, backend) = Setup { swap, ..Setup::default() }.hosts("127.0.0.1", &[&gate.url]).serving().await;
    let under_way = {
        let (backend, url) = (Arc::clone(&backend), gate.url.clone());
        tokio::spawn(async move { backend.create(container("wait", &["GET", &url], &[]), "key".into()).await })
    };
    gate.reached().await;
    world.load(guest_with("version=2.0")).await.unwrap();
    let Err(BackendError::Unavailable(text)) = under_way.await.unwrap() else { panic!("it was not interrupted") };
    assert!(text.ends_with("has not ended within 0 ms: try again"), "{text}");
    world.still_serves().await;
}

#[tokio::test]
async fn the_old_version_is_brought_back_if_it_can_take_over() {
    let world = Setup::default().world();
    let error = world.host.rollback("guest", None, &Vec::new(), &()).await.unwrap_err();
    assert!(matches!(error, LoadError::NotLoaded(_)), "{error}");
    world.load(guest_with("version=1.0")).await.unwrap();
    let error = world.host.rollback("guest", None, &Vec::new(), &()).await.unwrap_err();
    assert!(matches!(error, LoadError::NothingBefore(_)), "{error}");
    world.load(guest_with("version=2.0")).await.unwrap();

    let mut unreadable = container("unreadable", &[], &[]);
    unreadable.handle = Some(Handle { version: 7, data: vec![] });
    let error = world.host.rollback("guest", None, &vec![unreadable], &()).await.unwrap_err();
    assert!(error.to_string().contains("unreadable (c0ffeec0ffee)"), "{error}");
    let error = world.host.rollback("guest", Some(1), &Vec::new(), &()).await.unwrap_err();
    assert!(matches!(error, LoadError::Superseded(_)), "{error}");

    let backend = world.host.backend("guest").unwrap();
    assert_eq!(backend.loaded().descriptor.version, "2.0");
    let outcome = world.host.rollback("guest", Some(2), &Vec::new(), &()).await.unwrap();
    assert_eq!((&*outcome.loaded.descriptor.version, outcome.loaded.generation), ("1.0", 3));
    assert_eq!(backend.loaded().descriptor.version, "1.0");
    let backend: Arc<dyn Backend> = backend;
    assert_eq!(act(&backend, "sleep", &["0"], &[]).await, "1.0");
    // And forth again.
    let outcome = world.host.rollback("guest", None, &Vec::new(), &()).await.unwrap();
    assert_eq!(outcome.loaded.descriptor.version, "2.0");
}

#[tokio::test]
async fn a_new_version_that_fails_more_than_the_old_one_is_told_from_one_that_does_not() {
    let (world, backend) = Setup::default().serving().await;
    let call = async |name: &str| drop(backend.create(container(name, &[], &[]), "key".into()).await);
    call("fine").await;
    assert_eq!(world.host.watch("guest").await, Verdict::Good, "there is nothing to hold it against");
    assert_eq!(world.host.watch("nope").await, Verdict::Superseded);

    world.load(guest_with("version=2.0")).await.unwrap();
    let watched = async {
        for _ in 0..5 {
            call("trap").await;
        }
    };
    let (verdict, ()) = tokio::join!(world.host.watch("guest"), watched);
    let Verdict::Failing(failing) = verdict else { panic!("{verdict:?}") };
    assert_eq!((failing.generation, failing.export), (2, Export::Create), "{failing}");
    assert_eq!(
        (failing.before, failing.after),
        (Rate { calls: 1, failed: 0 }, Rate { calls: 5, failed: 5 }),
        "{failing}"
    );
    assert!(failing.error.contains("trapped"), "{failing}");

    // The old one, which has not failed, is back; it is held against the other, and is soon replaced.
    world.host.rollback("guest", Some(2), &Vec::new(), &()).await.unwrap();
    let (verdict, _) = tokio::join!(world.host.watch("guest"), world.load(guest_with("version=3.0")));
    assert_eq!(verdict, Verdict::Superseded);
}

#[tokio::test]
async fn a_backend_with_containers_is_unloaded_by_force_only() {
    let world = Setup::default().world();
    let error = world.host.unload("guest", true, &Vec::new()).await.unwrap_err();
    assert!(matches!(error, LoadError::NotLoaded(_)), "{error}");
    world.load(guest()).await.unwrap();
    let live = vec![container("one", &[], &[]), container("two", &[], &[])];
    let error = world.host.unload("guest", false, &live).await.unwrap_err();
    assert!(error.to_string().contains("has containers: one, two; remove them first"), "{error}");
    world.still_serves().await;
    assert_eq!(world.host.unload("guest", true, &live).await.unwrap().1, 2);
    assert!(world.host.backend("guest").is_none());
    assert!(world.host.default_backend().is_none());
    world.load(guest()).await.unwrap();
    assert_eq!(world.host.unload("guest", false, &Vec::new()).await.unwrap().1, 0);
}
