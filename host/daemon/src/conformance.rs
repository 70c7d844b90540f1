//! `sockerless plugin test`: whether a component keeps the contract of backends.

use std::io::Write as _;

use anyhow::{Context, Result, bail};
use sockerless_conformance::{Options, Scenario};

use crate::cli::{ReportFormat, TestOptions};
use crate::component_file;

/// Puts the component to the test, and prints the report.
///
/// # Errors
/// It breaks the contract; a file cannot be read; the scenario is not understood.
pub(crate) async fn run(options: &TestOptions) -> Result<()> {
    let TestOptions { file, scenario, format, cache_dir } = options;
    let path = file.clone();
    let component = tokio::task::spawn_blocking(move || component_file::read(&path)).await??;
    let scenario = match scenario {
        None => Scenario::default(),
        Some(file) => {
            let text = tokio::fs::read_to_string(file).await;
            let text = text.with_context(|| format!("cannot read the scenario {}", file.display()))?;
            Scenario::from_toml(&text).with_context(|| format!("in {}", file.display()))?
        }
    };
    let options = Options { component: component.into(), scenario, cache: cache_dir.clone() };
    let report = Box::pin(sockerless_conformance::run(options)).await?;
    let text = match format {
        ReportFormat::Text => report.to_string(),
        ReportFormat::Json => serde_json::to_string_pretty(&report)?,
    };
    // Unlike `println!`, without a panic when whoever reads it has read enough.
    writeln!(std::io::stdout(), "{text}").context("cannot write the report")?;
    match report.summary.findings {
        0 if report.component.is_none() => bail!("the component could not be loaded, so nothing of it is checked"),
        0 => Ok(()),
        1 => bail!("the component breaks the contract in one point"),
        count => bail!("the component breaks the contract in {count} points"),
    }
}
