//! A collector of traces, as far as tests need one.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use sockerless_tests::{Reply, Scripted, eventually};

pub(crate) struct Collector(Scripted);

/// A span as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) failed: bool,
    attributes: Vec<(String, String)>,
}

impl Seen {
    fn of(span: &Span) -> Self {
        let text = |value: &Option<Value>| match value {
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => number.to_string(),
            other => panic!("a value of an unexpected kind: {other:?}"),
        };
        let attributes = span.attributes.iter();
        Self {
            trace: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            name: span.name.clone(),
            failed: span.status.as_ref().is_some_and(|status| status.code == 2),
            attributes: attributes
                .map(|pair| (pair.key.clone(), text(&pair.value.as_ref().and_then(|value| value.value.clone()))))
                .collect(),
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or_else(|| panic!("{name} of {self:?}"), |(_, value)| value.as_str())
    }
}

impl Collector {
    /// One that answers everything with this status.
    pub(crate) fn answering(status: u16) -> Self {
        Self(Scripted::start(move |_| Reply::new(status, "")))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.host())
    }

    /// How many batches it was sent.
    pub(crate) fn batches(&self) -> usize {
        self.0.asked().len()
    }

    /// All bytes that it was sent, as text.
    pub(crate) fn text(&self) -> String {
        self.0.asked().iter().map(|asked| String::from_utf8_lossy(&asked.body).into_owned()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        let mut spans = Vec::new();
        for asked in self.0.asked() {
            assert_eq!(asked.line, "POST /v1/traces");
            assert_eq!(asked.header("content-type"), "application/x-protobuf");
            let request = ExportTraceServiceRequest::decode(&*asked.body).unwrap();
            let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            spans.extend(scopes.flat_map(|scope| &scope.spans).map(Seen::of));
        }
        spans
    }

    /// The span of this name in this trace, once it has come.
    #[track_caller]
    pub(crate) fn span(&self, trace: &str, name: &str) -> Seen {
        eventually(&format!("the span {name}"), || {
            self.spans().into_iter().find(|span| span.trace == trace && span.name == name)
        })
    }
}
