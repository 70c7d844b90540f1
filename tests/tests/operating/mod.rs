//! What an operator does with a daemon: stops it, and starts the next one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's failure is a panic")]

mod hand_over;
mod limits;
mod stopping;
mod units;

use sockerless_tests::{Docker, World};

/// The Docker CLI at the daemon's own socket, with nothing between the two.
fn direct(world: &World) -> Docker {
    Docker::at(format!("unix://{}", world.daemon.own_socket().display()), world.folder().join("direct"))
}
