//! What a guest sees of the world: what it was given.

use std::sync::{Arc, Mutex};

use sockerless_backend::HttpError;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::support::{Setup, act};

#[tokio::test]
async fn wasi_grants_clocks_random_bytes_and_a_log_and_nothing_else() {
    let events = Events::default();
    let _guard = tracing_subscriber::registry().with(events.clone()).set_default();
    let (_world, backend) = Setup::default().serving().await;
    let expected = "file=false folder=false variables=0 arguments=0 tcp=false udp=false name=false input=false clock=true random=true";
    assert_eq!(act(&backend, "world", &[], &[]).await, expected);
    let events = events.0.lock().unwrap();
    assert!(events.iter().any(|event| event.contains("message=to stdout")), "{events:?}");
}

#[tokio::test]
async fn only_declared_keys_are_readable() {
    let mut setup = Setup::default();
    setup.config.insert("SOCKERLESS_TEST_HOSTS".into(), "a.example".into());
    setup.config.insert("SOCKERLESS_OTHER".into(), "secret".into());
    let (_world, backend) = setup.serving().await;
    assert_eq!(act(&backend, "config", &["SOCKERLESS_TEST_HOSTS"], &[]).await, r#"Some("a.example")"#);
    assert_eq!(act(&backend, "config", &["SOCKERLESS_OTHER"], &[]).await, "None");
    assert_eq!(act(&backend, "config", &["PATH"], &[]).await, "None");
    assert_eq!(act(&backend, "config", &["SOCKERLESS_TEST_CHECK"], &[]).await, "None");
}

#[tokio::test]
async fn an_agent_may_be_reached_only_where_a_request_may_go() {
    let (_world, backend) = Setup::default().hosts("a.example", &["a.example"]).serving().await;
    assert_eq!(act(&backend, "reachable", &["wss://a.example"], &[]).await, "noted");
    for (url, why) in [
        ("wss://b.example", "does not ask for the host"),
        ("wss://a.example:444", "another scheme or port"),
        ("ws://a.example", "another scheme or port"),
        ("wss://a.example/path", "no path and no query"),
        ("https://a.example", "not one of ws or wss"),
        ("wss://user@a.example", "user name"),
    ] {
        let answer = act(&backend, "reachable", &[url], &[]).await;
        assert!(answer.contains(why), "{url}: {answer}");
    }
    // What is told once is checked again when it is dialled.
    let denied = backend.upgrade("wss://b.example/x", &[]).await.err();
    assert!(matches!(&denied, Some(HttpError::Denied(text)) if text.contains("does not ask for")), "{denied:?}");
}

/// Collects the events that guests write.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        if event.metadata().target() == "sockerless::backend" {
            let mut fields = Fields(String::new());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
    }
}

#[tokio::test]
async fn events_have_their_origin_and_a_flood_is_dropped() {
    let events = Events::default();
    let _guard = tracing_subscriber::registry().with(events.clone()).set_default();
    let (_world, backend) = Setup::default().serving().await;
    assert_eq!(act(&backend, "log", &[], &[]).await, "logged");
    let events = events.0.lock().unwrap();
    let first = &events[0];
    for part in ["message=event 0", "backend=\"guest\"", "call=\"lifecycle.create\"", "container=\"c0ffee", "key="] {
        assert!(first.contains(part), "{part}: {first}");
    }
    let of_the_guest = events.iter().filter(|event| event.contains("message=event ")).count();
    assert_eq!(of_the_guest, 1_000);
    assert!(events.iter().any(|event| event.contains("message=to stderr")), "{:?}", events.last());
    assert!(events.iter().any(|event| event.contains("dropped 4000 log events")), "{:?}", events.last());
}
