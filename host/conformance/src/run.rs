//! One run of the kit: load, check everything, report.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sockerless_backend::BackendError;
use sockerless_backend::types::{Container, Loaded};
use sockerless_plugins::{
    BackendHost, BreakerRules, EngineError, Export, HostConfig, HttpConfig, LoadError, LoadOutcome, LoadRequest,
    Services, Settings, SwapRules,
};
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;
use crate::checks::{self, CHANGES_NOTHING, CHECK_ANSWERS, LOADS, SAME_EACH_TIME};
use crate::report::{Checked, Report};
use crate::scenario::Scenario;
use crate::verdict::{Outcome, Verdict, finding, not_checked};
use crate::world::{Shared, World};

/// What a run takes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The component.
    pub component: Bytes,
    /// The world around it.
    pub scenario: Scenario,
    /// Where compiled components are kept: a directory of this user alone. Absent: it is compiled for this run.
    pub cache: Option<PathBuf>,
}

/// The kit itself failed.
#[derive(Debug, thiserror::Error)]
#[error("the kit cannot run: {0}")]
pub struct CannotRun(String);

impl From<EngineError> for CannotRun {
    fn from(error: EngineError) -> Self {
        Self(error.to_string())
    }
}

/// How the component is loaded, as often as it has to be.
pub(crate) struct Loading {
    component: Bytes,
    pub(crate) scenario: Scenario,
    settings: Settings,
}

impl Loading {
    fn new(component: Bytes, scenario: Scenario) -> Self {
        let settings = Settings {
            config: Arc::new(scenario.config.clone()),
            policy: scenario.policy.clone(),
            limits: scenario.limits.clone(),
            swap: SwapRules::default(),
            // Each check is to see how the component itself answers.
            breaker: BreakerRules { failures: 0, ..BreakerRules::default() },
        };
        Self { component, scenario, settings }
    }

    /// Loads it, in place of what there is. `overdue` ends it.
    pub(crate) async fn load(
        &self,
        host: &BackendHost,
        live: &Vec<Container>,
        overdue: &CancellationToken,
    ) -> Result<LoadOutcome, LoadError> {
        let request = LoadRequest { component: self.component.clone(), name: None, digest: None };
        tokio::select! {
            biased;
            () = overdue.cancelled() => {
                let text = "describe, check and recover together did not end within the deadline of one of them".to_owned();
                Err(LoadError::Describe(BackendError::Fault(text)))
            }
            outcome = host.load(request, &self.settings, live, &()) => outcome,
        }
    }
}

/// Puts a component to the test.
///
/// # Errors
/// The WebAssembly engine cannot be started. What is wrong with the component is in the report.
pub async fn run(options: Options) -> Result<Report, CannotRun> {
    let Options { component, scenario, cache } = options;
    let world = Arc::new(World::new(&scenario));
    let host = host(&world, cache).await?;
    let loading = Loading::new(component, scenario);
    let overdue = world.begin(loading.scenario.limits.deadline_of(Export::Check));
    let first = loading.load(&host, &Vec::new(), &overdue).await;
    world.end();
    let Ok(first) = first.as_ref().map(|outcome| Arc::clone(&outcome.loaded)) else {
        return Ok(not_loaded(first.err()));
    };
    let changes = world.changes();
    let Some(backend) = host.backend(&first.descriptor.name) else {
        return Err(CannotRun("the backend is loaded, and not there".to_owned()));
    };
    let bench = Bench::new(world, host, loading, backend, Arc::clone(&first));
    let mut checked = vec![
        entry(LOADS, Ok(())),
        entry(CHECK_ANSWERS, Ok(())),
        entry(CHANGES_NOTHING, changes.first().map_or(Ok(()), finding)),
        entry(SAME_EACH_TIME, same(&first, bench.load_again(Vec::new()).await)),
    ];
    for check in checks::ALL {
        bench.world.reset();
        checked.push(entry((check.name, check.promise), (check.run)(&bench).await));
    }
    Ok(Report::new(Some(&first), checked))
}

/// The id of the daemon in the scripted world.
pub(crate) const DAEMON: &str = "conformance";

/// Reserves address space and compiles the linker: not on the runtime.
async fn host(world: &Arc<World>, cache: Option<PathBuf>) -> Result<BackendHost, CannotRun> {
    let shared = || Arc::new(Shared(Arc::clone(world)));
    let services = Services { daemon: DAEMON.to_owned(), agents: shared(), outcomes: shared(), tokens: Some(shared()) };
    let http = HttpConfig { transport: Some(shared()), ..HttpConfig::default() };
    let config = HostConfig { cache, http, clock: Some(shared()), ..HostConfig::default() };
    let host = tokio::task::spawn_blocking(move || BackendHost::new(config, services));
    Ok(host.await.map_err(|error| CannotRun(error.to_string()))??)
}

fn entry((name, promise): (&'static str, &'static str), outcome: Outcome) -> Checked {
    Checked { name, promise, verdict: outcome.err().unwrap_or(Verdict::Passed) }
}

fn same(first: &Loaded, second: Result<Arc<Loaded>, LoadError>) -> Outcome {
    match second {
        Err(error) => finding(format!("loaded a second time, it is refused: {error}")),
        Ok(second) if second.descriptor != first.descriptor => finding(format!(
            "two calls under one configuration answered two descriptors:\n{:?}\n{:?}",
            first.descriptor, second.descriptor
        )),
        Ok(_) => Ok(()),
    }
}

/// Nothing can be called of what is not loaded. Whether that is the component's fault the error tells.
fn not_loaded(error: Option<LoadError>) -> Report {
    let reason = error.as_ref().map(ToString::to_string).unwrap_or_default();
    let (loads, check): (Outcome, Outcome) = match error {
        Some(LoadError::Configuration { .. } | LoadError::Policy { .. }) => {
            let advice = "give it what it wants under [config] or [policy] of a scenario: --scenario FILE";
            (not_checked(format!("{reason}\n{advice}")), not_checked("it is not loaded"))
        }
        // It describes itself, and its cloud is not the one that it expects.
        Some(LoadError::Check { error, .. }) if !matches!(error, BackendError::Fault(_)) => {
            let advice = "write a scenario in which its cloud answers: --scenario FILE";
            (Ok(()), not_checked(format!("check answered: {error}\n{advice}")))
        }
        Some(LoadError::Check { .. }) => (Ok(()), finding(reason)),
        _ => (finding(reason), not_checked("it is not loaded")),
    };
    let rest = || not_checked("it is not loaded");
    let mut checked = vec![entry(LOADS, loads), entry(CHECK_ANSWERS, check)];
    checked.extend([CHANGES_NOTHING, SAME_EACH_TIME].map(|check| entry(check, rest())));
    checked.extend(checks::ALL.iter().map(|check| entry((check.name, check.promise), rest())));
    Report::new(None, checked)
}
