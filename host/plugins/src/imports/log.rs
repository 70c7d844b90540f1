//! `log`: events of `tracing`, with the backend's name and call.

use crate::bindings::sockerless::backend::log::{Host, Level};
use crate::label::Label;
use crate::state::CallState;
use crate::text::{TARGET, printable, redacted};

const MAX_MESSAGE: usize = 8 << 10;
const MAX_FIELDS: usize = 32;
const MAX_FIELD: usize = 1 << 10;

impl Host for CallState {
    async fn write(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        if self.spent.log_events >= self.context.limits.log_events {
            self.spent.log_dropped = self.spent.log_dropped.saturating_add(1);
            return Ok(());
        }
        self.spent.log_events += 1;
        let secrets = &self.label.secrets;
        let message = redacted(&printable(&message, MAX_MESSAGE), secrets);
        // The names of an event's fields are fixed when the daemon is built: those of a guest go into one.
        let fields: Vec<_> = fields
            .iter()
            .take(MAX_FIELDS)
            .map(|(name, value)| {
                format!("{}={:?}", printable(name, 100), redacted(&printable(value, MAX_FIELD), secrets))
            })
            .collect();
        let fields = (!fields.is_empty()).then(|| fields.join(" "));
        let Label { backend, call, container, .. } = &self.label;
        let (backend, container) = (&**backend, container.as_deref());
        match level {
            Level::Trace => tracing::trace!(target: TARGET, backend, call, container, fields, "{message}"),
            Level::Debug => tracing::debug!(target: TARGET, backend, call, container, fields, "{message}"),
            Level::Info => tracing::info!(target: TARGET, backend, call, container, fields, "{message}"),
            Level::Warn => tracing::warn!(target: TARGET, backend, call, container, fields, "{message}"),
            Level::Error => tracing::error!(target: TARGET, backend, call, container, fields, "{message}"),
        }
        Ok(())
    }
}
