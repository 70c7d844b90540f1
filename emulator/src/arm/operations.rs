//! Long-running operations: PUTs that are answered before they are done.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::draft::Draft;
use super::error::ArmError;
use super::gate::Reply;
use super::sites;
use super::state::{Site, State};
use crate::control::{PutForm, PutOutcome, PutScript};
use crate::http::query::parameter;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// Operations that are remembered; a client that comes back later than that gets a 404.
const MAX_OPERATIONS: usize = 10_000;

/// A PUT that goes on.
#[derive(Debug)]
pub(super) struct Operation {
    script: PutScript,
    polls_left: u32,
    began: jiff::Timestamp,
    draft: Draft,
    is_new: bool,
    /// How it ended.
    end: Option<Result<Value, ArmError>>,
}

/// Begins a PUT, and ends it at once where that is its form.
pub(super) fn begin(world: &World, exchange: &Exchange, state: &mut State, draft: Draft, is_new: bool) -> Reply {
    let script = world.faults.put_script().unwrap_or_else(|| world.config().arm.put.clone());
    if script.form == PutForm::AtOnce {
        return match failure(script.outcome) {
            None => Ok(Answer::json(StatusCode::OK, &sites::commit(world, state, draft))),
            Some(error) => {
                if script.leaves_site {
                    sites::commit(world, state, draft);
                }
                Err(error)
            }
        };
    }
    let now = jiff::Timestamp::now();
    let body = draft.view(&world.config(), false, now);
    if is_new {
        let site = Site { draft: draft.clone(), modified: now, is_stopped: false, handle: None };
        state.sites.insert(draft.name.to_ascii_lowercase(), site);
    }
    let id = Uuid::new_v4().to_string();
    let version = parameter(&exchange.query, "api-version").unwrap_or_default();
    let url = |kind: &str| {
        format!(
            "{}/subscriptions/{}/providers/Microsoft.Web/locations/{}/{kind}/{id}?api-version={version}",
            exchange.base_url(),
            world.config().arm.subscription,
            world.config().arm.location
        )
    };
    let answer = Answer::json(StatusCode::ACCEPTED, &body);
    let answer = match script.form {
        PutForm::Location => answer.with_header("location", url("operationresults")),
        PutForm::AsyncOperation | PutForm::AtOnce => answer.with_header("azure-asyncoperation", url("operations")),
    };
    let answer = retry_after(answer, &script);
    if state.operations.len() >= MAX_OPERATIONS {
        state.operations.retain(|_, operation| operation.end.is_none());
    }
    let operation = Operation { polls_left: script.polls, script, began: now, draft, is_new, end: None };
    state.operations.insert(id, operation);
    Ok(answer)
}

/// One poll, in the form of an operation or of a `Location`.
pub(super) fn poll(world: &World, exchange: &Exchange, id: &str, is_result: bool) -> Reply {
    if exchange.method != Method::GET {
        return Err(ArmError::method_not_allowed());
    }
    let unknown = || ArmError::new(StatusCode::NOT_FOUND, "NotFound", format!("The operation '{id}' was not found."));
    let mut state = world.arm.state();
    let mut operation = state.operations.remove(id).ok_or_else(unknown)?;
    if operation.end.is_none() {
        match operation.polls_left.checked_sub(1) {
            Some(left) => operation.polls_left = left,
            None => operation.end = Some(finish(world, &mut state, &operation)),
        }
    }
    let answer = if is_result { result(exchange, &operation) } else { Ok(status(id, &operation)) };
    state.operations.insert(id.to_owned(), operation);
    answer
}

fn finish(world: &World, state: &mut State, operation: &Operation) -> Result<Value, ArmError> {
    let key = operation.draft.name.to_ascii_lowercase();
    let Some(site) = state.sites.get(&key) else {
        return Err(ArmError::conflict("The site was deleted while it was being made."));
    };
    let is_unmade = site.handle.is_none();
    match failure(operation.script.outcome) {
        None => Ok(sites::commit(world, state, operation.draft.clone())),
        Some(error) => {
            if operation.is_new && is_unmade {
                if operation.script.leaves_site {
                    sites::commit(world, state, operation.draft.clone());
                } else {
                    state.sites.remove(&key);
                }
            }
            Err(error)
        }
    }
}

fn failure(outcome: PutOutcome) -> Option<ArmError> {
    match outcome {
        PutOutcome::Succeeded => None,
        PutOutcome::Failed => Some(ArmError::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "The site could not be made: the emulator was told to let this operation fail.",
        )),
        PutOutcome::Canceled => Some(ArmError::new(
            StatusCode::CONFLICT,
            "OperationCanceled",
            "The operation was canceled: the emulator was told to cancel it.",
        )),
    }
}

/// The body behind `Azure-AsyncOperation`.
fn status(id: &str, operation: &Operation) -> Answer {
    let (status, error) = match &operation.end {
        None => ("InProgress", None),
        Some(Ok(_)) => ("Succeeded", None),
        Some(Err(error)) if operation.script.outcome == PutOutcome::Canceled => ("Canceled", Some(error.body())),
        Some(Err(error)) => ("Failed", Some(error.body())),
    };
    let mut body = json!({ "id": id, "name": id, "status": status, "startTime": operation.began });
    if let Some(error) = error {
        body["error"] = error;
    }
    let answer = Answer::json(StatusCode::OK, &body);
    if operation.end.is_none() { retry_after(answer, &operation.script) } else { answer }
}

/// The answer behind `Location`.
fn result(exchange: &Exchange, operation: &Operation) -> Reply {
    match &operation.end {
        None => {
            let url = format!("{}{}?{}", exchange.base_url(), exchange.path, exchange.query);
            Ok(retry_after(Answer::empty(StatusCode::ACCEPTED).with_header("location", url), &operation.script))
        }
        Some(Ok(body)) => Ok(Answer::json(StatusCode::OK, body)),
        Some(Err(error)) => Err(error.clone()),
    }
}

fn retry_after(answer: Answer, script: &PutScript) -> Answer {
    match script.retry_after_ms {
        None => answer,
        Some(ms) if ms % 1_000 == 0 => answer.with_header("retry-after", (ms / 1_000).to_string()),
        Some(ms) => answer
            .with_header("retry-after", ms.div_ceil(1_000).to_string())
            .with_header("retry-after-ms", ms.to_string()),
    }
}
