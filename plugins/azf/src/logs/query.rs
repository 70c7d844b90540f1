//! The request to the query service.

use serde_json::{Value, json};

use crate::arm::{ATTEMPTS, Failure, Refusal, exchange};
use crate::bindings::http::{HttpError, Response};
use crate::bindings::log::Level;
use crate::bindings::logs::Query;
use crate::config::Settings;
use crate::kql;
use crate::time;
use crate::world::{Request, SendError, Signer, World};

/// How long the service may work on the query.
const WAIT_S: u32 = 90;

/// How far the times of rows and lines may be apart, both of which are rounded on their way.
const TOLERANCE_S: i64 = 1;

const DAY_S: i64 = 86_400;

/// The plain snapshot, as the mapping has it.
fn snapshot(app: &str) -> String {
    format!("AppTraces | where AppRoleName == {} | order by TimeGenerated asc", kql::literal(app))
}

/// Asks for the rows of an app. Nothing: there are none.
pub(super) fn run(
    world: &dyn World,
    settings: &Settings,
    workspace: &str,
    app: &str,
    query: &Query,
) -> Result<Option<Vec<u8>>, Failure> {
    let mut question = json!({ "query": snapshot(app) });
    if let Some(span) = timespan(world, query) {
        question["timespan"] = json!(span);
    }
    let response = ask(world, settings, workspace, &question, ATTEMPTS)?;
    match response.status {
        204 => Ok(None),
        200 if response.body.is_empty() => {
            world.log(Level::Warn, "Log Analytics answered with nothing", &[("app", app)]);
            Ok(None)
        }
        _ => Ok(Some(response.body)),
    }
}

/// Asks for one row of whatever app, once.
pub(super) fn probe(world: &dyn World, settings: &Settings, workspace: &str) -> Result<(), Failure> {
    ask(world, settings, workspace, &json!({ "query": "AppTraces | take 1" }), 1).map(drop)
}

/// What the query service answers, if that is a success.
fn ask(
    world: &dyn World,
    settings: &Settings,
    workspace: &str,
    question: &Value,
    attempts: u32,
) -> Result<Response, Failure> {
    let url = format!("https://{}/v1/workspaces/{workspace}/query", settings.cloud.logs_host);
    let request = Request::new("POST", url)
        // Without the media type the answer is an empty success; without the other, up to two minutes old.
        .json(question)
        .header("cache-control", "no-cache")
        .header("prefer", format!("wait={WAIT_S}"))
        .signed(Signer::Scope(settings.cloud.logs_scope))
        .within((WAIT_S + 10) * 1_000)
        .repeatable();
    let response = exchange(world, &request, attempts).map_err(|error| match error {
        SendError::Http(HttpError::TooLarge(limit)) => Failure::Malformed(format!(
            "the log has more than the {limit} bytes that can be read at once; ask for a part of it, with --since and --until"
        )),
        error => Failure::Unsent(error),
    })?;
    match response.status {
        200 | 204 => Ok(response),
        _ => Err(Failure::Refused(Box::new(Refusal::parse(&response, world.now())))),
    }
}

/// The interval in which the lines lie that are wanted, a little longer: the host cuts exactly.
fn timespan(world: &dyn World, query: &Query) -> Option<String> {
    if query.since.is_none() && query.until.is_none() {
        return None;
    }
    let start = query.since.map_or(0, |since| since.seconds.saturating_sub(TOLERANCE_S).max(0));
    let end = match query.until {
        // The fraction is not written.
        Some(until) => until.seconds.saturating_add(1 + TOLERANCE_S),
        // Clocks differ: what was written a moment ago may be of the future.
        None => world.now().seconds.max(start).saturating_add(DAY_S),
    };
    Some(format!("{}/{}", time::format(start), time::format(end.max(start))))
}
