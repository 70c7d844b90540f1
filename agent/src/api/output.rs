//! The output of a process, as long as it lasts.

use std::time::Duration;

use futures_util::stream;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use sockerless_agent_protocol::frame::From;
use sockerless_agent_protocol::headers;
use tokio_util::sync::CancellationToken;

use super::processes::find;
use super::{Problem, Query, Result};
use crate::process::Processes;
use crate::spool::{Reader, Refusal};

/// Until when it is known whether the link broke or the daemon has had enough.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a reader whose link broke keeps its place.
const GRACE: Duration = Duration::from_secs(120);

pub(super) async fn read(processes: &Processes, id: &str, query: &Query, link: &CancellationToken) -> Result {
    let process = find(processes, id)?;
    let from: From = query
        .get("from")
        .and_then(|from| from.parse().ok())
        .ok_or_else(|| Problem::bad_request("the query does not say where to begin: from=oldest, end or an offset"))?;
    let reader = process.spool.read(from).await.map_err(|refusal| match refusal {
        Refusal::Dropped => Problem::new(StatusCode::GONE, "the output at this offset has been dropped"),
        Refusal::NoSuchOffset => Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "there is no output at this offset"),
    })?;
    let (begin, end) = (reader.begin, reader.end);
    let place = Place { processes: processes.clone(), id: id.to_owned(), link: link.clone(), reader, done: false };
    let frames = stream::unfold(place, |mut place| async move {
        match place.reader.next().await {
            Ok(Some(frames)) => Some((Ok(Frame::data(frames)), place)),
            Ok(None) => {
                place.finish();
                None
            }
            Err(error) => Some((Err(error), place)),
        }
    });
    let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
    answer.headers_mut().insert(headers::OUTPUT_BEGIN, HeaderValue::from(begin));
    answer.headers_mut().insert(headers::OUTPUT_END, HeaderValue::from(end));
    Ok(answer)
}

/// A reader's place in the output. It is given up at the end, or when the daemon asks for no more; with a broken link it is
/// kept for a while.
struct Place {
    processes: Processes,
    id: String,
    link: CancellationToken,
    reader: Reader,
    done: bool,
}

impl Place {
    /// The output has ended, and the daemon has been sent all of it.
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (processes, id, link, done) =
            (self.processes.clone(), std::mem::take(&mut self.id), self.link.clone(), self.done);
        let Some(process) = processes.get(&id) else { return };
        let reader = self.reader.id;
        if done && !link.is_cancelled() {
            process.spool.leave(reader);
            processes.sweep(&id);
            return;
        }
        process.spool.absent(reader);
        // Without a runtime the agent itself is ending.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if tokio::time::timeout(SETTLE, link.cancelled()).await.is_ok() {
                tokio::time::sleep(GRACE).await;
            }
            process.spool.leave(reader);
            processes.sweep(&id);
        });
    }
}
