//! How answers grow with the number of containers: the whole daemon, its emulated Azure, and clients.
//!
//! `cargo xtask bench many`. Figures are of this machine and this build; compare them within one run.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark, which may end")]

use std::time::{Duration, Instant};

use sockerless_tests::many::{LAZY_APPS, bollard_client, create_many, name_of};
use sockerless_tests::{World, WorldOptions, ask_daemon};

const ROUNDS: u32 = 20;

#[tokio::main]
async fn main() {
    let options = WorldOptions { emulator: LAZY_APPS.to_owned(), ..WorldOptions::default() };
    let world = World::with(options);
    world.pull();
    let docker = bollard_client(&world).await.unwrap();
    println!(
        "{:>10} {:>12} {:>12} {:>14} {:>12} {:>12} {:>12} {:>14}",
        "containers", "a create", "list", "its processor", "by label", "inspect", "docker ps", "docker version"
    );
    let mut there = 0;
    for count in [1, 10, 100, 1_000] {
        let begin = Instant::now();
        create_many(&docker, there..count).await.unwrap();
        let create = begin.elapsed() / u32::try_from(count - there).unwrap();
        there = count;
        // Read to the end, and counted once: what a client makes of it is the client's time.
        let before = processor_time(&world);
        let all = list(&world, "", count).await;
        let processor = (processor_time(&world) - before) / (ROUNDS + 1);
        let some = list(&world, "&filters=%7B%22label%22%3A%5B%22digit%3D0%22%5D%7D", count.div_ceil(10)).await;
        let inspect = timed(async || drop(docker.inspect_container(&name_of(count / 2), None).await.unwrap())).await;
        let ps = timed(async || drop(world.docker.ok(&["ps", "--all"]))).await;
        let version = timed(async || drop(world.docker.ok(&["version"]))).await;
        println!(
            "{count:>10} {create:>12.1?} {all:>12.1?} {processor:>14.1?} {some:>12.1?} {inspect:>12.1?} {ps:>12.1?} {version:>14.1?}"
        );
    }
}

async fn list(world: &World, filters: &str, wanted: usize) -> Duration {
    let ask = || ask_daemon(world, &format!("GET /containers/json?all=1{filters}"), &[], &[]);
    assert_eq!(ask().json().as_array().map(Vec::len), Some(wanted));
    timed(async || drop(ask())).await
}

/// What the daemon's threads have used of the processors: unlike time, it does not depend on what else the machine does.
fn processor_time(world: &World) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{}/task", world.daemon.pid())).unwrap();
    let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
        let statistics = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    threads.filter_map(of_thread).sum()
}

/// The median of some rounds.
async fn timed(mut what: impl AsyncFnMut()) -> Duration {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        what().await;
        rounds.push(begin.elapsed());
    }
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}
