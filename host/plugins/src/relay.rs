//! Outcomes for an engine that is made after the backends it uses.

use std::sync::Arc;

use async_trait::async_trait;
use sockerless_backend::OutcomeSink;
use sockerless_backend::types::Outcome;
use tokio::sync::watch;

/// Passes outcomes on to a sink that is known later. What comes before waits.
pub struct OutcomeRelay {
    sink: watch::Sender<Option<Arc<dyn OutcomeSink>>>,
}

impl OutcomeRelay {
    /// A relay without a sink.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { sink: watch::Sender::new(None) })
    }

    /// Gives it the sink.
    pub fn bind(&self, sink: Arc<dyn OutcomeSink>) {
        self.sink.send_replace(Some(sink));
    }
}

impl std::fmt::Debug for OutcomeRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutcomeRelay").field("bound", &self.sink.borrow().is_some()).finish()
    }
}

#[async_trait]
impl OutcomeSink for OutcomeRelay {
    async fn dispatched(&self, container: &str, run: &str, outcome: Outcome) {
        let mut receiver = self.sink.subscribe();
        let sink = match receiver.wait_for(Option::is_some).await {
            Ok(sink) => sink.clone(),
            Err(_) => None,
        };
        if let Some(sink) = sink {
            sink.dispatched(container, run, outcome).await;
        }
    }
}
