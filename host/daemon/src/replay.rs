//! `sockerless replay`: does the calls of a recording again with a component, and shows where they go another way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use sockerless_plugins::{Difference, Replay, Replayed};
use sockerless_recorder::{Recording, Tally};

use crate::cli::{ReplayOptions, ReportFormat};
use crate::client::runtime;

/// A call went another way.
const DIFFERENT: u8 = 1;
/// The recording or the component is none, or there is nothing to be done again.
const BAD_INPUT: u8 = 2;

/// Replays a recording, prints what came of it, and says so by the exit code.
pub(crate) fn run(options: &ReplayOptions) -> ExitCode {
    match replay(options) {
        Ok(Report { difference: None, .. }) => ExitCode::SUCCESS,
        Ok(Report { difference: Some(_), .. }) => ExitCode::from(DIFFERENT),
        Err(error) => {
            eprintln!("sockerless: {error:#}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

fn replay(options: &ReplayOptions) -> Result<Report> {
    let ReplayOptions { folder, backend, name, format, cache_dir } = options;
    let component = std::fs::read(backend).with_context(|| format!("cannot read the backend {}", backend.display()))?;
    let digests = digests(folder, name.as_deref())?;
    let report = runtime()?.block_on(async {
        let replay = Replay::load(component.into(), cache_dir.clone()).await;
        let replay = replay.with_context(|| format!("the backend {} is not loaded", backend.display()))?;
        calls(&replay, folder, &digests).await
    })?;
    if report.difference.is_none() && report.calls == 0 {
        bail!("no call of the recording could be done again: {}", report.left_out());
    }
    let text = match format {
        ReportFormat::Text => report.to_string(),
        ReportFormat::Json => serde_json::to_string_pretty(&report)?,
    };
    // Unlike `println!`, without a panic when whoever reads it has read enough.
    writeln!(std::io::stdout(), "{text}").context("cannot write the report")?;
    Ok(report)
}

/// The components of one backend, of which the recording has calls.
fn digests(folder: &Path, name: Option<&str>) -> Result<BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in Recording::open(folder)? {
        let call = call?.call;
        if let Some(backend) = call.backend {
            names.entry(backend).or_default().insert(call.digest);
        }
    }
    let known = names.keys().cloned().collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => match names.remove(name) {
            Some(digests) => Ok(digests),
            None => bail!("the recording has no calls of the backend `{name}`, but of: {known}"),
        },
        None if names.len() > 1 => {
            bail!("the recording has calls of several backends: choose one with --name: {known}")
        }
        None => Ok(names.into_values().next().unwrap_or_default()),
    }
}

/// Does the calls of these components again, up to the first that goes another way.
async fn calls(replay: &Replay, folder: &Path, digests: &BTreeSet<String>) -> Result<Report> {
    let mut report = Report::default();
    let mut recording = Recording::open(folder)?;
    for call in recording.by_ref() {
        let call = call?;
        if !digests.contains(&call.call.digest) {
            continue;
        }
        match replay.run(call).await {
            Replayed::Same => report.calls += 1,
            Replayed::Skipped(reason) => *report.skipped.entry(reason).or_default() += 1,
            Replayed::Different(difference) => {
                report.difference = Some(*difference);
                break;
            }
        }
    }
    let Tally { incomplete, lost, cut, .. } = recording.tally();
    Ok(Report { incomplete, lost, cut, ..report })
}

/// What came of a replay.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Calls that went as recorded.
    calls: u64,
    /// Calls that could not be done again, by reason.
    skipped: BTreeMap<&'static str, u64>,
    /// Calls of which something is missing in the recording.
    incomplete: u64,
    /// Records that are not in the recording.
    lost: u64,
    /// Files that end in the middle of a line.
    cut: u64,
    /// The first call that went another way: none after it was done again.
    difference: Option<Difference>,
}

impl Report {
    /// What was not done again, and why.
    fn left_out(&self) -> String {
        let mut reasons: Vec<String> =
            self.skipped.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
        for (count, reason) in [
            (self.incomplete, "part of the call is not in the recording"),
            (self.lost, "records were lost"),
            (self.cut, "a file ends in the middle of a line"),
        ] {
            if count > 0 {
                reasons.push(format!("{reason} ({count})"));
            }
        }
        if reasons.is_empty() { "there is none".to_owned() } else { reasons.join("; ") }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.difference {
            None => write!(formatter, "{} calls went as recorded", self.calls)?,
            Some(difference) => {
                writeln!(formatter, "a call went another way, after {} that went as recorded:", self.calls)?;
                write!(formatter, "{difference}")?;
            }
        }
        if self.skipped.is_empty() && self.incomplete + self.lost + self.cut == 0 {
            return Ok(());
        }
        write!(formatter, "\nnot done again: {}", self.left_out())
    }
}
