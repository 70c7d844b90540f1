//! Swaps of the backend while clients are at work: nobody may see one.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use sockerless_tests::World;
use sockerless_tests::load::{Load, Versions};
use sockerless_tests::many::bollard_client;

/// On two processors a container's life takes a good part of a second for this many at once.
const CLIENTS: usize = 12;

/// More of them measures the benchmark: `cargo xtask bench swap`.
const SWAPS: usize = 25;

#[test]
fn no_client_sees_a_swap() {
    let world = World::start();
    world.pull();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let docker = runtime.block_on(bollard_client(&world)).unwrap();
    let versions = Versions::default();
    let load = Load::begin(&docker, "under-load", CLIENTS);
    let mut swaps = 0;
    while !load.has_failed() && (swaps < SWAPS || load.rounds() < 2) {
        versions.swap(&world, swaps);
        swaps += 1;
    }
    runtime.block_on(load.end()).unwrap_or_else(|failure| panic!("after {swaps} swaps: {failure}"));
    assert!(world.azure.apps().is_empty());
}

#[test]
fn swaps_leave_no_memory_behind() {
    let world = World::start();
    let versions = Versions::default();
    let swap = |count| (0..count).for_each(|number| versions.swap(&world, number));
    swap(10);
    let before = world.daemon.memory();
    swap(50);
    let grown = world.daemon.memory().saturating_sub(before);
    // A version takes some MiB, and a log entry, an event, an allocator's whim far less than one.
    assert!(grown < 32 << 10, "50 swaps have left {grown} KiB behind");
}
