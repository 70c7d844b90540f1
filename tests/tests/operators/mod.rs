//! What an operator sees of a daemon: health, metrics, traces, the log.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's failure is a panic")]

mod collector;
mod exposition;
mod health;
mod log;
mod metrics;
mod traces;

use sockerless_tests::{Reply, World, ask};

/// A world whose daemon has an operator's listener, and the listener's address.
fn observed(settings: &[(&str, &str)]) -> (World, String) {
    let mut world = World::without_daemon(sockerless_tests::WorldOptions::default());
    world.daemon.set("SOCKERLESS_OPERATOR_LISTEN", "127.0.0.1:0".to_owned());
    for (name, value) in settings {
        world.daemon.set(name, (*value).to_owned());
    }
    world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
    let address = world.daemon.operator_address();
    (world, address)
}

fn get(address: &str, path: &str) -> Reply {
    ask(address, "operator", &format!("GET {path}"), &[], b"")
}
