//! Who is told of each request, beside whoever sent it.

use std::time::{Duration, Instant};

use http::Method;

/// Is told of requests when they have been answered. Must not block: requests wait for it.
pub trait Witness: Send + Sync + 'static {
    /// A request was answered, or its connection was taken over.
    fn answered(&self, request: Answered);
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its method.
    pub method: Method,
    /// The path of its URL, as the client wrote it; without the query.
    pub path: String,
    /// The status of the answer. Absent: the connection stopped being HTTP.
    pub status: Option<u16>,
    /// How long it took until the answer began.
    pub took: Duration,
}

/// A request that is about to be answered.
pub(crate) struct Asked {
    method: Method,
    path: String,
    since: Instant,
}

impl Asked {
    pub(crate) fn new<B>(request: &http::Request<B>) -> Self {
        Self { method: request.method().clone(), path: request.uri().path().to_owned(), since: Instant::now() }
    }

    pub(crate) fn answered(self, status: Option<u16>) -> Answered {
        let Self { method, path, since } = self;
        Answered { method, path, status, took: since.elapsed() }
    }
}
