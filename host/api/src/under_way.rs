//! Requests whose handlers are at work.
//!
//! A handler goes on when its client has gone, so the end of the connections is not the end of the work: the shutdown waits for it
//! here, and says what it cuts off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use sockerless_engine::Error;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// A request, as the log names it.
#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    path: String,
    since: Instant,
}

/// The handlers at work.
#[derive(Debug)]
pub(crate) struct UnderWay {
    /// As many as there may be.
    limit: usize,
    tasks: TaskTracker,
    asked: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    rows: BTreeMap<u64, Asked>,
}

/// Takes a request out of the table when its handler is done, or dropped.
struct Row(u64, Arc<Mutex<Table>>);

impl Drop for Row {
    fn drop(&mut self) {
        lock(&self.1).rows.remove(&self.0);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnderWay {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, tasks: TaskTracker::new(), asked: Arc::default() }
    }

    /// Has a handler work in a task of its own.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        method: Method,
        path: String,
        handler: impl Future<Output = T> + Send + 'static,
    ) -> Result<JoinHandle<T>, Error> {
        let row = self.enter(Asked { method, path, since: Instant::now() })?;
        Ok(self.tasks.spawn(async move {
            let _row = row;
            handler.await
        }))
    }

    fn enter(&self, asked: Asked) -> Result<Row, Error> {
        let mut table = lock(&self.asked);
        if table.rows.len() >= self.limit {
            return Err(Error::unavailable(format!(
                "the daemon works on {} requests, as many as it does at once (--max-requests): try again later",
                self.limit
            )));
        }
        let key = table.next;
        table.next += 1;
        table.rows.insert(key, asked);
        Ok(Row(key, self.asked.clone()))
    }

    /// Waits until all are done, no longer than `limit`. Those that are not are named in the log.
    pub(crate) async fn finish(&self, limit: Duration) {
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_ok() {
            return;
        }
        for Asked { method, path, since } in lock(&self.asked).rows.values() {
            tracing::warn!(
                %method,
                path,
                seconds = since.elapsed().as_secs(),
                "a request is cut off by the shutdown: the next daemon goes on with what it had begun, or undoes it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_is_not_waited_for_and_what_is_not_is_known() {
        let calls = UnderWay::new(1);
        assert_eq!(calls.spawn(Method::GET, "/a".to_owned(), async { 1 }).unwrap().await.unwrap(), 1);
        let (go, held) = tokio::sync::oneshot::channel::<()>();
        let handler = calls.spawn(Method::POST, "/b".to_owned(), held).unwrap();
        assert!(calls.spawn(Method::GET, "/c".to_owned(), async {}).unwrap_err().message.contains("--max-requests"));
        let names = || lock(&calls.asked).rows.values().map(|asked| asked.path.clone()).collect::<Vec<_>>();
        assert_eq!(names(), ["/b"]);
        calls.finish(Duration::ZERO).await;
        assert_eq!(names(), ["/b"]);
        go.send(()).unwrap();
        handler.await.unwrap().unwrap();
        calls.finish(Duration::from_secs(60)).await;
        assert!(names().is_empty());
    }
}
