//! Where traces of this daemon go, if anywhere.

use std::time::Duration;

use anyhow::{Context as _, Result};
use sockerless_telemetry::{Export, Exporter, export};

use crate::config::Config;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Exports traces, if the configuration names a collector. `instance` is the id of this daemon.
///
/// # Errors
/// The collector's URL is none.
pub(crate) fn start(config: &Config, instance: &str) -> Result<Option<Exporter>> {
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let url: url::Url = endpoint.parse().context("the URL of --otlp-endpoint is none: write http://host:4318")?;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https"),
        "--otlp-endpoint is sent spans by HTTP: write http://host:4318, the collector's port for http/protobuf"
    );
    let tls = sockerless_plugins::tls_config().context("TLS for traces cannot be set up")?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tls_backend_preconfigured(tls)
        .build()
        .context("the client of --otlp-endpoint cannot be made")?;
    let version = env!("CARGO_PKG_VERSION");
    let exporter = export(Export { endpoint: endpoint.clone(), version, instance: instance.to_owned(), client })?;
    tracing::info!(collector = url.host_str(), "traces are exported");
    Ok(Some(exporter))
}

/// Sends the last spans, and ends.
pub(crate) async fn end(exporter: Option<Exporter>) {
    if let Some(exporter) = exporter
        && let Err(error) = tokio::task::spawn_blocking(move || exporter.close()).await
    {
        tracing::error!(%error, "the last spans are missing");
    }
}
