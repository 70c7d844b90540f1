//! Clients for many minutes, while Azure has faults: whether anything leaks, stands still, or is kept from some of them.
//!
//! `cargo xtask bench soak [--clients N] [--seconds N]`. It ends with an error if it is not so.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark, which may end")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sockerless_tests::load::Load;
use sockerless_tests::many::{LAZY_APPS, bollard_client};
use sockerless_tests::{Daemon, World, WorldOptions, ask, eventually};

/// How often Azure has another fault.
const FAULTS: Duration = Duration::from_millis(500);

/// How often the daemon is looked at.
const LOOKS: Duration = Duration::from_secs(5);

/// What the first part of the time is for: everything that is kept for good is there after it. One part of so many.
const WARMING: u32 = 3;

/// Descriptors and tasks that may be there when nobody is: of connections to Azure, kept for the next request.
const KEPT: usize = 16;

/// The longest that a client may wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// What the daemon has of the machine.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    memory_kib: usize,
    descriptors: usize,
    threads: usize,
    tasks: usize,
}

impl Look {
    fn at(daemon: &Daemon, operator: &str) -> Self {
        let metrics = ask(operator, "operator", "GET /metrics", &[], b"").text();
        let tasks = metrics.lines().find_map(|line| line.strip_prefix("sockerless_tasks ")).unwrap().parse().unwrap();
        let count = |what| std::fs::read_dir(format!("/proc/{}/{what}", daemon.pid())).unwrap().count();
        Self { memory_kib: daemon.memory(), descriptors: count("fd"), threads: count("task"), tasks }
    }

    fn most(looks: &[Self]) -> Self {
        looks.iter().fold(Self::default(), |most, look| Self {
            memory_kib: most.memory_kib.max(look.memory_kib),
            descriptors: most.descriptors.max(look.descriptors),
            threads: most.threads.max(look.threads),
            tasks: most.tasks.max(look.tasks),
        })
    }
}

/// What Azure does, in turn. Most of it the daemon bears without a client's seeing it.
fn fault(number: usize) -> Value {
    let answer = |service: &str, status: u16| json!({ "fault": "answer", "service": service, "status": status, "code": "X", "message": "Not now." });
    let put = |form: &str| json!({ "fault": "put", "script": { "form": form, "polls": 2, "retry_after_ms": 200 } });
    match number % 8 {
        0 => put("async-operation"),
        1 => json!({ "fault": "throttle", "service": "arm", "retry_after_seconds": 1, "times": 5 }),
        2 => answer("arm", 503),
        3 => json!({ "fault": "name-taken" }),
        4 => put("location"),
        5 => answer("arm", 500),
        6 => json!({ "fault": "throttle", "service": "login", "retry_after_seconds": 1 }),
        _ => json!({ "fault": "throttle", "service": "arm", "layer": "provider", "retry_after_seconds": 1 }),
    }
}

fn main() {
    let clients = usize::try_from(setting("SOCKERLESS_SOAK_CLIENTS", 500)).unwrap();
    let time = Duration::from_secs(setting("SOCKERLESS_SOAK_SECONDS", 600));
    let settings = vec![("SOCKERLESS_OPERATOR_LISTEN", "127.0.0.1:0".to_owned())];
    let world = World::with(WorldOptions { emulator: LAZY_APPS.to_owned(), settings, ..WorldOptions::default() });
    let operator = world.daemon.operator_address();
    world.pull();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let docker = runtime.block_on(bollard_client(&world)).unwrap();
    let empty = Look::at(&world.daemon, &operator);

    let begin = Instant::now();
    let load = Load::begin_amid_faults(&docker, "soak", clients);
    let (mut looks, mut faults, mut next) = (Vec::new(), 0, LOOKS);
    while begin.elapsed() < time && !load.has_failed() {
        std::thread::sleep(FAULTS);
        world.azure.fault(&fault(faults));
        faults += 1;
        if begin.elapsed() > next {
            let look = Look::at(&world.daemon, &operator);
            eprintln!("{:>5.0?} {look:?}, rounds {} to {}", begin.elapsed(), load.rounds(), load.most_rounds());
            looks.push((begin.elapsed(), look));
            next += LOOKS;
        }
    }
    let (fewest, most, refused) = (load.rounds(), load.most_rounds(), load.refused());
    let waits = runtime.block_on(load.end()).unwrap();
    assert_eq!(world.docker.ok(&["ps", "-aq"]), "", "containers are left over");
    assert_eq!(world.azure.apps().len(), 0, "apps are left over");
    drop(docker);
    let after = eventually("the daemon has closed what it had open", || {
        let look = Look::at(&world.daemon, &operator);
        (look.descriptors <= empty.descriptors + KEPT && look.tasks <= empty.tasks + KEPT).then_some(look)
    });

    let warm: Vec<_> = looks.iter().filter(|(at, _)| *at < time / WARMING).map(|(_, look)| *look).collect();
    let rest: Vec<_> = looks.iter().filter(|(at, _)| *at >= time / WARMING).map(|(_, look)| *look).collect();
    let (warm, rest) = (Look::most(&warm), Look::most(&rest));
    println!(
        "{clients} clients, {faults} faults; rounds of a client: {fewest} to {most}; given up by a fault: {refused}"
    );
    println!("{:<28} {:>12} {:>12} {:>12} {:>12}", "", "memory, KiB", "descriptors", "threads", "tasks");
    for (when, look) in
        [("before", empty), ("the most at first", warm), ("the most after that", rest), ("after all", after)]
    {
        let Look { memory_kib, descriptors, threads, tasks } = look;
        println!("{when:<28} {memory_kib:>12} {descriptors:>12} {threads:>12} {tasks:>12}");
    }
    for (what, wait) in &waits {
        println!("longest wait for {what:<20} {wait:>12.0?}");
    }

    assert!(rest.memory_kib < warm.memory_kib + warm.memory_kib / 4, "memory grows");
    assert!(rest.threads <= empty.threads.max(warm.threads) + 2, "threads are kept");
    assert!(waits.values().all(|wait| *wait < PATIENCE), "somebody waits too long");
    assert!(fewest * 2 + 1 >= most, "some clients wait for others");
}
