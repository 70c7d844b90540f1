//! The lines of the container's command as telemetry of Application Insights: nothing else fills the table that `docker logs`
//! is read from.
//!
//! [`lines`] makes lines of output, [`envelope`] makes telemetry of lines, [`sender`] brings it away. The queue between them is
//! bounded and never holds the command up: what does not fit is counted, and the count is sent instead.

mod envelope;
mod lines;
mod sender;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

pub(crate) use lines::Lines;
pub(crate) use target::Target;

/// Bytes of lines that wait to be sent.
const QUEUE: usize = 8 << 20;

/// How long the last telemetry may take when the container is stopped.
const LAST: Duration = Duration::from_secs(2);

/// One line, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    time: Timestamp,
    run: Arc<str>,
    stream: u8,
    seq: u64,
    text: String,
    /// No newline follows.
    partial: bool,
}

enum Message {
    Item(Item),
    Flush(oneshot::Sender<()>),
}

/// Where lines go.
#[derive(Clone)]
pub(crate) struct Sink {
    messages: mpsc::UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl Sink {
    /// Takes the output of one stream of a run apart into lines.
    pub(crate) fn lines(&self, run: &str, stream: u8) -> Lines {
        Lines::new(self.clone(), run.into(), stream)
    }

    fn send(&self, item: Item) {
        let size = size(&item);
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > QUEUE {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // The sender's task ends with the agent.
        let _ = self.messages.send(Message::Item(item));
    }
}

/// What an item takes up, roughly.
fn size(item: &Item) -> usize {
    item.text.len() + 200
}

/// Telemetry, if there is where to send it to.
pub(crate) struct Telemetry {
    sink: Option<Sink>,
}

impl Telemetry {
    pub(crate) fn start(target: Option<Target>, boot: &str) -> Self {
        let sink = target.map(|target| {
            let (messages, inbox) = mpsc::unbounded_channel();
            let sink = Sink { messages, waiting: Arc::default(), lost: Arc::default() };
            let sender = sender::Sender::new(target, boot, sink.waiting.clone(), sink.lost.clone());
            tokio::spawn(sender.run(inbox));
            sink
        });
        if sink.is_none() {
            tracing::warn!("APPLICATIONINSIGHTS_CONNECTION_STRING is not set: `docker logs` will find nothing");
        }
        Self { sink }
    }

    pub(crate) fn sink(&self) -> Option<Sink> {
        self.sink.clone()
    }

    /// Waits, not for long, until everything is sent.
    pub(crate) async fn flush(&self) {
        let Some(sink) = &self.sink else { return };
        let (done, flushed) = oneshot::channel();
        let _ = sink.messages.send(Message::Flush(done));
        if tokio::time::timeout(LAST, flushed).await.is_err() {
            tracing::warn!("the last lines of output did not reach Application Insights in time");
        }
    }
}
