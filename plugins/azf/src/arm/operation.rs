//! Long-running operations: a PUT that is answered before it is done, followed to its end.

use serde_json::Value;

use super::client::{Client, json};
use super::error::{Failure, Refusal};
use super::retry::wait_asked;
use crate::bindings::http::Response;
use crate::world::{Request, header};

/// Between two polls, when the server does not say.
const PAUSE: u64 = 2_000;

/// The shortest pause, whatever the server says: it is asked a few hundred times, not as often as possible.
const SHORTEST_PAUSE: u64 = 20;

/// The longest one: an operation that ends earlier than the server thought shall not be waited for without need.
const LONGEST_PAUSE: u64 = 60_000;

/// How long an operation may take. A little less than the host gives to a create, so that there is time to say so.
const LIMIT_S: i64 = 13 * 60;

/// Longest URL that is followed.
const MAX_URL: usize = 4 << 10;

/// Where an operation tells how it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Poll {
    /// A document with a status.
    AsyncOperation(String),
    /// 202 until it is done.
    Location(String),
    /// The resource itself.
    Resource,
}

/// What one look at an operation showed.
enum State {
    Pending,
    Done,
}

/// Follows a PUT of the resource at `url` to its end, and answers the resource as it is then.
pub(crate) fn complete(client: &Client<'_>, url: &str, first: Response) -> Result<Value, Failure> {
    let mut poll = match begun(client, &first)? {
        // Without a pending state it is done, and the answer is the resource.
        None if first.status == 204 || first.body.is_empty() => return client.get(url),
        None => return json(&first),
        Some(poll) => poll,
    };
    let deadline = client.world.now().seconds.saturating_add(LIMIT_S);
    let mut last = first;
    loop {
        let wait = wait_asked(&last, client.world.now()).unwrap_or(PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        client.world.sleep(wait);
        let at = match &poll {
            Poll::AsyncOperation(at) | Poll::Location(at) => at.as_str(),
            Poll::Resource => url,
        };
        last = client.send(Request::new("GET", at))?;
        if let State::Done = look(&poll, &last)? {
            return match poll {
                Poll::Resource => json(&last),
                Poll::AsyncOperation(_) | Poll::Location(_) => client.get(url),
            };
        }
        if client.world.now().seconds >= deadline {
            return Err(Failure::Late(format!("Azure has not ended the operation within {} minutes", LIMIT_S / 60)));
        }
        poll = moved(client, poll, &last)?;
    }
}

/// How the operation goes on after the first answer; nothing when it is done.
fn begun(client: &Client<'_>, first: &Response) -> Result<Option<Poll>, Failure> {
    if first.status == 204 {
        return Ok(None);
    }
    let announced = announced(client, first)?;
    match (first.status, announced) {
        (_, Some(poll @ Poll::AsyncOperation(_))) | (201 | 202, Some(poll)) => Ok(Some(poll)),
        (202, None) => Ok(Some(Poll::Resource)),
        // 200, with a Location that only says where the resource is; 201, which is a 200 for what is new.
        (_, poll) => match provisioning(first)? {
            State::Done => Ok(None),
            State::Pending => Ok(Some(poll.unwrap_or(Poll::Resource))),
        },
    }
}

/// The place that an answer names for further questions.
fn announced(client: &Client<'_>, response: &Response) -> Result<Option<Poll>, Failure> {
    let absolute = |name: &str| header(response, name).map(|url| absolute(client, url.trim())).transpose();
    if let Some(url) = absolute("azure-asyncoperation")? {
        return Ok(Some(Poll::AsyncOperation(url)));
    }
    Ok(absolute("location")?.map(Poll::Location))
}

/// Answers may name another place for the next question, of the same kind.
fn moved(client: &Client<'_>, poll: Poll, response: &Response) -> Result<Poll, Failure> {
    match (&poll, announced(client, response)?) {
        (Poll::AsyncOperation(_), Some(next @ Poll::AsyncOperation(_)))
        | (Poll::Location(_), Some(next @ Poll::Location(_))) => Ok(next),
        _ => Ok(poll),
    }
}

fn absolute(client: &Client<'_>, url: &str) -> Result<String, Failure> {
    if url.len() > MAX_URL {
        return Err(Failure::Malformed(format!("the operation's URL is longer than {MAX_URL} bytes")));
    }
    Ok(if url.starts_with('/') { format!("https://{}{url}", client.settings.cloud.arm_host) } else { url.to_owned() })
}

fn look(poll: &Poll, response: &Response) -> Result<State, Failure> {
    match poll {
        Poll::Location(_) => Ok(if response.status == 202 { State::Pending } else { State::Done }),
        Poll::Resource => provisioning(response),
        Poll::AsyncOperation(_) => {
            let body = json(response)?;
            let status = body.get("status").and_then(Value::as_str);
            let status = status.ok_or_else(|| Failure::Malformed("the operation's answer has no status".to_owned()))?;
            judge(status, &body)
        }
    }
}

/// What the resource itself says; a resource without such a state is done.
fn provisioning(response: &Response) -> Result<State, Failure> {
    if response.status == 202 {
        return Ok(State::Pending);
    }
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return Ok(State::Done) };
    match body.pointer("/properties/provisioningState").and_then(Value::as_str) {
        None => Ok(State::Done),
        Some(status) => judge(status, &body),
    }
}

fn judge(status: &str, body: &Value) -> Result<State, Failure> {
    match status.to_ascii_lowercase().as_str() {
        "succeeded" => Ok(State::Done),
        "failed" | "canceled" | "cancelled" => {
            let mut refusal = body.get("error").map(Refusal::of_body).unwrap_or_default();
            if refusal.code.is_empty() {
                refusal.code = status.to_owned();
            }
            if refusal.message.is_empty() {
                refusal.message = format!("the operation ended as {status}");
            }
            Err(Failure::Refused(Box::new(refusal)))
        }
        _ => Ok(State::Pending),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Script, response};

    const URL: &str = "https://management.azure.com/site?api-version=2025-05-01";
    const OPERATION: &str = "https://management.azure.com/operations/1?api-version=2025-05-01";
    const SITE: &str = r#"{"id":"/site"}"#;

    fn run(first: Response, script: Script) -> (Result<Value, Failure>, Script) {
        let settings = script.settings();
        let result = complete(&Client::new(&script, &settings, ""), URL, first);
        (result, script)
    }

    fn urls(script: &Script) -> Vec<String> {
        script.sent().into_iter().map(|request| request.url).collect()
    }

    #[test]
    fn done_at_once() {
        for status in [200, 201] {
            let (result, script) = run(response(status, &[], SITE), Script::new());
            assert_eq!(result.unwrap()["id"], "/site");
            assert!(script.sent().is_empty());
        }
        let (result, script) = run(response(204, &[], ""), Script::new().answer(200, SITE));
        assert_eq!(result.unwrap()["id"], "/site");
        assert_eq!(urls(&script), [URL]);
    }

    #[test]
    fn a_location_on_a_200_is_no_operation() {
        let (result, script) = run(response(200, &[("location", "https://elsewhere/")], SITE), Script::new());
        assert!(result.is_ok() && script.sent().is_empty());
    }

    #[test]
    fn by_azure_async_operation_with_statuses_in_any_case_and_a_final_get() {
        let first = response(
            202,
            &[("azure-asyncoperation", OPERATION), ("location", "https://x/"), ("retry-after", "7")],
            SITE,
        );
        let script = Script::new()
            .respond(response(200, &[("retry-after-ms", "250")], r#"{"status":"InProgress"}"#))
            .answer(200, r#"{"status":"running"}"#)
            .answer(200, r#"{"status":"SUCCEEDED"}"#)
            .answer(200, SITE);
        let (result, script) = run(first, script);
        assert_eq!(result.unwrap()["id"], "/site");
        assert_eq!(urls(&script), [OPERATION, OPERATION, OPERATION, URL]);
        assert_eq!(script.slept(), [7_000, 250, 2_000]);
    }

    #[test]
    fn by_location_which_may_move() {
        let moved = "https://management.azure.com/results/2";
        let first = response(202, &[("location", "/results/1")], "");
        let script = Script::new().respond(response(202, &[("location", moved)], "")).answer(204, "").answer(200, SITE);
        let (result, script) = run(first, script);
        assert_eq!(result.unwrap()["id"], "/site");
        assert_eq!(urls(&script), ["https://management.azure.com/results/1", moved, URL]);
    }

    #[test]
    fn by_the_resource_where_nothing_is_named() {
        let script = Script::new()
            .answer(200, r#"{"properties":{"provisioningState":"InProgress"}}"#)
            .answer(200, r#"{"id":"/site","properties":{"provisioningState":"Succeeded"}}"#);
        let (result, script) = run(response(202, &[], ""), script);
        assert_eq!(result.unwrap()["id"], "/site");
        assert_eq!(urls(&script), [URL, URL]);
        let pending = response(201, &[], r#"{"properties":{"provisioningState":"Creating"}}"#);
        assert_eq!(run(pending, Script::new().answer(200, SITE)).0.unwrap()["id"], "/site");
    }

    #[test]
    fn failed_and_canceled_carry_their_error() {
        for status in ["Failed", "canceled", "Cancelled"] {
            let body = format!(r#"{{"status":"{status}","error":{{"code":"BadRequest","message":"no"}}}}"#);
            let first = response(202, &[("azure-asyncoperation", OPERATION)], "");
            let (result, _) = run(first, Script::new().answer(200, &body));
            let Failure::Refused(refusal) = result.unwrap_err() else { panic!() };
            assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("BadRequest", "no"));
        }
        let first = response(202, &[("azure-asyncoperation", OPERATION)], "");
        let (result, _) = run(first, Script::new().answer(200, r#"{"status":"Failed"}"#));
        assert!(matches!(result, Err(Failure::Refused(refusal)) if refusal.summary().contains("ended as Failed")));
    }

    #[test]
    fn a_poll_that_is_refused_is_a_failure() {
        let first = response(202, &[("location", "/results/1")], "");
        let (result, _) = run(first, Script::new().answer(409, r#"{"error":{"code":"Conflict","message":"no"}}"#));
        assert!(matches!(result, Err(Failure::Refused(refusal)) if refusal.status == 409));
    }

    #[test]
    fn a_poll_without_a_status_or_with_an_endless_url_is_not_followed() {
        let first = response(202, &[("azure-asyncoperation", OPERATION)], "");
        assert!(matches!(run(first, Script::new().answer(200, "{}")).0, Err(Failure::Malformed(_))));
        let first = response(202, &[("location", &"x".repeat(MAX_URL + 1))], "");
        assert!(matches!(run(first, Script::new()).0, Err(Failure::Malformed(_))));
    }

    #[test]
    fn it_ends_when_azure_does_not() {
        let pending = r#"{"status":"InProgress"}"#;
        let first = response(202, &[("azure-asyncoperation", OPERATION)], "");
        let script =
            (0..20).fold(Script::new(), |script, _| script.respond(response(200, &[("retry-after", "3600")], pending)));
        let (result, script) = run(first, script);
        assert!(matches!(result, Err(Failure::Late(text)) if text.contains("13 minutes")));
        assert!(script.slept().iter().all(|wait| *wait <= LONGEST_PAUSE));
    }
}
