//! Processes: their state, their start, signals and sizes.

use std::sync::Arc;

use http::StatusCode;
use hyper::body::Incoming;
use sockerless_agent_protocol::spec::ProcessSpec;

use super::{Problem, Query, Result, empty, json, read};
use crate::process::{Process, Processes, Refusal};

pub(super) fn find(processes: &Processes, id: &str) -> Result<Arc<Process>> {
    processes.get(id).ok_or_else(|| Problem::not_found(format!("this agent does not know the process {id}")))
}

pub(super) async fn state(processes: &Processes, id: &str, query: &Query) -> Result {
    let state = match query.get("wait") {
        None => find(processes, id)?.state(),
        Some("begun") => {
            let process = processes.awaited(id).await;
            process.expect();
            process.begun().await
        }
        Some("exited") => find(processes, id)?.ended().await,
        Some(other) => {
            return Err(Problem::bad_request(format!("there is nothing to wait for that is called {other:?}")));
        }
    };
    Ok(json(StatusCode::OK, &state))
}

pub(super) async fn start(processes: &Processes, id: &str, body: Incoming) -> Result {
    let spec: ProcessSpec = serde_json::from_slice(&read(body).await?)
        .map_err(|error| Problem::bad_request(format!("the specification of the process: {error}")))?;
    Ok(json(StatusCode::OK, &processes.exec(id, spec).begun().await))
}

pub(super) fn release(processes: &Processes, id: &str) -> Result {
    find(processes, id)?.spool.release();
    Ok(empty())
}

pub(super) fn signal(processes: &Processes, id: &str, query: &Query) -> Result {
    let signal = query.get("signal").unwrap_or_default();
    find(processes, id)?.signal(signal).map_err(|refusal| refused(refusal, signal))?;
    Ok(empty())
}

pub(super) fn resize(processes: &Processes, id: &str, query: &Query) -> Result {
    let (height, width) = (query.number("height")?, query.number("width")?);
    find(processes, id)?.resize(height, width).map_err(|refusal| refused(refusal, ""))?;
    Ok(empty())
}

fn refused(refusal: Refusal, signal: &str) -> Problem {
    match refusal {
        Refusal::NotRunning => Problem::new(StatusCode::CONFLICT, "the process does not run"),
        Refusal::NoTerminal => Problem::bad_request("the process has no terminal"),
        Refusal::NoSuchSignal => Problem::bad_request(format!("invalid signal: {signal}")),
        Refusal::System(message) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, message),
    }
}
