//! What a call costs: an instance and an export, and a thousand calls that wait at once.
//!
//! `cargo bench -p sockerless-plugins`. Prints figures of this machine; compare ratios, not numbers.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark, which may end")]

#[path = "../tests/it/guest.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod guest;
#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sockerless_plugins::{BackendHost, EngineConfig, HostConfig, LoadRequest, Services, Settings};

use support::{Agents, Sink, container};

const CALLS: u32 = 5_000;
const WAITING: usize = 1_000;

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[tokio::main]
async fn main() {
    let component = guest::guest();
    for pooling in [true, false] {
        println!("{}", if pooling { "instances from the pool" } else { "instances on demand" });
        let services = Services {
            daemon: "this-daemon".into(),
            agents: Arc::new(Agents),
            outcomes: Arc::new(Sink::nowhere()),
            tokens: None,
        };
        let engine = EngineConfig { pooling, ..EngineConfig::default() };
        let host = BackendHost::new(HostConfig { engine, ..HostConfig::default() }, services).expect("an engine");
        let mut settings = Settings::default();
        settings.limits.instances = WAITING;
        let request = LoadRequest { component: component.clone(), name: None, digest: None };
        let started = Instant::now();
        host.load(request, &settings, &Vec::new(), &()).await.expect("the guest loads");
        println!("  load, compiling        {:>10.1?}", started.elapsed());
        let backend: Arc<dyn sockerless_backend::Backend> = host.default_backend().expect("a backend");

        let one = || backend.create(container("fine", &[], &[]), "key".into());
        for _ in 0..CALLS / 10 {
            one().await.expect("the guest works");
        }
        let started = Instant::now();
        for _ in 0..CALLS {
            one().await.expect("the guest works");
        }
        println!("  instantiate and call   {:>10.1?}", started.elapsed() / CALLS);

        let before = resident_mib();
        let started = Instant::now();
        let calls: Vec<_> = (0..WAITING)
            .map(|_| {
                let backend = Arc::clone(&backend);
                tokio::spawn(async move { backend.create(container("sleep", &["3000"], &[]), "key".into()).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(2)).await;
        println!("  {WAITING} calls waiting     {:>6} MiB more", resident_mib().saturating_sub(before));
        for call in calls {
            call.await.expect("no panic").expect("the call ends well");
        }
        println!("  {WAITING} calls of 3 s took {:>10.1?}", started.elapsed());
        host.shutdown().await;
    }
}
