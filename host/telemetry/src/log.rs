//! The log: lines for people, or JSON for programs, on standard error.

use std::fmt;
use std::io::IsTerminal as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::context::request_id;

/// For whom the log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// What is not logged in more detail unless a directive names it more exactly: libraries that write whole messages there, in which
/// containers' environments are.
const DISCREET: [&str; 2] = ["tungstenite=info", "tokio_tungstenite=info"];

/// Writes the log to standard error from now on. `filter` says what of it, as `sockerless_plugins=debug,info`; what is not understood counts
/// as `info`.
pub fn init(filter: Option<&str>, format: Format) {
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(|| EnvFilter::new("info"));
    let filter = DISCREET.iter().filter_map(|directive| directive.parse().ok()).fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        Format::Text => builder.fmt_fields(WithRequest(DefaultFields::new())).init(),
        Format::Json => builder.event_format(Json).init(),
    }
}

/// The fields of an event, and behind them the request.
struct WithRequest(DefaultFields);

impl<'writer> FormatFields<'writer> for WithRequest {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        self.0.format_fields(writer.by_ref(), fields)?;
        match request_id() {
            Some(id) => write!(writer, " request={id}"),
            None => Ok(()),
        }
    }
}

/// One object a line. What many events have in common stands at its top, everything else below `fields`.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let line = fields.line(metadata.level().as_str(), metadata.target(), request_id().as_deref());
        writeln!(writer, "{line}")
    }
}

/// The fields of an event by their names.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn line(self, level: &str, target: &str, request: Option<&str>) -> Value {
        let Self(mut fields) = self;
        // An event of the crate `log` says in a field what it is about.
        let target = fields.remove("log.target").unwrap_or_else(|| target.into());
        fields.retain(|name, _| !name.starts_with("log."));
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), json!(format!("{:.6}", Timestamp::now())));
        line.insert("level".to_owned(), level.into());
        line.insert("target".to_owned(), target);
        line.insert("message".to_owned(), fields.remove("message").unwrap_or_else(|| "".into()));
        if let Some(request) = request {
            line.insert("request_id".to_owned(), request.into());
        }
        for name in ["container", "backend"] {
            if let Some(value) = fields.remove(name) {
                line.insert(name.to_owned(), value);
            }
        }
        if !fields.is_empty() {
            line.insert("fields".to_owned(), fields.into());
        }
        line.into()
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::Context;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn write_some() {
        tracing::info!(container = "c1", backend = "azf", count = 3, "has a \"quote\"\nand a second line");
        let context = Context::default().with_request_id("0123".to_owned());
        let _entered = context.enter();
        tracing::warn!(error = %"broken", "in a request");
    }

    #[test]
    fn json_lines_have_stable_keys() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).event_format(Json).finish();
        tracing::subscriber::with_default(subscriber, write_some);
        let text = lines.text();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &mut lines {
            let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            assert!(time.as_str().unwrap().parse::<Timestamp>().is_ok(), "{time}");
        }
        let target = module_path!();
        assert_eq!(
            lines,
            [
                json!({
                    "level": "INFO", "target": target, "message": "has a \"quote\"\nand a second line",
                    "container": "c1", "backend": "azf", "fields": { "count": 3 },
                }),
                json!({
                    "level": "WARN", "target": target, "message": "in a request", "request_id": "0123",
                    "fields": { "error": "broken" },
                }),
            ]
        );
    }

    #[test]
    fn lines_for_people_end_with_the_request() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .with_ansi(false)
            .fmt_fields(WithRequest(DefaultFields::new()))
            .finish();
        tracing::subscriber::with_default(subscriber, write_some);
        let text = lines.text();
        assert!(text.ends_with("in a request error=broken request=0123\n"), "{text}");
        assert_eq!(text.matches("request=").count(), 1, "{text}");
    }
}
