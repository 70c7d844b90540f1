//! `POST /v1/workspaces/{GUID}/query`.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kql::{self, KqlError, Moment, Table};
use super::{table, timespan};
use crate::http::{Answer, Exchange};
use crate::identity::{Audience, Refusal};
use crate::world::World;

#[derive(Deserialize)]
struct Question {
    query: String,
    #[serde(default)]
    timespan: Option<String>,
}

/// Answers a request to Log Analytics.
pub(crate) fn handle(world: &World, exchange: &Exchange) -> Answer {
    respond(world, exchange).unwrap_or_else(|error| *error)
}

fn respond(world: &World, exchange: &Exchange) -> Result<Answer, Box<Answer>> {
    authorize(world, exchange)?;
    let segments: Vec<_> = exchange.path.trim_matches('/').split('/').collect();
    let ["v1", "workspaces", workspace, "query"] = segments.as_slice() else {
        return Err(path_not_found(&exchange.path));
    };
    if exchange.method != Method::POST {
        return Err(error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "Queries are sent with POST."));
    }
    if !workspace.eq_ignore_ascii_case(&world.config().logs.workspace) {
        return Err(path_not_found(&exchange.path));
    }
    if let Err(wait) = world.logs.throttle(world.config().logs.queries) {
        let answer = error(
            StatusCode::TOO_MANY_REQUESTS,
            "ThrottledError",
            "The request limit of 200 queries in 30 seconds is reached.",
        );
        let seconds = wait.as_secs() + 1;
        return Err(Box::new(answer.with_header("retry-after", seconds.to_string())));
    }
    // So it is there, too: without the media type the question is not even looked at.
    if exchange.media_type().as_deref() != Some("application/json") {
        return Ok(Answer::empty(StatusCode::OK));
    }
    let question: Question = serde_json::from_slice(&exchange.body)
        .map_err(|reason| bad_argument(&reason.to_string(), "InvalidJsonBody", "The body is no JSON query."))?;
    let age = Duration::from_millis(world.config().logs.cache_ms);
    let is_fresh =
        exchange.header("cache-control").is_some_and(|value| value.to_ascii_lowercase().contains("no-cache"));
    let cache_key = format!("{}\0{}", question.query, question.timespan.as_deref().unwrap_or_default());
    if !is_fresh && let Some(body) = world.logs.cached(&cache_key, age) {
        return Ok(answer(body.into()));
    }
    let result = answer_to(world, &question)?;
    if result.status == StatusCode::OK || result.status == StatusCode::NO_CONTENT {
        world.logs.remember(cache_key, &result, age);
    }
    Ok(result)
}

fn answer_to(world: &World, question: &Question) -> Result<Answer, Box<Answer>> {
    let now = Timestamp::now();
    let query = kql::parse(&question.query).map_err(|error| kql_error(&error))?;
    if query.table() != table::NAME {
        return Err(kql_error(&KqlError::no_table(query.table())));
    }
    let visible = world.logs.visible().ok_or_else(|| kql_error(&KqlError::no_table(table::NAME)))?;
    let mut rows = table::traces(visible, &world.config().logs.workspace);
    if let Some(span) = &question.timespan {
        let (start, end) = timespan::parse(span, now)
            .map_err(|reason| bad_argument(&reason, "InvalidTimespan", "The timespan cannot be read."))?;
        rows.retain_within("TimeGenerated", start, end);
    }
    let mut result = query.run(rows, Moment::from(now)).map_err(|error| kql_error(&error))?;
    let limit = world.logs_limit().min(fitting(&result.rows, world.config().logs.max_bytes));
    let is_cut = result.rows.len() > limit;
    result.rows.truncate(limit);
    if world.config().logs.reverse_columns {
        result.columns.reverse();
        result.rows.iter_mut().for_each(|row| row.values.reverse());
    }
    if result.rows.is_empty() && !is_cut && world.config().logs.no_content {
        return Ok(Answer::empty(StatusCode::NO_CONTENT));
    }
    let mut body = json!({ "tables": [primary(&result)] });
    if is_cut {
        body["error"] = json!({
            "code": "PartialError",
            "message": "There were some errors when processing your query.",
            "details": [{ "code": "EngineError", "message": format!("The result was cut to {limit} rows.") }],
        });
    }
    Ok(answer(body.to_string().into()))
}

/// How many rows fit into so many bytes.
fn fitting(rows: &[kql::Row], bytes: usize) -> usize {
    let mut left = bytes;
    let fits = |row: &&kql::Row| {
        let size: usize = row.values.iter().map(|value| value.to_json().to_string().len() + 1).sum();
        left.checked_sub(size).map(|rest| left = rest).is_some()
    };
    rows.iter().take_while(fits).count()
}

impl World {
    /// Rows that the answer may have: the service's limit, or what a fault leaves.
    fn logs_limit(&self) -> usize {
        self.faults.partial_logs().unwrap_or(usize::MAX).min(self.config().logs.max_rows)
    }
}

fn answer(body: bytes::Bytes) -> Answer {
    if body.is_empty() {
        return Answer::empty(StatusCode::NO_CONTENT);
    }
    let mut answer = Answer::json(StatusCode::OK, &Value::Null);
    answer.body = body;
    answer
}

fn primary(table: &Table) -> Value {
    let columns: Vec<_> =
        table.columns.iter().map(|column| json!({ "name": column.name, "type": column.kind.name() })).collect();
    let rows: Vec<_> =
        table.rows.iter().map(|row| row.values.iter().map(kql::Value::to_json).collect::<Vec<_>>()).collect();
    json!({ "name": "PrimaryResult", "columns": columns, "rows": rows })
}

fn authorize(world: &World, exchange: &Exchange) -> Result<(), Box<Answer>> {
    world.tokens.check(exchange.bearer(), Audience::Logs).map_err(|refusal| match refusal {
        Refusal::Audience => error(
            StatusCode::FORBIDDEN,
            "InvalidAuthenticationTokenAudience",
            &format!(
                "The audience of the authentication token is not correct: it must be {}.",
                world.names().logs_resources[0]
            ),
        ),
        Refusal::Missing => unauthorized(world, "The Authorization header is missing."),
        Refusal::Invalid => unauthorized(world, "The authentication token is not valid."),
        Refusal::Expired => unauthorized(world, "The authentication token has expired."),
    })
}

fn unauthorized(world: &World, message: &str) -> Box<Answer> {
    let challenge = format!(
        "Bearer authorization_uri=\"https://{}/{}\", resource_id=\"{}\"",
        world.names().login[0],
        world.config().identity.tenant,
        world.names().logs_resources[0],
    );
    let answer = error(StatusCode::UNAUTHORIZED, "InvalidAuthenticationTokenError", message);
    Box::new(answer.with_header("www-authenticate", challenge))
}

fn path_not_found(path: &str) -> Box<Answer> {
    let message = format!("The requested path '{path}' does not exist. A workspace is named by its GUID.");
    error(StatusCode::NOT_FOUND, "PathNotFoundError", &message)
}

fn error(status: StatusCode, code: &str, message: &str) -> Box<Answer> {
    Box::new(Answer::json(status, &json!({ "error": { "code": code, "message": message } })))
}

fn bad_argument(reason: &str, code: &str, message: &str) -> Box<Answer> {
    Box::new(Answer::json(
        StatusCode::BAD_REQUEST,
        &json!({ "error": {
            "code": "BadArgumentError",
            "message": message,
            "innererror": { "code": code, "message": reason },
        } }),
    ))
}

fn kql_error(error: &KqlError) -> Box<Answer> {
    let (kind, summary) = if error.is_syntax() {
        ("SyntaxError", "A syntax error occurred in the query.")
    } else {
        ("SemanticError", "A semantic error occurred.")
    };
    Box::new(Answer::json(
        StatusCode::BAD_REQUEST,
        &json!({ "error": {
            "code": "BadArgumentError",
            "message": "The request had some invalid properties",
            "innererror": {
                "code": kind,
                "message": summary,
                "innererror": { "code": error.code(), "message": error.to_string() },
            },
        } }),
    ))
}
