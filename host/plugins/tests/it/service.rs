//! A backend that fails again and again is taken out of service.

use std::sync::Arc;
use std::time::Duration;

use sockerless_backend::types::{Container, Outcome};
use sockerless_backend::{Backend, BackendError, HttpError};
use sockerless_plugins::{BreakerRules, Export};

use crate::guest::guest_with;
use crate::support::{Setup, World, container};

/// Out of service after three failures, and for an hour: what passes in a test never counts.
fn strict() -> Setup {
    let hour = Duration::from_secs(60 * 60);
    let breaker = BreakerRules { failures: 3, pause: hour, longest_pause: hour, ..BreakerRules::default() };
    Setup { breaker, ..Setup::default() }
}

/// One container of many.
fn numbered(name: &str, number: usize) -> Container {
    Container { id: format!("{number:064}"), ..container(name, &[], &[]) }
}

async fn create(backend: &dyn Backend, name: &str, number: usize) -> Result<(), BackendError> {
    backend.create(numbered(name, number), "key".into()).await.map(drop)
}

/// Has the backend trap until it is out of service.
async fn break_it(backend: &dyn Backend) {
    for number in 0..3 {
        let error = create(backend, "trap", number).await.unwrap_err();
        assert!(matches!(error, BackendError::Fault(_)), "{error:?}");
    }
}

async fn load_named(world: &World, name: &str) -> Arc<dyn Backend> {
    world.load(guest_with(&format!("name={name}"))).await.unwrap();
    world.host.backend(name).unwrap()
}

#[tokio::test]
async fn it_is_refused_at_once_with_the_last_failure_and_the_others_go_on() {
    let world = strict().world();
    let mut changes = world.host.service_changes();
    let (broken, other) = (load_named(&world, "broken").await, load_named(&world, "other").await);
    assert_eq!(broken.out_of_service(), None);
    break_it(&*broken).await;

    let change = changes.try_recv().unwrap();
    let outage = change.outage.unwrap();
    assert_eq!((&*change.backend, change.generation, outage.export, outage.failures), ("broken", 1, Export::Create, 3));
    assert_eq!(world.host.backend("broken").unwrap().outage().map(|outage| outage.export), Some(Export::Create));
    assert!(changes.try_recv().is_err());

    // What would go well is refused too, and the component is not asked.
    for error in [
        create(&*broken, "fine", 9).await.unwrap_err(),
        broken.plan("{}".into()).await.unwrap_err(),
        broken.start(numbered("fine", 9), "run".into(), "key".into()).await.unwrap_err(),
        broken.logs(numbered("fine", 9), Default::default(), None).await.unwrap_err(),
    ] {
        let BackendError::Unavailable(text) = &error else { panic!("{error:?}") };
        for part in
            ["the backend `broken` is out of service for another 3", "3 failed calls", "it trapped", "try again later"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert!(broken.out_of_service().unwrap().starts_with("the backend `broken` is out of service"));
    create(&*other, "fine", 1).await.unwrap();
    assert_eq!(other.out_of_service(), None);
}

#[tokio::test]
async fn what_runs_is_brought_to_its_end_all_the_same() {
    let (_world, backend) = strict().serving().await;
    break_it(&*backend).await;
    let one = || numbered("fine", 1);
    backend.check().await.unwrap();
    backend.recover(one()).await.unwrap();
    backend.stop(one(), None, "key".into()).await.unwrap();
    backend.kill(one(), "SIGKILL".into(), "key".into()).await.unwrap();
    let outcome: Outcome = Err(HttpError::Connect("gone".into()));
    backend.finished(one(), "run".into(), outcome).await.unwrap();
    backend.remove(one(), true, "key".into()).await.unwrap();
    assert!(backend.out_of_service().is_some(), "none of them says that a create would go well");
}

#[tokio::test]
async fn another_version_serves_at_once() {
    let (world, backend) = strict().serving().await;
    break_it(&*backend).await;
    world.load(guest_with("version=2")).await.unwrap();
    assert_eq!(backend.out_of_service(), None);
    create(&*backend, "fine", 1).await.unwrap();
    // So it does when it is the same one that is brought back.
    break_it(&*backend).await;
    world.host.rollback("guest", None, &Vec::new(), &()).await.unwrap();
    create(&*backend, "fine", 1).await.unwrap();
}

#[tokio::test]
async fn a_call_that_goes_well_when_its_time_is_over_puts_it_back() {
    let mut setup = strict();
    setup.breaker.pause = Duration::ZERO;
    let (world, backend) = setup.serving().await;
    let mut changes = world.host.service_changes();
    break_it(&*backend).await;
    assert!(changes.try_recv().unwrap().outage.is_some());
    create(&*backend, "trap", 3).await.unwrap_err();
    let outage = changes.try_recv().unwrap().outage.unwrap();
    assert_eq!((outage.failures, outage.left), (4, Duration::ZERO));
    assert!(backend.out_of_service().unwrap().contains("until the next call of lifecycle.create goes well"));
    create(&*backend, "fine", 4).await.unwrap();
    assert_eq!(changes.try_recv().unwrap().outage, None);
    assert_eq!(backend.out_of_service(), None);
}

/// A cloud that is away is no failure of the component, however often it is asked.
#[tokio::test]
async fn errors_that_the_component_answers_take_nothing_out_of_service() {
    let (_world, backend) = strict().hosts("127.0.0.1", &["http://127.0.0.1:1"]).serving().await;
    for number in 0..10 {
        let asks = Container { id: format!("{number:064}"), ..container("wait", &["GET", "http://127.0.0.1:1/"], &[]) };
        let error = backend.create(asks, "key".into()).await.unwrap_err();
        assert!(matches!(error, BackendError::Unavailable(_)), "{error:?}");
    }
    create(&*backend, "fine", 1).await.unwrap();
}
