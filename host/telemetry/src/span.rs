//! Parts of the work on a request, as a trace shows them.

use std::borrow::Cow;

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context as Inner, KeyValue, Value};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

use crate::context::{Context, Within};
use crate::export::tracer;

/// Which end of an exchange a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is asked of somebody else.
    Client,
    /// Work of this process.
    Internal,
}

/// The name of a span, and what is known of it when it begins. Nothing secret may be among that: no environment, no token, no query.
#[derive(Debug)]
pub struct Name {
    name: Cow<'static, str>,
    attributes: Vec<KeyValue>,
}

impl Name {
    /// A name, of which there are few.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), attributes: Vec::new() }
    }

    /// The same with something that is known of it.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    fn builder(self, kind: SpanKind) -> SpanBuilder {
        SpanBuilder::from_name(self.name).with_kind(kind).with_attributes(self.attributes)
    }
}

/// A part of the work on a request. It ends when it is dropped.
///
/// Where no traces are exported it is nothing but the context in which it was begun.
#[derive(Debug)]
pub struct Span {
    context: Context,
    /// Whether the span of the context is this one.
    own: bool,
}

impl Span {
    /// Begins the work on a request of a client, which has a new id from now on: that of its trace, if traces are exported. `caller` is
    /// the span of the client's, if it has one; the trace is another one all the same, since what a client says names nothing here.
    #[must_use]
    pub fn of_request(name: impl FnOnce() -> Name, caller: impl FnOnce() -> Option<SpanContext>) -> Self {
        let root = Inner::new();
        let Some(tracer) = tracer() else {
            let id = uuid::Uuid::new_v4().simple().to_string();
            return Self { context: Context(root).with_request_id(id), own: false };
        };
        let links = caller().map(|caller| Link::new(caller, Vec::new(), 0)).into_iter().collect();
        let span = tracer.build_with_context(name().builder(SpanKind::Server).with_links(links), &root);
        let context = root.with_span(span);
        let id = context.span().span_context().trace_id().to_string();
        Self { context: Context(context).with_request_id(id), own: true }
    }

    /// Begins a part of what is being done; a trace of its own, if that is none yet.
    #[must_use]
    pub fn begin(kind: Kind, name: impl FnOnce() -> Name) -> Self {
        let parent = Context::current();
        let Some(tracer) = tracer() else { return Self { context: parent, own: false } };
        let kind = match kind {
            Kind::Client => SpanKind::Client,
            Kind::Internal => SpanKind::Internal,
        };
        let span = tracer.build_with_context(name().builder(kind), &parent.0);
        Self { context: Context(parent.0.with_span(span)), own: true }
    }

    /// Begins a part of what is being done, if that is part of a trace; else it is nothing.
    #[must_use]
    pub fn within_trace(kind: Kind, name: impl FnOnce() -> Name) -> Self {
        if Inner::map_current(|current| current.span().span_context().is_valid()) {
            Self::begin(kind, name)
        } else {
            Self { context: Context::current(), own: false }
        }
    }

    /// The context of what is done in this span.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Does the future's work in this span.
    pub fn run<F: Future>(&self, future: F) -> Within<F> {
        self.context.run(future)
    }

    /// Gives it another name, as more is known by now.
    pub fn rename(&self, name: impl FnOnce() -> String) {
        if self.own {
            self.context.0.span().update_name(name());
        }
    }

    /// Notes something that is known by now. Nothing secret, as in [`Name`].
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        if self.own {
            self.context.0.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Notes that it has failed, and how, in a few words that are no text of an error: those can hold anything.
    pub fn fail(&self, how: &'static str) {
        if self.own {
            self.context.0.span().set_status(Status::error(how));
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.own {
            self.context.0.span().end();
        }
    }
}

/// The span of whoever sent a request, by its header `traceparent`.
#[must_use]
pub fn remote_parent(headers: &HeaderMap) -> Option<SpanContext> {
    let context = TraceContextPropagator::new().extract_with_context(&Inner::new(), &HeaderExtractor(headers));
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn without_a_collector_a_span_is_its_context_and_a_request_has_an_id_all_the_same() {
        let request = Span::of_request(|| unreachable!("nobody wants a name"), || unreachable!("nor a caller"));
        let id = request.context().request_id().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_eq!(request.context().traceparent(), None);
        let _entered = request.context().enter();
        let part = Span::begin(Kind::Client, || unreachable!("nor the name of a part"));
        assert_eq!(part.context().request_id().unwrap(), id);
        let other = Span::of_request(|| unreachable!(), || unreachable!());
        assert_ne!(other.context().request_id().unwrap(), id);
    }

    #[test]
    fn only_a_whole_traceparent_names_a_caller() {
        let of = |value: &str| {
            remote_parent(&HeaderMap::from_iter([(
                http::HeaderName::from_static("traceparent"),
                HeaderValue::from_str(value).unwrap(),
            )]))
        };
        let caller = of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(caller.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        for value in ["", "00-x-y-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert_eq!(of(value), None, "{value}");
        }
    }
}
