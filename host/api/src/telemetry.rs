//! The id of a request, and what operators see of it: its span, its metrics, its lines of the log.

use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use sockerless_telemetry::metrics::{Held, metrics};
use sockerless_telemetry::{Context, Name, Span, Within, remote_parent};

use crate::server::Hijack;
use crate::wire::Body;
use crate::witness::Answered;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request that is being answered.
pub(crate) struct Observed {
    span: Span,
    _in_flight: Held,
}

impl Observed {
    /// Gives a request its id. What the client calls it is not taken over: an id must name one request.
    pub(crate) fn begin<B>(request: &Request<B>) -> Self {
        let method = request.method();
        let name = || Name::new(method.to_string()).with("http.request.method", method.to_string());
        let span = Span::of_request(name, || remote_parent(request.headers()));
        Self { span, _in_flight: metrics().docker.asked() }
    }

    /// Does the work on its answer.
    pub(crate) fn run<F: Future>(&self, answer: F) -> Within<F> {
        self.span.run(answer)
    }

    /// Its answer is about to begin. `route` is the pattern of its path, if it has one.
    pub(crate) fn end(
        self,
        answer: Result<Response<Body>, Hijack>,
        route: Option<&'static str>,
        answered: &Answered,
    ) -> Result<Response<Body>, Hijack> {
        let Answered { method, status, took, .. } = answered;
        metrics().docker.answered(method.as_str(), route, *status, *took);
        if let Some(route) = route {
            self.span.rename(|| format!("{method} {route}"));
            self.span.set("http.route", route);
        }
        if let Some(status) = status {
            self.span.set("http.response.status_code", i64::from(*status));
            if *status >= 500 {
                self.span.fail("the request failed");
            }
        }
        let context = self.span.context().clone();
        let entered = context.enter();
        tracing::debug!(%method, route, status, took = ?took, "a request of Docker's API");
        drop(entered);
        let Some(id) = context.request_id() else { return answer };
        match answer {
            Ok(mut response) => {
                if let Ok(id) = HeaderValue::from_str(&id) {
                    response.headers_mut().insert(REQUEST_ID, id);
                }
                // Nothing is done any more for a body that is there already.
                let whole = response.body().size_hint().exact().is_some();
                Ok(if whole { response } else { response.map(|body| Course { body, context }.boxed_unsync()) })
            }
            Err(hijack) => Err(hijack.of_request("X-Request-Id", &id, context)),
        }
    }
}

/// A body that comes by and by in the course of its request.
struct Course {
    body: Body,
    context: Context,
}

impl http_body::Body for Course {
    type Data = Bytes;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        poller: &mut Poller<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        let _entered = this.context.enter();
        Pin::new(&mut this.body).poll_frame(poller)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
