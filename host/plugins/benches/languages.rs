//! What a backend costs in each language: the same one, built in each of them by `cargo xtask bench languages`.
//!
//! Prints figures of this machine; compare ratios, not numbers.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark, which may end")]

#[path = "../tests/it/guest.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod guest;
#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sockerless_backend::Backend;
use sockerless_plugins::{BackendHost, EngineConfig, HostConfig, LoadRequest, Services, Settings};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker, ResourceType, Val};
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use support::{Agents, Sink};

const LANGUAGES: [(&str, &str); 5] = [
    ("Rust", "SOCKERLESS_TEST_MEMORY_RUST"),
    ("C", "SOCKERLESS_TEST_MEMORY_C"),
    ("Go", "SOCKERLESS_TEST_MEMORY_GO"),
    ("TypeScript", "SOCKERLESS_TEST_MEMORY_TYPESCRIPT"),
    ("Python", "SOCKERLESS_TEST_MEMORY_PYTHON"),
];

/// Calls are repeated for so long.
const TIME: Duration = Duration::from_millis(500);
const AT_LEAST: usize = 20;

const SPEC: &str = r#"{"Image":"alpine","Cmd":["sleep","1"],"HostConfig":{"Binds":["/a:/b"],"PortBindings":{"80/tcp":[{"HostPort":"80"}]}}}"#;

#[tokio::main]
async fn main() {
    println!(
        "{:<12}{:>10}{:>12}{:>14}{:>14}{:>14}",
        "guest", "size", "compile", "instantiate", "describe", "plan, in all"
    );
    for (language, variable) in LANGUAGES {
        let Some(file) = std::env::var_os(variable).map(PathBuf::from) else {
            println!("{language:<12}{:>10}", "not built");
            continue;
        };
        let bytes = std::fs::read(&file).expect("the component");
        let bare = Bare::measure(&bytes).await;
        let plan = plan(&bytes).await;
        let size = format!("{} KB", bytes.len() / 1000);
        println!(
            "{language:<12}{size:>10}{:>12.1?}{:>14.1?}{:>14.1?}{plan:>14.1?}",
            bare.compile, bare.instantiate, bare.describe
        );
    }
    println!();
    println!(
        "Each is the median of many.  instantiate: a fresh instance from the pool.  describe: a call in a fresh instance, without \
         instantiating it."
    );
    println!(
        "plan, in all: as the daemon makes it: a fresh instance, limits, the call, a create body in and two findings out."
    );
}

/// Without anything of this crate around it.
struct Bare {
    compile: Duration,
    instantiate: Duration,
    describe: Duration,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Bare {
    async fn measure(bytes: &[u8]) -> Self {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(true);
        let mut pool = PoolingAllocationConfig::new();
        pool.max_memory_size(1 << 30)
            .total_memories(20)
            .table_elements(50_000)
            .max_core_instance_size(4 << 20)
            .max_component_instance_size(16 << 20)
            .linear_memory_keep_resident(64 << 10);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).expect("an engine");
        let started = Instant::now();
        let component = Component::from_binary(&engine, bytes).expect("a component");
        let compile = started.elapsed();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        trap_calls_of_the_host(&engine, &component, &mut linker);
        let pre = linker.instantiate_pre(&component).expect("an instance");
        let (mut instantiate, mut describe, started) = (Vec::new(), Vec::new(), Instant::now());
        while started.elapsed() < TIME || describe.len() < AT_LEAST {
            let (one, other) = Self::once(&engine, &component, &pre).await;
            instantiate.push(one);
            describe.push(other);
        }
        Self { compile, instantiate: median(instantiate), describe: median(describe) }
    }

    async fn once(engine: &Engine, component: &Component, pre: &InstancePre<State>) -> (Duration, Duration) {
        let state = State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(engine, state);
        store.set_epoch_deadline(u64::MAX / 2);
        let started = Instant::now();
        let instance = pre.instantiate_async(&mut store).await.expect("an instance");
        let instantiate = started.elapsed();
        let interface = component.get_export_index(None, "sockerless:backend/backend@0.1.2").expect("the interface");
        let function = component.get_export_index(Some(&interface), "describe").expect("the function");
        let function = instance.get_func(&mut store, function).expect("a function");
        let mut results = [Val::Bool(false)];
        let started = Instant::now();
        function.call_async(&mut store, &[], &mut results).await.expect("a descriptor");
        (instantiate, started.elapsed())
    }
}

/// Who describes itself calls nothing of the host: its imports are there and trap.
fn trap_calls_of_the_host(engine: &Engine, component: &Component, linker: &mut Linker<State>) {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        if !name.starts_with("sockerless:") {
            continue;
        }
        let mut instance = linker.instance(name).expect("a name of its own");
        for (name, export) in interface.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => instance
                    .func_new(name, |_, _, _, _| Err(wasmtime::format_err!("describe calls the host")))
                    .expect("a function"),
                ComponentItem::Resource(_) => {
                    instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(())).expect("a resource");
                }
                _ => {}
            }
        }
    }
}

/// As the daemon calls it.
async fn plan(bytes: &[u8]) -> Duration {
    let services = Services {
        daemon: "this-daemon".into(),
        agents: Arc::new(Agents),
        outcomes: Arc::new(Sink::nowhere()),
        tokens: None,
    };
    let engine = EngineConfig { instances: 64, ..EngineConfig::default() };
    let cache = std::env::var_os("SOCKERLESS_TEST_CACHE").map(PathBuf::from);
    let host = BackendHost::new(HostConfig { engine, cache, ..HostConfig::default() }, services).expect("an engine");
    let request = LoadRequest { component: bytes.to_vec().into(), name: None, digest: None };
    host.load(request, &Settings::default(), &Vec::new(), &()).await.expect("the backend loads");
    let backend: Arc<dyn Backend> = host.default_backend().expect("a backend");
    let (started, mut calls) = (Instant::now(), Vec::new());
    while started.elapsed() < TIME || calls.len() < AT_LEAST {
        let call = Instant::now();
        let findings = backend.plan(SPEC.to_owned()).await.expect("findings");
        calls.push(call.elapsed());
        assert_eq!(findings.len(), 2);
    }
    host.shutdown().await;
    median(calls)
}

/// The one in the middle: what else the machine does shows in the slowest.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
