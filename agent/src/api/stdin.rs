//! The input of a process.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use sockerless_agent_protocol::input::END;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::processes::find;
use super::{Problem, Query, Result};
use crate::process::{Processes, StdinError};

type Told = std::result::Result<Frame<Bytes>, std::io::Error>;

pub(super) async fn write(processes: &Processes, id: &str, writer: &str, query: &Query, body: Incoming) -> Result {
    let process = find(processes, id)?;
    let mut offset: u64 = query.number("offset")?;
    let close = query.is("close");
    process.begun().await;
    let (sender, acknowledgements) = mpsc::unbounded_channel::<Told>();
    let mut answer = Response::new(StreamBody::new(UnboundedReceiverStream::new(acknowledgements)).boxed_unsync());
    *answer.status_mut() = StatusCode::OK;
    // It has ended, or takes no input: nobody is held up.
    let Some(stdin) = process.stdin() else {
        tokio::spawn(discard(body, offset, sender));
        return Ok(answer);
    };
    let (state, replaced) = stdin.begin(writer);
    let accepted = stdin.accepted(&state).await;
    if offset > accepted {
        return Err(Problem::new(StatusCode::CONFLICT, format!("input from {accepted} on is missing")));
    }
    let tell = move |offset: u64| {
        // The daemon may have gone.
        let _ = sender.send(Ok(Frame::data(Bytes::copy_from_slice(&offset.to_be_bytes()))));
    };
    tell(accepted);
    tokio::spawn(async move {
        let mut body = body;
        while let Some(frame) = body.frame().await {
            // Broken off: the daemon comes back, or does not want the end to be seen.
            let Ok(frame) = frame else { return };
            let Ok(bytes) = frame.into_data() else { continue };
            match stdin.write(&state, &replaced, offset, &bytes, &tell).await {
                Ok(()) => {}
                Err(StdinError::Replaced | StdinError::Gap) => return,
            }
            offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        if close {
            stdin.close().await;
        }
        tell(END);
    });
    Ok(answer)
}

/// Takes input for nobody.
async fn discard(mut body: Incoming, mut offset: u64, sender: mpsc::UnboundedSender<Told>) {
    let tell = |offset: u64| sender.send(Ok(Frame::data(Bytes::copy_from_slice(&offset.to_be_bytes()))));
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        if let Some(bytes) = frame.data_ref() {
            offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        if tell(offset).is_err() {
            return;
        }
    }
    let _ = tell(END);
}
