//! What happens, as Docker's clients hear of it.
//!
//! Events go to those who listen, and the last of them are kept for those who ask for the past. They are not stored:
//! the Engine forgets them with the process too.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use futures_util::Stream;
use jiff::Timestamp;
use sockerless_docker::{Actor, EventMessage, Filters};
use sockerless_telemetry::metrics::metrics;
use tokio::sync::broadcast;

use crate::error::{Error, Result};
use crate::record::ContainerRecord;

/// How many past events can be asked for: the Engine's number.
const KEPT: usize = 256;

/// How far a listener may fall behind before it loses events.
const BACKLOG: usize = 4096;

/// Which events a client wants.
#[derive(Debug, Clone, Default)]
pub struct EventOptions {
    /// From this time on, out of those that are kept.
    pub since: Option<Timestamp>,
    /// The stream ends at this time.
    pub until: Option<Timestamp>,
    /// Docker's filters.
    pub filters: Filters,
}

#[derive(Debug)]
pub(crate) struct Events {
    live: broadcast::Sender<EventMessage>,
    past: Mutex<VecDeque<EventMessage>>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { live: broadcast::channel(BACKLOG).0, past: Mutex::new(VecDeque::with_capacity(KEPT)) }
    }

    /// Tells everybody who listens.
    pub(crate) fn publish(&self, kind: &str, action: &str, id: &str, attributes: BTreeMap<String, String>) {
        metrics().engine.event(kind);
        let now = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        let event = EventMessage::new(kind, action, Actor { id: id.to_owned(), attributes }, now);
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        if past.len() == KEPT {
            past.pop_front();
        }
        past.push_back(event.clone());
        // Sent under the lock, so that a subscriber finds an event in exactly one of the two places. That nobody listens is
        // no error.
        let _ = self.live.send(event);
    }

    /// An event of a container, with the attributes that the Engine gives to all of them.
    pub(crate) fn container(&self, record: &ContainerRecord, action: &str, more: &[(&str, String)]) {
        let mut attributes: BTreeMap<String, String> =
            record.config.labels.clone().unwrap_or_default().into_iter().collect();
        attributes.insert("image".to_owned(), record.config.image.clone());
        attributes.insert("name".to_owned(), record.name.clone());
        attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.publish("container", action, &record.id, attributes);
    }

    /// Past events, then live ones. Listening begins before this returns.
    pub(crate) fn subscribe(&self, options: EventOptions) -> Result<impl Stream<Item = EventMessage> + Send + use<>> {
        // A filter that the Engine does not know it does not mind here, and no event is held against it.
        if let Some((since, until)) = options.since.zip(options.until).filter(|(since, until)| since > until) {
            return Err(Error::invalid(format!(
                "`since` time ({}) cannot be after `until` time ({})",
                since.as_second(),
                until.as_second()
            )));
        }
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.live.subscribe();
        let nano = |time: Timestamp| i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX);
        let backlog: VecDeque<EventMessage> = match options.since {
            None if options.until.is_none() => VecDeque::new(),
            since => {
                past.iter().filter(|event| since.is_none_or(|since| event.time_nano >= nano(since))).cloned().collect()
            }
        };
        drop(past);
        // The Engine's 0 ends the stream at once, and bounds nothing that was.
        let until = options.until.map(nano).filter(|until| *until > 0);
        let filters = options.filters;
        let deadline = options.until.map(|until| {
            let left = Timestamp::now().duration_until(until);
            tokio::time::Instant::now() + std::time::Duration::try_from(left).unwrap_or_default()
        });
        Ok(futures_util::stream::unfold((backlog, live, false), move |(mut backlog, mut live, mut ended)| {
            let filters = filters.clone();
            async move {
                loop {
                    if ended {
                        return None;
                    }
                    let event = match backlog.pop_front() {
                        Some(event) => event,
                        None => {
                            let received = match deadline {
                                Some(deadline) => match tokio::time::timeout_at(deadline, live.recv()).await {
                                    Ok(received) => received,
                                    Err(_) => return None,
                                },
                                None => live.recv().await,
                            };
                            match received {
                                Ok(event) => event,
                                Err(broadcast::error::RecvError::Lagged(lost)) => {
                                    metrics().engine.events_dropped(lost);
                                    tracing::warn!(lost, "a listener of events is too slow and has lost some");
                                    continue;
                                }
                                Err(broadcast::error::RecvError::Closed) => return None,
                            }
                        }
                    };
                    if until.is_some_and(|until| event.time_nano > until) {
                        ended = true;
                        continue;
                    }
                    if matches(&filters, &event) {
                        return Some((event, (backlog, live, ended)));
                    }
                }
            }
        }))
    }
}

/// Whether an event passes the filters: any value of each key, all keys.
fn matches(filters: &Filters, event: &EventMessage) -> bool {
    let object = |kind: &str| {
        filters.matches_by(kind, |wanted| {
            event.r#type == kind
                && (event.actor.id.starts_with(wanted)
                    || event.actor.attributes.get("name").is_some_and(|name| name == wanted.trim_start_matches('/')))
        })
    };
    filters.matches_by("event", |wanted| {
        event.action == *wanted || event.action.split(':').next().is_some_and(|action| action == wanted)
    }) && filters.matches_by("type", |wanted| event.r#type == *wanted)
        && filters.matches_by("scope", |wanted| event.scope == *wanted)
        && ["container", "network", "volume", "plugin", "daemon"].into_iter().all(object)
        && filters.matches_by("image", |wanted| {
            (event.r#type == "image" && event.actor.id == *wanted)
                || event.actor.attributes.get("name").is_some_and(|name| event.r#type == "image" && name == wanted)
                || event.actor.attributes.get("image").is_some_and(|image| image == wanted)
        })
        && filters.matches_labels("label", &event.actor.attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    fn filters(json: &str) -> Filters {
        Filters::parse(json).unwrap()
    }

    fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[tokio::test]
    async fn past_then_live_without_a_gap() {
        let events = Events::new();
        let begin = Timestamp::now();
        events.publish("container", "create", "a", attributes(&[]));
        let options = EventOptions { since: Some(begin), ..EventOptions::default() };
        let mut stream = std::pin::pin!(events.subscribe(options).unwrap());
        events.publish("container", "start", "a", attributes(&[]));
        assert_eq!(stream.next().await.unwrap().action, "create");
        assert_eq!(stream.next().await.unwrap().action, "start");
    }

    #[tokio::test]
    async fn until_now_ends_at_once() {
        let events = Events::new();
        events.publish("volume", "create", "v", attributes(&[]));
        let options = EventOptions { until: Some(Timestamp::now()), ..EventOptions::default() };
        let all: Vec<_> = events.subscribe(options).unwrap().collect().await;
        assert_eq!(all.len(), 1);
    }

    #[tokio::test]
    async fn filters_are_any_of_a_key_and_all_keys() {
        let events = Events::new();
        let begin = Timestamp::now();
        events.publish("container", "create", "abc", attributes(&[("name", "one"), ("x", "1")]));
        events.publish("container", "exec_create: sh", "def", attributes(&[("name", "two"), ("x", "2")]));
        events.publish("network", "create", "abc", attributes(&[("name", "net")]));
        let count = async |json: &str| {
            let options = EventOptions { since: Some(begin), until: Some(Timestamp::now()), filters: filters(json) };
            events.subscribe(options).unwrap().count().await
        };
        assert_eq!(count("{}").await, 3);
        assert_eq!(count(r#"{"type":["container"]}"#).await, 2);
        assert_eq!(count(r#"{"container":["one","two"]}"#).await, 2);
        assert_eq!(count(r#"{"container":["ab"]}"#).await, 1);
        assert_eq!(count(r#"{"event":["exec_create"]}"#).await, 1);
        assert_eq!(count(r#"{"label":["x=2"]}"#).await, 1);
        assert_eq!(count(r#"{"label":["x"],"event":{"create":true}}"#).await, 1);
        assert_eq!(count(r#"{"no":["x"]}"#).await, 3);
        let backwards = EventOptions { since: Some(begin), until: Some(Timestamp::UNIX_EPOCH), ..Default::default() };
        assert!(events.subscribe(backwards).is_err());
    }
}
