//! The requests that were received, for a test to look at.

use std::collections::VecDeque;
use std::sync::Mutex;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde::Serialize;

use crate::http::{Exchange, Service};
use crate::sync::lock;

/// Most bytes of a body that are kept.
const MAX_BODY: usize = 64 << 10;

/// A request and the status of its answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Received {
    time: Timestamp,
    service: &'static str,
    method: String,
    host: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
    /// Status of the answer.
    pub(crate) status: u16,
}

impl Received {
    /// Notes a request, without its credentials.
    pub(crate) fn new<B>(service: &Service, host: &str, request: &Request<B>) -> Self {
        Self {
            time: Timestamp::now(),
            service: service.name(),
            method: request.method().to_string(),
            host: host.to_owned(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: headers(request.headers()),
            body: String::new(),
            status: 0,
        }
    }

    /// Notes the body, unless it is a form with a secret.
    pub(crate) fn take_body(&mut self, service: &Service, exchange: &Exchange) {
        if *service != Service::Login {
            let end = exchange.body.len().min(MAX_BODY);
            self.body = String::from_utf8_lossy(&exchange.body[..end]).into_owned();
        }
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| *name != AUTHORIZATION)
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// The last requests.
#[derive(Debug)]
pub(crate) struct Requests {
    limit: usize,
    list: Mutex<VecDeque<Received>>,
}

impl Requests {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, list: Mutex::default() }
    }

    pub(crate) fn add(&self, request: Received) {
        let mut list = lock(&self.list);
        if list.len() >= self.limit {
            list.pop_front();
        }
        if self.limit > 0 {
            list.push_back(request);
        }
    }

    pub(crate) fn clear(&self) {
        lock(&self.list).clear();
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        lock(&self.list).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_kept() {
        let request =
            Request::get("/x?y=1").header("authorization", "Bearer t").header("accept", "a").body(()).unwrap();
        let received = Received::new(&Service::Arm, "management.azure.com", &request);
        assert_eq!(received.headers, [("accept".to_owned(), "a".to_owned())]);
        assert_eq!(received.query, "y=1");
    }

    #[test]
    fn the_oldest_is_dropped() {
        let requests = Requests::new(1);
        for path in ["/a", "/b"] {
            requests.add(Received::new(&Service::Arm, "h", &Request::get(path).body(()).unwrap()));
        }
        assert_eq!(requests.all().iter().map(|request| request.path.as_str()).collect::<Vec<_>>(), ["/b"]);
    }
}
