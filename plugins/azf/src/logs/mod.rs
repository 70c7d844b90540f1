//! `docker logs`: a snapshot of the table `AppTraces` in Log Analytics.
//!
//! Only Application Insights telemetry fills that table, and only the agent sends it. Rows come seconds to minutes after the
//! lines were written, and out of order.

mod query;
mod table;

use crate::arm::{self, Client, Failure, explain};
use crate::bindings::log::Level;
use crate::bindings::logs::{Page, Query};
use crate::bindings::types::{Container, Error};
use crate::config::{self, Settings, is_guid, missing};
use crate::world::World;

/// Everything that the workspace has of a container: one page.
pub(crate) fn read(world: &dyn World, container: &Container, query: &Query) -> Result<Page, Error> {
    let settings = Settings::read(world)?;
    let workspace = settings.workspace.as_deref().ok_or_else(|| missing(config::WORKSPACE))?;
    let client = Client::new(world, &settings, "");
    let guid = workspace_guid(&client, workspace)?;
    let app = arm::app_name(&container.id);
    let body = match query::run(world, &settings, &guid, &app, query) {
        Ok(body) => body,
        Err(failure) if has_no_table(&failure) => None,
        Err(failure) => return Err(failed(failure, &app)),
    };
    let entries = match body {
        None => Vec::new(),
        Some(body) => {
            let table = table::parse(&body).map_err(|error| {
                Error::Other(format!("the log of the function app {app} could not be read: {error}"))
            })?;
            if let Some(reason) = &table.incomplete {
                world.log(Level::Warn, &format!("the log is not complete: {reason}"), &[("app", &app)]);
            }
            table.entries
        }
    };
    Ok(Page { entries, next: None })
}

/// Whether the workspace can be queried. Asks once: this is no more than a look.
pub(crate) fn probe(client: &Client<'_>, workspace: &str) -> Result<(), Error> {
    let guid = workspace_guid(client, workspace)?;
    match query::probe(client.world, client.settings, &guid) {
        Err(failure) if !has_no_table(&failure) => {
            Err(refused(failure, &format!("the Log Analytics workspace {guid} cannot be queried")))
        }
        _ => Ok(()),
    }
}

/// The GUID of a workspace that is given as such or by its ARM id.
pub(crate) fn workspace_guid(client: &Client<'_>, workspace: &str) -> Result<String, Error> {
    if is_guid(workspace) {
        return Ok(workspace.to_owned());
    }
    let attempt = format!("the Log Analytics workspace of {} could not be read", config::WORKSPACE);
    let body = client.get(&client.workspace_url(workspace)).map_err(|failure| explain(failure, &attempt))?;
    let guid = body.pointer("/properties/customerId").and_then(serde_json::Value::as_str).filter(|guid| is_guid(guid));
    guid.map(str::to_owned).ok_or_else(|| {
        Error::Configuration(format!(
            "{attempt}: Azure's answer has no workspace id; give the workspace's GUID instead"
        ))
    })
}

/// The table comes into being with its first row.
fn has_no_table(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(refusal)
        if refusal.status == 400 && refusal.inner_codes.iter().any(|code| code == "SEM0100"))
}

fn failed(failure: Failure, app: &str) -> Error {
    refused(failure, &format!("the log of the function app {app} could not be read"))
}

fn refused(failure: Failure, attempt: &str) -> Error {
    let Failure::Refused(refusal) = &failure else { return explain(failure, attempt) };
    match refusal.status {
        403 => Error::Denied(format!(
            "{attempt}: {}. Give the daemon's identity the role \"Log Analytics Reader\" on the workspace: az role assignment \
             create.",
            refusal.summary()
        )),
        404 => Error::Configuration(format!(
            "{attempt}: {}. Check {}: the workspace's GUID, or its ARM id.",
            refusal.summary(),
            config::WORKSPACE
        )),
        _ => explain(failure, attempt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::http::HttpError;
    use crate::bindings::types::Timestamp;
    use crate::testing::{Script, container, response};
    use crate::world::{Request, Signer};

    const GUID: &str = "33333333-3333-3333-3333-333333333333";
    const ALL: Query = Query { since: None, until: None, tail: None };
    const TWO: &str = r#"{"tables":[{"name":"PrimaryResult",
        "columns":[{"name":"Message","type":"string"},{"name":"TimeGenerated","type":"datetime"}],
        "rows":[["one","2026-11-23T19:25:28.1Z"],["two","2026-11-23T19:25:29.2Z"]]}]}"#;

    fn script() -> Script {
        Script::new().with(config::WORKSPACE, GUID)
    }

    fn lines(script: &Script, query: &Query) -> Result<Vec<String>, Error> {
        let page = read(script, &container(&["x"]), query)?;
        assert_eq!(page.next, None);
        Ok(page.entries.into_iter().map(|entry| String::from_utf8(entry.line).unwrap()).collect())
    }

    fn header<'a>(request: &'a Request, name: &str) -> &'a str {
        &request.headers.iter().find(|(known, _)| known == name).unwrap().1
    }

    #[test]
    fn the_query_is_the_mappings() {
        let script = script().answer(200, TWO);
        assert_eq!(lines(&script, &ALL).unwrap(), ["one", "two"]);
        let sent = &script.sent()[0];
        assert_eq!(sent.url, format!("https://api.loganalytics.azure.com/v1/workspaces/{GUID}/query"));
        assert_eq!(sent.signer, Signer::Scope("https://api.loganalytics.io/.default"));
        assert_eq!((sent.method, header(sent, "content-type")), ("POST", "application/json"));
        assert_eq!(header(sent, "cache-control"), "no-cache");
        assert!(header(sent, "prefer").starts_with("wait="));
        let body: serde_json::Value = serde_json::from_slice(sent.body.as_deref().unwrap()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "query": r#"AppTraces | where AppRoleName == "skls-0123456789ab" | order by TimeGenerated asc"# })
        );
    }

    #[test]
    fn times_become_a_timespan_that_is_not_too_short() {
        let at = |seconds| Some(Timestamp { seconds, nanoseconds: 999_999_999 });
        let span = |since, until| {
            let script = script().answer(204, "");
            lines(&script, &Query { since, until, tail: Some(1) }).unwrap();
            let body: serde_json::Value = serde_json::from_slice(script.sent()[0].body.as_deref().unwrap()).unwrap();
            body["timespan"].as_str().unwrap().to_owned()
        };
        assert_eq!(span(at(1_795_461_928), at(1_795_461_929)), "2026-11-23T19:25:27Z/2026-11-23T19:25:31Z");
        assert_eq!(span(at(1_795_461_928), None), "2026-11-23T19:25:27Z/2026-11-24T19:25:28Z");
        assert_eq!(span(None, at(1_795_461_928)), "1970-01-01T00:00:00Z/2026-11-23T19:25:30Z");
    }

    #[test]
    fn no_rows_in_every_form() {
        let no_table = r#"{"error":{"code":"BadArgumentError","message":"m","innererror":{"code":"SemanticError",
            "innererror":{"code":"SEM0100","message":"Failed to resolve table"}}}}"#;
        for (status, body) in [(204, ""), (200, ""), (200, r#"{"tables":[]}"#), (400, no_table)] {
            assert_eq!(lines(&script().answer(status, body), &ALL), Ok(Vec::new()), "{status} {body}");
        }
        let other = no_table.replace("SEM0100", "SYN0002");
        assert!(matches!(lines(&script().answer(400, &other), &ALL), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_part_is_better_than_nothing_and_said_to_be_one() {
        let partial = TWO.replacen('{', r#"{"error":{"code":"PartialError","message":"cut to 2 rows"},"#, 1);
        let script = script().answer(200, &partial);
        assert_eq!(lines(&script, &ALL).unwrap().len(), 2);
        assert!(script.logged()[0].contains("cut to 2 rows"), "{:?}", script.logged());
    }

    #[test]
    fn a_missing_workspace_is_named() {
        let script = Script::new();
        assert!(matches!(lines(&script, &ALL), Err(Error::Configuration(text)) if text.starts_with(config::WORKSPACE)));
        assert!(script.sent().is_empty());
    }

    #[test]
    fn an_arm_id_is_resolved() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w";
        let found = format!(r#"{{"properties":{{"customerId":"{GUID}"}}}}"#);
        let script = Script::new().with(config::WORKSPACE, id).answer(200, &found).answer(200, TWO);
        assert_eq!(lines(&script, &ALL).unwrap().len(), 2);
        let sent = script.sent();
        assert!(sent[0].url.starts_with(&format!("https://management.azure.com{id}?api-version=")));
        assert!(sent[1].url.contains(GUID));
        let script = Script::new().with(config::WORKSPACE, id).answer(200, "{}");
        assert!(matches!(lines(&script, &ALL), Err(Error::Configuration(_))));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let error = |status, code: &str| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            lines(&script().answer(status, &body), &ALL).unwrap_err()
        };
        assert!(
            matches!(error(403, "InsufficientAccessError"), Error::Denied(t) if t.contains("Log Analytics Reader"))
        );
        assert!(matches!(error(404, "PathNotFoundError"), Error::Configuration(t) if t.contains(config::WORKSPACE)));
        let large = lines(&script().fail(HttpError::TooLarge(5)), &ALL).unwrap_err();
        assert!(matches!(large, Error::Other(text) if text.contains("--since")));
        let throttled = script().respond(response(429, &[("retry-after", "600")], ""));
        assert!(matches!(lines(&throttled, &ALL), Err(Error::Throttled(t)) if t.retry_after_ms == Some(600_000)));
    }

    #[test]
    fn a_query_is_asked_again() {
        let script = script().answer(504, "").answer(200, TWO);
        assert_eq!(lines(&script, &ALL).unwrap().len(), 2);
    }
}
