//! The engine against a model of what Docker would show: random operations, a cloud and a disk that fail, and daemons that are stopped or die.
//!
//! `SOCKERLESS_MODEL_CASES` is how many sequences are tried. One that fails is made as short as it can be, and kept in a file beside this one,
//! from which it is tried first from then on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's failure is a panic")]

mod cloud;
mod disk;
mod found;
mod life;
mod model;
mod operation;
mod world;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::operation::operation;
use crate::world::World;

/// Sequences that are tried, for some seconds.
const CASES: u32 = 120;

/// Operations of a sequence at most.
const LONGEST: usize = 60;

fn config() -> ProptestConfig {
    let cases = std::env::var("SOCKERLESS_MODEL_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn clients_see_what_docker_would_show(operations in prop::collection::vec(operation(), 1..LONGEST)) {
        let mut world = World::new();
        for (number, operation) in operations.iter().enumerate() {
            world.step(*operation).map_err(|reason| {
                TestCaseError::fail(format!("operation {number}, {operation:?}: {reason}"))
            })?;
        }
        world.end().map_err(|reason| TestCaseError::fail(format!("at the end: {reason}")))?;
    }
}
