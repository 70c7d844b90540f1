//! A thousand calls at once that wait for the host.
//!
//! In a process of its own, since memory is a process's: the test starts its own program once more, for the ignored one.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use sockerless_backend::Backend;
use sockerless_plugins::{BackendHost, Clock, EngineConfig, HostConfig, LoadRequest, Services, Settings};
use tokio::sync::Semaphore;

use crate::guest::guest;
use crate::support::{Agents, Sink, container};

const CALLS: u32 = 1_000;

/// All memory of the process, in KiB.
const MOST: u64 = 1 << 20;

/// A clock on which a time passes when the test says so.
#[derive(Debug)]
struct Held {
    arrived: Semaphore,
    go: Semaphore,
}

#[async_trait]
impl Clock for Held {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, _: Duration) {
        self.arrived.add_permits(1);
        self.go.acquire().await.unwrap().forget();
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_thousand_calls_wait_at_once_on_two_threads_and_in_less_than_a_gib() {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--exact", "waiting::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures its whole process: the test above starts it in one of its own"]
async fn in_a_process_of_its_own() {
    let clock = Arc::new(Held { arrived: Semaphore::new(0), go: Semaphore::new(0) });
    let services = Services {
        daemon: "this-daemon".into(),
        agents: Arc::new(Agents),
        outcomes: Arc::new(Sink::nowhere()),
        tokens: None,
    };
    // The engine as the daemon has it.
    let engine = EngineConfig::default();
    let cache = Some(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    let config =
        HostConfig { engine, cache, clock: Some(Arc::clone(&clock) as Arc<dyn Clock>), ..HostConfig::default() };
    let host = BackendHost::new(config, services).unwrap();
    let request = LoadRequest { component: guest(), name: None, digest: None };
    let mut settings = Settings::default();
    settings.limits.instances = CALLS as usize + 1;
    host.load(request, &settings, &Vec::new(), &()).await.unwrap();
    let backend: Arc<dyn Backend> = host.default_backend().unwrap();

    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let backend = Arc::clone(&backend);
            tokio::spawn(async move { backend.create(container("sleep", &["1"], &[]), "key".into()).await })
        })
        .collect();
    clock.arrived.acquire_many(CALLS).await.unwrap().forget();
    assert!(calls.iter().all(|call| !call.is_finished()), "all of them wait");
    let used = resident_kib();
    assert!(used < MOST, "{CALLS} calls wait in {used} KiB");
    // While they wait, nobody else has to.
    backend.plan("{}".into()).await.unwrap();
    clock.go.add_permits(CALLS as usize);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    host.shutdown().await;
    println!("{CALLS} calls waited in {} MiB", used >> 10);
}
