//! The mapping of the Docker API onto Azure Functions, row by row and under the rows' names, on the wire: what Azure was sent, and
//! what Docker's client saw. Where the backend does better than the mapping asks by default, the row says so and the test has both.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod cli;
mod create;
mod ends;
mod inside;
mod logs;
mod not_started_yet;
mod start;
mod system;
mod unsupported;

use sockerless_tests::{World, WorldOptions};

/// A world with these settings over and above the usual ones, and Azure behaving as this says.
fn world(settings: &[(&'static str, &str)], emulator: &str) -> World {
    let settings = settings.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    World::with(WorldOptions { settings, emulator: emulator.to_owned(), ..WorldOptions::default() })
}

/// A world without agents: no callback URL.
fn without_agent(emulator: &str) -> World {
    World::with(WorldOptions {
        without: vec!["SOCKERLESS_CALLBACK_URL"],
        emulator: emulator.to_owned(),
        ..WorldOptions::default()
    })
}

/// A world with the container `w` running, and nothing sent since.
fn running() -> World {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    world.azure.forget();
    world
}
