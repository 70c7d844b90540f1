//! What clients notice of swaps: the longest that anybody had to wait, by what for, without swaps and with a hundred in a row.
//!
//! `cargo xtask bench swap [--swaps N]`. Figures are of this machine and this build; compare them within one run.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark, which may end")]

use std::time::{Duration, Instant};

use sockerless_tests::load::{Load, Versions, Waits};
use sockerless_tests::many::{LAZY_APPS, bollard_client};
use sockerless_tests::{World, WorldOptions};

const CLIENTS: usize = 200;
const ROUNDS: usize = 2;

fn main() {
    let swaps_in_all =
        std::env::var("SOCKERLESS_SWAPS").map_or(100, |text| text.parse().expect("SOCKERLESS_SWAPS is a number"));
    // Azure would not let one subscription make so many apps at once.
    let world = World::with(WorldOptions { emulator: LAZY_APPS.to_owned(), ..WorldOptions::default() });
    world.pull();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let docker = runtime.block_on(bollard_client(&world)).unwrap();
    let versions = Versions::default();
    versions.swap(&world, 1);

    let begin = Instant::now();
    let tell = |what: &str| eprintln!("{:>5.0?} {what}", begin.elapsed());
    let quiet = Load::begin(&docker, "quiet", CLIENTS);
    let mut rounds = 0;
    while !quiet.has_failed() && rounds < ROUNDS {
        std::thread::sleep(Duration::from_millis(50));
        if quiet.rounds() > rounds {
            rounds = quiet.rounds();
            tell(&format!("without swaps: every client has lived {rounds} of {ROUNDS} containers"));
        }
    }
    let quiet = runtime.block_on(quiet.end()).unwrap();

    let load = Load::begin(&docker, "swapped", CLIENTS);
    let (mut swaps, mut slowest) = (0, Duration::ZERO);
    while !load.has_failed() && (swaps < swaps_in_all || load.rounds() < ROUNDS) {
        let begin = Instant::now();
        versions.swap(&world, swaps);
        slowest = slowest.max(begin.elapsed());
        swaps += 1;
        if swaps.is_multiple_of(5) {
            tell(&format!("{swaps} swaps; every client has lived {} of {ROUNDS} containers", load.rounds()));
        }
    }
    let swapped = runtime.block_on(load.end()).unwrap();
    print(&quiet, &swapped);
    println!("{CLIENTS} clients, {swaps} swaps; the slowest swap took {slowest:.0?}");
}

fn print(quiet: &Waits, swapped: &Waits) {
    println!("{:<20} {:>14} {:>14}", "longest wait for", "without swaps", "with swaps");
    for (what, with) in swapped {
        println!("{what:<20} {:>14.0?} {with:>14.0?}", quiet.get(what).copied().unwrap_or_default());
    }
}
