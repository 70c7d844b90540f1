//! In the course of which request something is done.

use std::sync::Arc;

use http::HeaderValue;
use opentelemetry::Context as Inner;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;

/// A future whose work is done in the course of a request.
pub type Within<F> = opentelemetry::context::WithContext<F>;

/// While it is there, this thread works in the course of a request.
#[must_use]
pub struct Entered(#[expect(dead_code, reason = "ends when it is dropped")] opentelemetry::ContextGuard);

/// In the course of which request something is done, if of any, and in which span of its trace. Cheap to clone.
///
/// A task that is spawned has none of its own: whoever spawns it, or hands work to another task, gives it the [current](Self::current) one.
#[derive(Debug, Clone, Default)]
pub struct Context(pub(crate) Inner);

/// The id of a request.
struct RequestId(Arc<str>);

impl Context {
    /// That of the work which this is called by.
    #[must_use]
    pub fn current() -> Self {
        Self(Inner::current())
    }

    /// Does the future's work in this context.
    pub fn run<F: Future>(&self, future: F) -> Within<F> {
        future.with_context(self.0.clone())
    }

    /// Does what this thread does next in this context, until the guard is dropped. Not to be held over an `await`.
    pub fn enter(&self) -> Entered {
        Entered(self.0.clone().attach())
    }

    /// The id of the request: 32 hexadecimal digits. Nothing outside of one.
    #[must_use]
    pub fn request_id(&self) -> Option<Arc<str>> {
        self.0.get::<RequestId>().map(|id| id.0.clone())
    }

    /// Where in a trace something that is asked of somebody else belongs: the value of the header `traceparent`. Nothing outside of one.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        let span = self.0.span();
        let context = span.span_context();
        if !context.is_valid() {
            return None;
        }
        let value = format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8());
        HeaderValue::from_str(&value).ok()
    }

    pub(crate) fn with_request_id(&self, id: String) -> Self {
        Self(self.0.with_value(RequestId(id.into())))
    }
}

/// The id of the request in whose course this is called.
#[must_use]
pub fn request_id() -> Option<Arc<str>> {
    Inner::map_current(|context| context.get::<RequestId>().map(|id| id.0.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn goes_with_the_work_and_ends_with_it() {
        let context = Context::default().with_request_id("1".to_owned());
        let inside = context.run(async {
            tokio::task::yield_now().await;
            let handed_on = Context::current();
            // A task of its own has it only when it is given.
            assert_eq!(tokio::spawn(async { request_id() }).await.unwrap(), None);
            tokio::spawn(handed_on.run(async { request_id() })).await.unwrap()
        });
        assert_eq!(inside.await.as_deref(), Some("1"));
        assert_eq!(request_id(), None);
        let entered = context.enter();
        assert_eq!(request_id().as_deref(), Some("1"));
        drop(entered);
        assert_eq!(request_id(), None);
    }
}
