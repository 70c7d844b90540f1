//! How answers grow with the number of containers: the whole daemon, its emulated Azure, and clients.
//!
//! `cargo xtask bench many`. Figures are of this machine and this build; compare them within one run.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark, which may end")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;
use sockerless_tests::many::{LAZY_APPS, bollard_client, create_many, name_of};
use sockerless_tests::{World, WorldOptions};

const ROUNDS: u32 = 20;

#[tokio::main]
async fn main() {
    let options = WorldOptions { emulator: LAZY_APPS.to_owned(), ..WorldOptions::default() };
    let world = World::with(options);
    world.pull();
    let docker = bollard_client(&world).await.unwrap();
    println!(
        "{:>10} {:>12} {:>12} {:>12} {:>12} {:>12} {:>14}",
        "containers", "a create", "list", "by label", "inspect", "docker ps", "docker version"
    );
    let mut there = 0;
    for count in [1, 10, 100, 1_000] {
        let begin = Instant::now();
        create_many(&docker, there..count).await.unwrap();
        let create = begin.elapsed() / u32::try_from(count - there).unwrap();
        there = count;
        let all = timed(async || list(&docker, HashMap::new(), count).await).await;
        let some =
            timed(async || list(&docker, HashMap::from([("label", vec!["digit=0"])]), count.div_ceil(10)).await).await;
        let inspect = timed(async || drop(docker.inspect_container(&name_of(count / 2), None).await.unwrap())).await;
        let ps = timed(async || drop(world.docker.ok(&["ps", "--all"]))).await;
        let version = timed(async || drop(world.docker.ok(&["version"]))).await;
        println!(
            "{count:>10} {create:>12.1?} {all:>12.1?} {some:>12.1?} {inspect:>12.1?} {ps:>12.1?} {version:>14.1?}"
        );
    }
}

async fn list(docker: &Docker, filters: HashMap<&str, Vec<&str>>, wanted: usize) {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    assert_eq!(docker.list_containers(Some(options)).await.unwrap().len(), wanted);
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
