//! Brings telemetry to the ingestion endpoint: in batches, and again when it is not taken.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::target::Target;
use super::{Item, Message, envelope, size};
use crate::connect::connect;

/// How long lines are collected before they are sent.
const COLLECT: Duration = Duration::from_millis(250);
/// Lines of one batch.
const ITEMS: usize = 500;
/// Bytes of the lines of one batch.
const BYTES: usize = 512 << 10;
/// How long one exchange may take.
const EXCHANGE: Duration = Duration::from_secs(30);
const BACK_OFF: Duration = Duration::from_millis(500);
const BACK_OFF_MAX: Duration = Duration::from_secs(30);

pub(super) struct Sender {
    target: Target,
    boot: String,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// What the endpoint said to a batch.
enum Verdict {
    Taken,
    /// Of this batch, these once more.
    Again(Vec<usize>),
    AllAgain(String),
    /// It will never be taken.
    Refused(String),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    errors: Vec<AnswerError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerError {
    index: usize,
    status_code: u16,
}

fn may_be_repeated(status: u16) -> bool {
    matches!(status, 408 | 429 | 439 | 500 | 502 | 503 | 504)
}

impl Sender {
    pub(super) fn new(target: Target, boot: &str, waiting: Arc<AtomicUsize>, lost: Arc<AtomicU64>) -> Self {
        Self { target, boot: boot.to_owned(), waiting, lost, connection: None }
    }

    /// Sends until nobody is left who could write.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        let mut queue = VecDeque::new();
        let mut flushes = Vec::new();
        while let Some(message) = inbox.recv().await {
            take(message, &mut queue, &mut flushes);
            if flushes.is_empty() {
                sleep(COLLECT).await;
            }
            while let Ok(message) = inbox.try_recv() {
                take(message, &mut queue, &mut flushes);
            }
            while !queue.is_empty() {
                self.tell_losses(&mut queue);
                let batch = batch(&mut queue);
                self.deliver(batch).await;
                while let Ok(message) = inbox.try_recv() {
                    take(message, &mut queue, &mut flushes);
                }
            }
            for flushed in flushes.drain(..) {
                // Whoever asked may not wait any longer.
                let _ = flushed.send(());
            }
        }
    }

    /// A line that says how many there should be.
    fn tell_losses(&self, queue: &mut VecDeque<Item>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0
            && let Some(first) = queue.front()
        {
            let text =
                format!("[sockerless-agent: {lost} lines are missing here: there was more output than could be sent]");
            let marker = Item { time: Timestamp::now(), text, partial: false, ..first.clone() };
            self.waiting.fetch_add(size(&marker), Ordering::Relaxed);
            queue.push_front(marker);
        }
    }

    /// Sends a batch until it is taken, or refused for good.
    async fn deliver(&mut self, mut batch: Vec<Item>) {
        let mut pause = BACK_OFF;
        while !batch.is_empty() {
            match self.send(&batch).await {
                Verdict::Taken => break,
                Verdict::Again(indices) => {
                    batch = indices.into_iter().filter_map(|index| batch.get(index).cloned()).collect();
                }
                Verdict::AllAgain(why) => tracing::debug!(why, "telemetry is sent again"),
                Verdict::Refused(why) => {
                    tracing::warn!(
                        why,
                        lines = batch.len(),
                        "lines of output are lost: the ingestion endpoint refuses them"
                    );
                    break;
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF_MAX);
        }
        self.waiting.fetch_sub(batch.iter().map(size).sum(), Ordering::Relaxed);
    }

    async fn send(&mut self, batch: &[Item]) -> Verdict {
        let body = match self.body(batch) {
            Ok(body) => body,
            Err(error) => return Verdict::Refused(error.to_string()),
        };
        match timeout(EXCHANGE, self.exchange(body)).await {
            Ok(Ok((status, answer))) => verdict(status, &answer, batch.len()),
            Ok(Err(error)) => {
                self.connection = None;
                Verdict::AllAgain(error.to_string())
            }
            Err(_) => {
                self.connection = None;
                Verdict::AllAgain("no answer in time".to_owned())
            }
        }
    }

    /// One envelope a line, compressed.
    fn body(&self, batch: &[Item]) -> std::io::Result<Bytes> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for item in batch {
            serde_json::to_writer(&mut encoder, &envelope::of(item, &self.target, &self.boot))?;
            encoder.write_all(b"\n")?;
        }
        Ok(encoder.finish()?.into())
    }

    async fn exchange(&mut self, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut sender = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => {
                let (sender, connection) = handshake(TokioIo::new(connect(&self.target.url).await?)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        sender.ready().await?;
        let url = &self.target.url;
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let request = Request::post(url.path())
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/x-json-stream")
            .header(header::CONTENT_ENCODING, "gzip")
            .body(Full::new(body))?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, 4 << 20).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
        self.connection = Some(sender);
        Ok((head.status, body))
    }
}

fn take(message: Message, queue: &mut VecDeque<Item>, flushes: &mut Vec<oneshot::Sender<()>>) {
    match message {
        Message::Item(item) => queue.push_back(item),
        Message::Flush(flushed) => flushes.push(flushed),
    }
}

fn batch(queue: &mut VecDeque<Item>) -> Vec<Item> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(item) = queue.pop_front_if(|item| batch.is_empty() || bytes + size(item) <= BYTES) {
        bytes += size(&item);
        batch.push(item);
        if batch.len() == ITEMS {
            break;
        }
    }
    batch
}

fn verdict(status: StatusCode, answer: &[u8], count: usize) -> Verdict {
    match status.as_u16() {
        200 => Verdict::Taken,
        206 => {
            let errors = serde_json::from_slice::<Answer>(answer).unwrap_or_default().errors;
            let again = errors.iter().filter(|error| may_be_repeated(error.status_code) && error.index < count);
            let again: Vec<usize> = again.map(|error| error.index).collect();
            if again.is_empty() { Verdict::Taken } else { Verdict::Again(again) }
        }
        status if may_be_repeated(status) => Verdict::AllAgain(format!("status {status}")),
        status => Verdict::Refused(format!(
            "status {status}: {}",
            String::from_utf8_lossy(answer.get(..300).unwrap_or(answer))
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_repeating_is_repeated() {
        let partial = br#"{"itemsReceived":3,"itemsAccepted":1,"errors":[{"index":0,"statusCode":429,"message":""},{"index":2,"statusCode":400,"message":""}]}"#;
        assert!(matches!(verdict(StatusCode::OK, b"", 3), Verdict::Taken));
        assert!(matches!(verdict(StatusCode::PARTIAL_CONTENT, partial, 3), Verdict::Again(again) if again == [0]));
        assert!(matches!(verdict(StatusCode::SERVICE_UNAVAILABLE, b"", 3), Verdict::AllAgain(_)));
        assert!(matches!(verdict(StatusCode::BAD_REQUEST, b"no", 3), Verdict::Refused(_)));
        assert!(matches!(verdict(StatusCode::PAYMENT_REQUIRED, b"", 3), Verdict::Refused(_)));
    }
}
