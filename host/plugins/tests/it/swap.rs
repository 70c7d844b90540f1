//! One version takes over from another.

use std::sync::Arc;

use sockerless_backend::types::Handle;
use sockerless_backend::{Backend, BackendError};
use sockerless_plugins::LoadError;

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
