//! Health checks: a command that is run in the container again and again, and what its exit codes say.
//!
//! A task runs the probes, one after the other, as long as the container's run lasts. What they find it tells the container's task,
//! which alone changes the record.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use jiff::Timestamp;
use sockerless_agent_protocol::spec::ProcessSpec;
use sockerless_docker::{Health, HealthConfig, HealthResult, format_time};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::agents::{Begun, From};
use crate::cell::Cell;
use crate::engine::Inner;
use crate::error::Result;
use crate::frames::{Framing, Streams, framed};
use crate::ids;
use crate::record::ContainerRecord;
use crate::run::RunEvent;
use crate::spec;

/// Results that are kept, as the Engine keeps them.
const KEPT: usize = 5;
/// Bytes of a probe's output that are kept.
const OUTPUT: usize = 4096;
/// How long a probe that is out of time may take to die.
const KILLED: Duration = Duration::from_secs(5);

const STARTING: &str = "starting";
const HEALTHY: &str = "healthy";
const UNHEALTHY: &str = "unhealthy";

/// How a container is probed, with the Engine's defaults in the place of what was left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    command: Vec<String>,
    interval: Duration,
    timeout: Duration,
    start_period: Duration,
    start_interval: Duration,
    retries: i64,
}

impl Check {
    /// The check that a container's configuration asks for, if any.
    pub(crate) fn of(record: &ContainerRecord) -> Option<Self> {
        let config = record.config.healthcheck.as_ref()?;
        let shell = record.config.shell.clone().filter(|shell| !shell.is_empty());
        let command = command(config, shell)?;
        let nanos = |value: i64, default: u64| match u64::try_from(value) {
            Ok(nanos) if nanos > 0 => Duration::from_nanos(nanos),
            _ => Duration::from_secs(default),
        };
        Some(Self {
            command,
            interval: nanos(config.interval, 30),
            timeout: nanos(config.timeout, 30),
            start_period: nanos(config.start_period, 0),
            start_interval: nanos(config.start_interval, 5),
            retries: if config.retries > 0 { config.retries } else { 3 },
        })
    }
}

fn command(config: &HealthConfig, shell: Option<Vec<String>>) -> Option<Vec<String>> {
    let (kind, words) = config.test.split_first()?;
    match kind.as_str() {
        "CMD" if !words.is_empty() => Some(words.to_vec()),
        "CMD-SHELL" => {
            let mut command = shell.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
            command.push(words.first()?.clone());
            Some(command)
        }
        _ => None,
    }
}

/// The health of a container whose run begins.
pub(crate) fn begin() -> Health {
    Health { status: STARTING.to_owned(), failing_streak: 0, log: Some(Vec::new()) }
}

/// The health of a container whose run has ended. The Engine calls it unhealthy.
pub(crate) fn end(health: &mut Health) {
    health.status = UNHEALTHY.to_owned();
}

/// What one probe found.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    result: HealthResult,
    /// The container is young: that it fails does not count yet.
    forgiven: bool,
    retries: i64,
}

/// Takes a finding into the health. Answers the new status if it is another one.
pub(crate) fn take(health: &mut Health, finding: Finding) -> Option<String> {
    let Finding { result, forgiven, retries } = finding;
    let before = health.status.clone();
    if result.exit_code == 0 {
        health.failing_streak = 0;
        health.status = HEALTHY.to_owned();
    } else if !(forgiven && before == STARTING) {
        health.failing_streak += 1;
        if health.failing_streak >= retries {
            health.status = UNHEALTHY.to_owned();
        }
    }
    let log = health.log.get_or_insert_default();
    if log.len() == KEPT {
        log.remove(0);
    }
    log.push(result);
    (health.status != before).then(|| health.status.clone())
}

/// Probes a run. Dropped, it probes no longer.
pub(crate) struct Monitor {
    _task: AbortOnDropHandle<()>,
}

impl Monitor {
    pub(crate) fn spawn(
        engine: &Arc<Inner>,
        cell: &Arc<Cell>,
        run: &str,
        check: Check,
        events: mpsc::Sender<RunEvent>,
    ) -> Self {
        let monitor = Probing { engine: engine.clone(), cell: cell.clone(), run: run.to_owned(), check, events };
        let task = engine.tasks.spawn(monitor.probe_for_ever());
        Self { _task: AbortOnDropHandle::new(task) }
    }
}

struct Probing {
    engine: Arc<Inner>,
    cell: Arc<Cell>,
    run: String,
    check: Check,
    events: mpsc::Sender<RunEvent>,
}

impl Probing {
    async fn probe_for_ever(self) {
        let begin = Instant::now();
        loop {
            let young = begin.elapsed() < self.check.start_period;
            let starting = self.cell.record().state.health.as_ref().is_some_and(|health| health.status == STARTING);
            sleep(if young && starting { self.check.start_interval } else { self.check.interval }).await;
            let record = self.cell.record();
            let start = Timestamp::now();
            let (code, output) = self.probe(&record).await;
            let result = HealthResult {
                start: format_time(start),
                end: format_time(Timestamp::now()),
                exit_code: code.into(),
                output,
            };
            let forgiven = begin.elapsed() < self.check.start_period;
            let finding = Finding { result, forgiven, retries: self.check.retries };
            let event = RunEvent::Probed { run: self.run.clone(), finding };
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }

    /// Runs the command once. A probe that cannot be run is one that fails: −1, with the reason for output.
    async fn probe(&self, record: &ContainerRecord) -> (i32, String) {
        let id = match ids::object() {
            Ok(id) => id,
            Err(error) => return (-1, error.message),
        };
        let command = self.check.command.join(" ");
        let told = |action: &str, more: &[(&str, String)]| {
            let mut attributes = vec![("execID", id.clone())];
            attributes.extend_from_slice(more);
            self.engine.events.container(record, action, &attributes);
        };
        told(&format!("exec_create: {command}"), &[]);
        told(&format!("exec_start: {command}"), &[]);
        let spec = spec::probe(record, self.check.command.clone());
        let result = match timeout(self.check.timeout, self.run(&id, &spec)).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => (-1, error.message),
            Err(_) => {
                // It may have ended in this moment; that it cannot be killed changes nothing.
                let _ = timeout(KILLED, self.engine.agents.signal(&self.cell.id, &id, "SIGKILL")).await;
                (-1, format!("Health check exceeded timeout ({})", seconds(self.check.timeout)))
            }
        };
        told("exec_die", &[("exitCode", result.0.to_string())]);
        self.engine.agents.forget(&self.cell.id, &id).await;
        result
    }

    async fn run(&self, id: &str, spec: &ProcessSpec) -> Result<(i32, String)> {
        let agents = &self.engine.agents;
        match agents.start_process(&self.cell.id, id, spec).await? {
            Begun::Failed { code, message } => return Ok((code, message)),
            Begun::Started { .. } => {}
        }
        let blocks = agents.output(&self.cell.id, id, From::Offset(0)).await?.into_blocks();
        let mut output = framed(blocks, Framing::Bare, Streams::BOTH);
        agents.release(&self.cell.id, id).await?;
        let mut kept = BytesMut::new();
        while let Some(bytes) = output.next().await {
            let bytes: Bytes = bytes?;
            let room = OUTPUT.saturating_sub(kept.len());
            kept.extend_from_slice(bytes.get(..room).unwrap_or(&bytes));
        }
        let code = agents.exited(&self.cell.id, id).await?;
        Ok((code, String::from_utf8_lossy(&kept).into_owned()))
    }
}

/// As Go writes durations of this kind.
fn seconds(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: i64, forgiven: bool) -> Finding {
        let result = HealthResult { exit_code: code, ..HealthResult::default() };
        Finding { result, forgiven, retries: 2 }
    }

    #[test]
    fn a_success_is_healthy_and_failures_in_a_row_are_not() {
        let mut health = begin();
        assert_eq!(take(&mut health, found(0, false)).as_deref(), Some("healthy"));
        assert_eq!(take(&mut health, found(1, false)), None);
        assert_eq!((health.status.as_str(), health.failing_streak), ("healthy", 1));
        assert_eq!(take(&mut health, found(1, false)).as_deref(), Some("unhealthy"));
        assert_eq!(take(&mut health, found(0, false)).as_deref(), Some("healthy"));
        assert_eq!(health.failing_streak, 0);
    }

    #[test]
    fn the_young_are_forgiven() {
        let mut health = begin();
        for _ in 0..3 {
            assert_eq!(take(&mut health, found(1, true)), None);
        }
        assert_eq!((health.status.as_str(), health.failing_streak), ("starting", 0));
        take(&mut health, found(1, false));
        assert_eq!(take(&mut health, found(1, false)).as_deref(), Some("unhealthy"));
    }

    #[test]
    fn five_results_are_kept() {
        let mut health = begin();
        for code in 0..8 {
            take(&mut health, found(code, false));
        }
        let codes: Vec<_> = health.log.unwrap().iter().map(|result| result.exit_code).collect();
        assert_eq!(codes, [3, 4, 5, 6, 7]);
    }

    #[test]
    fn both_forms_of_a_test() {
        let config = |test: &[&str]| HealthConfig {
            test: test.iter().map(|word| (*word).to_owned()).collect(),
            ..HealthConfig::default()
        };
        assert_eq!(command(&config(&["CMD", "a", "b"]), None), Some(vec!["a".into(), "b".into()]));
        let shell = command(&config(&["CMD-SHELL", "a b"]), None).unwrap();
        assert_eq!(shell, ["/bin/sh", "-c", "a b"]);
        for none in [&["NONE"][..], &[], &["CMD"]] {
            assert_eq!(command(&config(none), None), None);
        }
    }
}
