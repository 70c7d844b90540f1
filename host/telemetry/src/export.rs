//! Where finished spans go: to a collector, by OTLP over HTTP.
//!
//! They wait in a bounded queue and are sent in batches by a thread of their own. What does not fit is dropped, and so is what the
//! collector does not take in time: nothing waits for it.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

/// How long the collector may take for one batch.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of the collector's answer.
const MAX_ANSWER: usize = 64 << 10;
/// How long the last spans may take when the daemon ends.
const LAST: Duration = Duration::from_secs(2);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What spans are made by; nothing where traces are not exported.
pub(crate) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// Where to, and of whom.
#[derive(Debug, Clone)]
pub struct Export {
    /// The collector's base URL: spans go to `/v1/traces` below it.
    pub endpoint: String,
    /// `service.version`.
    pub version: &'static str,
    /// `service.instance.id`.
    pub instance: String,
    /// The client by which they are sent.
    pub client: reqwest::Client,
}

/// Traces cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be exported: {0}")]
pub struct ExportError(String);

/// Sends spans until it is [closed](Self::close).
#[derive(Debug)]
pub struct Exporter(SdkTracerProvider);

/// Exports the spans of this process from now on. Once in its life: further calls change nothing. Within a runtime, by which they are sent.
///
/// Everything else is as OpenTelemetry's environment variables say: `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
/// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`.
///
/// # Errors
/// The endpoint is no URL.
pub fn export(export: Export) -> Result<Exporter, ExportError> {
    let Export { endpoint, version, instance, client } = export;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(TIMEOUT)
        .with_http_client(Collector {
            client,
            runtime: Handle::current(),
            endpoint,
            unreachable: AtomicBool::new(false),
        })
        .build()
        .map_err(|error| ExportError(error.to_string()))?;
    let mut resource = Resource::builder()
        .with_attributes([KeyValue::new("service.version", version), KeyValue::new("service.instance.id", instance)]);
    if std::env::var_os("OTEL_SERVICE_NAME").is_none_or(|name| name.is_empty()) {
        resource = resource.with_service_name("sockerless");
    }
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
    let _ = TRACER.set(provider.tracer("sockerless"));
    Ok(Exporter(provider))
}

impl Exporter {
    /// Sends what waits, within two seconds, and ends. Blocks that long.
    pub fn close(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::debug!(%error, "the last spans were not exported");
        }
    }
}

/// The collector, as the library's exporter sees it: that one calls from a thread without a runtime.
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    endpoint: String,
    /// Whether the last attempt failed: that is told once, and not each time.
    unreachable: AtomicBool,
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collector").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        // A timer needs the runtime when it is made.
        let sent = self.runtime.spawn(async move { tokio::time::timeout(TIMEOUT, send(client, request)).await });
        let answer = match sent.await? {
            Ok(answer) => answer,
            Err(_) => Err(format!("it did not answer within {} s", TIMEOUT.as_secs()).into()),
        };
        let trouble = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered with status {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        match trouble {
            Some(trouble) if !self.unreachable.swap(true, Ordering::Relaxed) => {
                let endpoint = host_of(&self.endpoint);
                tracing::warn!(endpoint, trouble, "the collector does not take traces: they are dropped until it does");
            }
            None if self.unreachable.swap(false, Ordering::Relaxed) => {
                tracing::info!("the collector takes traces again")
            }
            _ => {}
        }
        answer
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = client.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(format!("its answer has more than {MAX_ANSWER} bytes").into());
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = status;
    Ok(response)
}

/// What of a URL may stand in the log: it may have a password.
fn host_of(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_password_in_the_url_is_not_logged() {
        assert_eq!(super::host_of("http://user:secret@collector:4318/x?y"), "collector:4318");
        assert_eq!(super::host_of("http://collector"), "collector");
    }
}
