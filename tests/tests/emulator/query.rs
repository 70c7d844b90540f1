//! The query: its small language, and its oddities.

use serde_json::json;
use sockerless_tests::{Emulator, LOGS_SCOPE};

use super::logs::{column, item, query, query_with, track};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const FRESH: (&str, &str) = ("Cache-Control", "no-cache");

fn with_rows(config: &str, count: usize) -> Emulator {
    let azure = Emulator::alone(config);
    let all: Vec<_> = (0..count).map(|n| item(if n % 2 == 0 { "even" } else { "odd" }, n, &format!("m{n}"))).collect();
    assert_eq!(track(&azure, &json!(all).to_string()).status, 200);
    azure
}

#[test]
fn the_language_has_what_the_backend_and_a_person_ask_for() {
    let azure = with_rows("", 6);
    for (text, expected) in [
        ("where AppRoleName == 'even' and Message != 'm0' | order by TimeGenerated asc", &["m2", "m4"][..]),
        ("where Message == 'm1' or Message in ('m3', 'm9') | order by TimeGenerated asc", &["m1", "m3"]),
        ("where TimeGenerated < datetime(2026-11-23T19:25:02Z) | order by TimeGenerated desc", &["m1", "m0"]),
        ("where TimeGenerated <= datetime(2026-11-23T19:25:01.123456Z) | order by Message asc", &["m0", "m1"]),
        ("where toint(Properties.seq) > 3 | order by TimeGenerated asc", &["m4", "m5"]),
        ("where toint(Properties['seq']) >= 3 | order by TimeGenerated desc | take 2", &["m5", "m4"]),
        ("extend n = toint(Properties.seq) | where n == 2 | project Message", &["m2"]),
        ("where ingestion_time() > ago(1h) and ingestion_time() <= now() | where Message has 'm3'", &["m3"]),
    ] {
        let rows = query(&azure, &format!("AppTraces | {text}"));
        assert_eq!(rows.status, 200, "{text}: {}", rows.text());
        assert_eq!(column(&rows, "Message"), expected, "{text}");
    }
    let projected = query(&azure, "AppTraces | where Message == 'm1' | project Message, at = ingestion_time()").json();
    let columns = projected["tables"][0]["columns"].clone();
    assert_eq!(columns, json!([{ "name": "Message", "type": "string" }, { "name": "at", "type": "datetime" }]));
    assert_eq!(projected["tables"][0]["name"], "PrimaryResult");
}

#[test]
fn a_timespan_limits_the_rows() {
    let azure = with_rows("", 6);
    let ask =
        |timespan: &str| query_with(&azure, &json!({ "query": "AppTraces", "timespan": timespan }), &[JSON, FRESH]);
    let rows = ask("2026-11-23T19:25:01Z/2026-11-23T19:25:03Z");
    assert_eq!(column(&rows, "Message"), ["m1", "m2"]);
    assert!(column(&ask("2020-01-01T00:00:00Z/P1D"), "Message").is_empty());
    assert_eq!(ask("yesterday").status, 400);
}

#[test]
fn no_rows_are_204_or_an_empty_table_and_no_media_type_an_empty_200() {
    let azure = with_rows("[logs]\nno_content = true", 1);
    let none = query(&azure, "AppTraces | where Message == 'nothing'");
    assert_eq!((none.status, none.body.len()), (204, 0));
    azure.configure(&json!({ "logs": { "no_content": false } }));
    let none = query(&azure, "AppTraces | where Message == 'nothing'");
    assert_eq!(none.status, 200, "as Microsoft's own client expects it");
    assert!(column(&none, "Message").is_empty());
    let empty = query_with(&azure, &json!({ "query": "AppTraces" }), &[FRESH]);
    assert_eq!((empty.status, empty.body.len()), (200, 0));
}

#[test]
fn what_cannot_be_resolved_or_read_is_a_bad_argument() {
    let azure = Emulator::alone("");
    let inner = |text: &str| {
        let reply = query(&azure, text);
        let body = reply.json()["error"].clone();
        assert_eq!((reply.status, &body["code"]), (400, &json!("BadArgumentError")), "{text}");
        (body["innererror"]["code"].clone(), body["innererror"]["innererror"]["code"].clone())
    };
    let (semantic, no_table) = (json!("SemanticError"), json!("SEM0100"));
    assert_eq!(inner("AppTraces"), (semantic.clone(), no_table.clone()), "it has no rows yet");
    track(&azure, &item("a", 1, "x").to_string());
    assert_eq!(query(&azure, "AppTraces").status, 200);
    assert_eq!(inner("AppEvents"), (semantic.clone(), no_table.clone()));
    assert_eq!(inner("AppTraces | where Nothing == 1"), (semantic, no_table));
    assert_eq!(inner("AppTraces | wher x").0, "SyntaxError");
}

#[test]
fn a_workspace_is_named_by_its_guid() {
    let azure = Emulator::alone("");
    let token = azure.token(LOGS_SCOPE);
    for workspace in ["sockerless-logs", "33333333", "99999999-9999-9999-9999-999999999999"] {
        let path = format!("/v1/workspaces/{workspace}/query");
        let (status, body) = azure.request(
            "api.loganalytics.azure.com",
            "POST",
            &path,
            Some(&token),
            Some(&json!({ "query": "AppTraces" })),
        );
        assert!(status == 404 && body.contains("PathNotFoundError"), "{workspace}: {status} {body}");
    }
    let id = "/resourceGroups/sockerless/providers/Microsoft.OperationalInsights/workspaces/sockerless-logs";
    let resolved = azure.arm("GET", id, None).json();
    assert_eq!(resolved["properties"]["customerId"], "33333333-3333-3333-3333-333333333333");
}

#[test]
fn an_answer_may_be_minutes_old() {
    let azure = with_rows("", 1);
    let ask = |headers| column(&query_with(&azure, &json!({ "query": "AppTraces" }), headers), "Message").len();
    assert_eq!(ask(&[JSON]), 1);
    track(&azure, &item("a", 1, "new").to_string());
    assert_eq!(ask(&[JSON]), 1, "the answer before");
    assert_eq!(ask(&[JSON, FRESH]), 2);
    azure.configure(&json!({ "logs": { "cache_ms": 0 } }));
    assert_eq!(ask(&[JSON]), 2);
}

#[test]
fn too_many_rows_or_bytes_are_cut_and_said() {
    let azure = with_rows("[logs]\nmax_rows = 3", 6);
    let cut = query(&azure, "AppTraces | order by TimeGenerated asc");
    assert_eq!((cut.status, &cut.json()["error"]["code"]), (200, &json!("PartialError")));
    assert_eq!(column(&cut, "Message"), ["m0", "m1", "m2"]);
    azure.configure(&json!({ "logs": { "max_rows": 100 } }));
    let whole = query(&azure, "AppTraces");
    assert!(column(&whole, "Message").len() == 6 && whole.json().get("error").is_none());
    let bytes = query(&azure, "AppTraces | project Message").body.len();
    azure.configure(&json!({ "logs": { "max_bytes": 11 } }));
    let cut = query(&azure, "AppTraces | project Message");
    assert!(cut.body.len() != bytes && cut.json()["error"]["code"] == "PartialError", "{}", cut.text());
    assert_eq!(column(&cut, "Message").len(), 2);
    azure.configure(&json!({ "logs": null }));
    azure.fault(&json!({ "fault": "partial-logs", "rows": 2 }));
    assert_eq!(column(&query(&azure, "AppTraces"), "Message").len(), 2);
    assert_eq!(column(&query(&azure, "AppTraces"), "Message").len(), 6);
}

#[test]
fn the_rate_is_limited() {
    let azure = with_rows("[logs.queries]\ncapacity = 1\nrefill_per_second = 0.01", 1);
    assert_eq!(query(&azure, "AppTraces").status, 200);
    let refused = query(&azure, "AppTraces");
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (429, &json!("ThrottledError")));
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() > 10, "{refused:?}");
    azure.configure(&json!({ "logs": { "queries": { "capacity": 1, "refill_per_second": 1_000_000.0 } } }));
    azure.fault(&json!({ "fault": "throttle", "service": "logs", "retry_after_seconds": 9 }));
    let refused = query(&azure, "AppTraces");
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "9"));
}

#[test]
fn columns_have_no_fixed_order() {
    let azure = with_rows("", 1);
    let columns = || query(&azure, "AppTraces").json()["tables"][0]["columns"].as_array().unwrap().clone();
    let before = columns();
    azure.configure(&json!({ "logs": { "reverse_columns": true } }));
    assert_eq!(columns(), before.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(column(&query(&azure, "AppTraces"), "Message"), ["m0"]);
}
