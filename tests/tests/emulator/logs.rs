//! Telemetry: what is taken, and when a query sees it.

use serde_json::{Value, json};
use sockerless_tests::{Emulator, LOGS_SCOPE, Reply, eventually};

/// An item of telemetry.
pub(crate) fn item(role: &str, seq: usize, message: &str) -> Value {
    json!({
        "name": "Microsoft.ApplicationInsights.Message",
        "time": format!("2026-11-23T19:25:{:02}.123456Z", seq),
        "iKey": "44444444-4444-4444-4444-444444444444",
        "tags": { "ai.cloud.role": role, "ai.cloud.roleInstance": "boot" },
        "data": { "baseType": "MessageData", "baseData": {
            "ver": 2, "message": message, "severityLevel": "Information",
            "properties": { "stream": "stdout", "seq": seq.to_string() } } },
    })
}

/// Sends telemetry.
pub(crate) fn track(azure: &Emulator, body: &str) -> Reply {
    let host = "eastus-8.in.applicationinsights.azure.com";
    azure.ask(host, "POST /v2/track", &[("Content-Type", "application/x-json-stream")], body.as_bytes())
}

/// Asks the workspace, past its cache.
pub(crate) fn query(azure: &Emulator, text: &str) -> Reply {
    query_with(azure, &json!({ "query": text }), &[("Cache-Control", "no-cache"), ("Content-Type", "application/json")])
}

/// Asks the workspace with these headers.
pub(crate) fn query_with(azure: &Emulator, body: &Value, headers: &[(&str, &str)]) -> Reply {
    let authorization = format!("Bearer {}", azure.token(LOGS_SCOPE));
    let headers: Vec<_> = headers.iter().copied().chain([("Authorization", authorization.as_str())]).collect();
    let line = "POST /v1/workspaces/33333333-3333-3333-3333-333333333333/query";
    azure.ask("api.loganalytics.azure.com", line, &headers, body.to_string().as_bytes())
}

/// The rows of an answer, by one column.
pub(crate) fn column(reply: &Reply, name: &str) -> Vec<Value> {
    let table = &reply.json()["tables"][0];
    let at = table["columns"].as_array().unwrap().iter().position(|column| column["name"] == name);
    let at = at.unwrap_or_else(|| panic!("{table}"));
    table["rows"].as_array().unwrap().iter().map(|row| row[at].clone()).collect()
}

#[test]
fn telemetry_becomes_rows_with_the_role_in_lower_case() {
    let azure = Emulator::alone("");
    let sent = track(&azure, &json!([item("Skls-1", 1, "one"), item("Skls-1", 2, "two")]).to_string());
    assert_eq!((sent.status, sent.json()), (200, json!({ "itemsReceived": 2, "itemsAccepted": 2, "errors": [] })));
    let rows = query(&azure, "AppTraces | where AppRoleName == \"skls-1\" | order by TimeGenerated asc");
    assert_eq!(rows.status, 200);
    assert_eq!(column(&rows, "Message"), ["one", "two"]);
    assert_eq!(column(&rows, "TimeGenerated")[0], "2026-11-23T19:25:01.123456Z");
    let properties = column(&rows, "Properties")[0].clone();
    let properties = properties.as_str().map_or(properties.clone(), |text| serde_json::from_str(text).unwrap());
    assert_eq!(properties, json!({ "stream": "stdout", "seq": "1" }));
    assert_eq!(column(&rows, "AppRoleInstance")[0], "boot");
    assert!(column(&query(&azure, "AppTraces | where AppRoleName == \"Skls-1\""), "Message").is_empty());
}

#[test]
fn what_is_wrong_is_told_item_by_item() {
    let azure = Emulator::alone("");
    let mut foreign = item("a", 1, "x");
    foreign["iKey"] = json!("another");
    let long = item("a", 2, &"x".repeat(32_769));
    let sent = track(&azure, &format!("{}\n{foreign}\n{long}", item("a", 0, "x")));
    let body = sent.json();
    assert_eq!((sent.status, &body["itemsReceived"], &body["itemsAccepted"]), (206, &json!(3), &json!(1)));
    assert_eq!((&body["errors"][0]["index"], &body["errors"][1]["index"]), (&json!(1), &json!(2)));
    assert_eq!(track(&azure, &foreign.to_string()).status, 400);
    assert_eq!(track(&azure, "{").status, 400);
    for status in [402, 429, 503] {
        azure.fault(
            &json!({ "fault": "answer", "service": "ingestion", "status": status, "code": "", "message": "no" }),
        );
        let refused = track(&azure, &item("a", 1, "lost").to_string());
        assert_eq!((refused.status, &refused.json()["itemsAccepted"]), (status, &json!(0)));
    }
    assert_eq!(column(&query(&azure, "AppTraces"), "Message"), ["x"], "what was refused is not there");
}

#[test]
fn rows_come_late() {
    let azure = Emulator::alone("[logs]\ndelay_ms = 3600000");
    track(&azure, &item("a", 1, "late").to_string());
    assert_eq!(query(&azure, "AppTraces").status, 400, "the table has no rows yet");
    azure.configure(&json!({ "logs": { "delay_ms": 0 } }));
    track(&azure, &item("a", 2, "at once").to_string());
    assert_eq!(column(&query(&azure, "AppTraces"), "Message"), ["at once"]);
}

#[test]
fn rows_come_out_of_order_if_asked() {
    let azure = Emulator::alone("[logs]\ndisorder_ms = 300");
    let all: Vec<_> = (0..40).map(|n| item("a", n, &n.to_string())).collect();
    track(&azure, &json!(all).to_string());
    let came = eventually("all rows are there", || {
        let rows = query(&azure, "AppTraces | extend at = ingestion_time() | order by at asc");
        (rows.status == 200).then(|| column(&rows, "Message")).filter(|rows| rows.len() == 40)
    });
    let sent: Vec<_> = (0..40).map(|n| json!(n.to_string())).collect();
    assert_ne!(came, sent);
    assert_eq!(column(&query(&azure, "AppTraces | order by TimeGenerated asc"), "Message"), sent);
}
