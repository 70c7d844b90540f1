//! `GET /containers/{id}/logs`.

use std::io::Read;

use serde_json::{Value, json};
use sockerless_tests::{World, WorldOptions, ask_daemon, eventually};

/// A world in which `w` has ended without a word, and Azure has these rows of it: stream, time, line.
fn with_rows(config: &str, rows: &[(Option<&str>, &str, &str)]) -> (World, String) {
    let world = super::world(&[], config);
    world.docker.ok(&["run", "--name", "w", "alpine", "true"]);
    let id = world.docker.inspect("w")["Id"].as_str().unwrap().to_owned();
    let app = format!("skls-{}", &id[..12]);
    let items: Vec<Value> = rows.iter().map(|row| item(&app, *row)).collect();
    let body = Value::from(items).to_string();
    let sent = world.azure.ask("eastus-8.in.applicationinsights.azure.com", "POST /v2/track", &[], body.as_bytes());
    assert_eq!(sent.status, 200, "{}", sent.text());
    world.azure.forget();
    (world, app)
}

fn item(app: &str, (stream, time, line): (Option<&str>, &str, &str)) -> Value {
    let properties = stream.map_or_else(|| json!({}), |stream| json!({ "stream": stream }));
    json!({
        "name": "Microsoft.ApplicationInsights.Message", "time": time, "iKey": "44444444-4444-4444-4444-444444444444",
        "tags": { "ai.cloud.role": app },
        "data": { "baseType": "MessageData", "baseData": { "ver": 2, "message": line, "properties": properties } },
    })
}

/// Times within the last day, in the form that Azure has.
const TIMES: [&str; 3] = ["2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:06Z", "2026-01-02T03:04:07.5Z"];

#[test]
fn source() {
    let (world, app) = with_rows("", &[(None, TIMES[1], "second"), (None, TIMES[0], "first")]);
    assert_eq!(world.docker.ok(&["logs", "w"]), "first\nsecond");
    assert_eq!(world.azure.kinds(), ["POST query"]);
    let query = world.azure.last("POST query");
    assert_eq!(query.text("host"), "api.loganalytics.azure.com");
    assert_eq!(
        (query.header("content-type"), query.header("cache-control")),
        (Some("application/json"), Some("no-cache"))
    );
    assert!(query.header("prefer").is_some_and(|prefer| prefer.starts_with("wait=")), "{query:?}");
    drop(app);
}

#[test]
fn query() {
    let (world, app) = with_rows("", &[(None, TIMES[0], "one")]);
    world.docker.ok(&["logs", "w"]);
    let query = world.azure.last("POST query").json()["query"].clone();
    assert_eq!(query, format!("AppTraces | where AppRoleName == \"{app}\" | order by TimeGenerated asc"));
}

#[test]
fn workspace() {
    let (world, _) = with_rows("", &[(None, TIMES[0], "one")]);
    world.docker.ok(&["logs", "w"]);
    let path = world.azure.last("POST query").text("path").to_owned();
    assert_eq!(path, "/v1/workspaces/33333333-3333-3333-3333-333333333333/query");
}

#[test]
fn workspace_by_its_arm_id() {
    let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless/providers/\
              Microsoft.OperationalInsights/workspaces/sockerless-logs";
    let world = super::world(&[("SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE", id)], "");
    world.docker.ok(&["run", "--name", "w", "alpine", "echo", "line"]);
    world.azure.forget();
    eventually("the line is there", || (world.docker.ok(&["logs", "w"]) == "line").then_some(()));
    assert!(
        world.azure.kinds().contains(&"GET microsoft.operationalinsights/workspaces/sockerless-logs".to_owned()),
        "{:?}",
        world.azure.kinds()
    );
    assert!(world.azure.last("POST query").text("path").contains("33333333-3333-3333-3333-333333333333"));
}

#[test]
fn workspace_is_required() {
    let world = World::with(WorldOptions {
        without: vec!["SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE"],
        ..WorldOptions::default()
    });
    world.docker.ok(&["run", "--name", "w", "alpine", "true"]);
    let refused = world.docker.run(&["logs", "w"]);
    refused.exits(1);
    assert!(refused.stderr.contains("SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE"), "{}", refused.stderr);
}

#[test]
fn follow_mode() {
    // More than the mapping has: with an agent it goes on live.
    let world = World::start();
    let script = "echo begin; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo end";
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", script]);
    let mut follow = world.docker.spawn(&["logs", "--follow", "w"]);
    let mut output = follow.stdout.take().unwrap();
    let mut begin = [0; 6];
    output.read_exact(&mut begin).unwrap();
    world.docker.ok(&["exec", "--detach", "w", "touch", "/tmp/go"]);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(follow.wait().unwrap().success());
    assert_eq!((&begin, rest.as_str()), (b"begin\n", "end\n"));
}

#[test]
fn follow_mode_of_what_has_ended() {
    // The agent still has what was written; whoever follows need not wait for Azure.
    let world = super::world(&[], "[logs]\ndelay_ms = 3600000");
    // Loading the backend has looked whether the workspace can be queried.
    world.azure.forget();
    world.docker.ok(&["run", "--name", "w", "alpine", "echo", "one"]);
    assert_eq!(world.docker.ok(&["logs", "--follow", "w"]), "one");
    assert!(!world.azure.kinds().contains(&"POST query".to_owned()), "{:?}", world.azure.kinds());
}

#[test]
fn follow_mode_without_an_agent() {
    let world = super::without_agent("[platform]\nrequest_hold_ms = 1");
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "true"]);
    world.docker.ok(&["wait", "w"]);
    let id = world.docker.inspect("w")["Id"].as_str().unwrap().to_owned();
    let body = item(&format!("skls-{}", &id[..12]), (None, TIMES[0], "one")).to_string();
    let _ = world.azure.ask("eastus-8.in.applicationinsights.azure.com", "POST /v2/track", &[], body.as_bytes());
    assert_eq!(world.docker.ok(&["logs", "--follow", "w"]), "one", "a single snapshot");
    assert_eq!(world.azure.kinds().last().map(String::as_str), Some("POST query"));
}

#[test]
fn timestamps() {
    let (world, _) = with_rows("", &[(None, TIMES[0], "one"), (None, TIMES[1], "two")]);
    let stamped = world.docker.ok(&["logs", "--timestamps", "w"]);
    assert_eq!(stamped, "2026-01-02T03:04:05.123456700Z one\n2026-01-02T03:04:06.000000000Z two");
}

#[test]
fn stdout_stderr() {
    // A row that says nothing of its stream is standard output; the agent's rows say it.
    let rows = [(None, TIMES[0], "plain"), (Some("stdout"), TIMES[1], "out"), (Some("stderr"), TIMES[2], "err")];
    let (world, _) = with_rows("", &rows);
    let ran = world.docker.run(&["logs", "w"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("plain\nout\n", "err\n"));
}

#[test]
fn format() {
    let (world, _) = with_rows("", &[(None, TIMES[0], "one"), (Some("stderr"), TIMES[1], "two")]);
    let reply = ask_daemon(&world, "GET /containers/w/logs?stdout=1&stderr=1", &[], b"");
    assert_eq!(reply.headers["content-type"], "application/vnd.docker.multiplexed-stream");
    assert_eq!(reply.body, b"\x01\0\0\0\0\0\0\x04one\n\x02\0\0\0\0\0\0\x04two\n");
}

#[test]
fn availability() {
    let world = super::world(&[], "[logs]\ndelay_ms = 3600000");
    world.docker.ok(&["run", "--name", "w", "alpine", "echo", "late"]);
    assert_eq!(world.docker.ok(&["logs", "w"]), "", "the table has no rows yet, which is no error");
    assert_eq!(world.azure.last("POST query").status(), 400);
    let id = world.docker.inspect("w")["Id"].as_str().unwrap().to_owned();
    // The agent's own line has come, and has its delay.
    eventually("the telemetry", || {
        world.azure.requests().iter().any(|sent| sent["service"] == "ingestion").then_some(())
    });
    world.azure.configure(&json!({ "logs": { "delay_ms": 0 } }));
    let body = item(&format!("skls-{}", &id[..12]), (None, TIMES[0], "in time")).to_string();
    let _ = world.azure.ask("eastus-8.in.applicationinsights.azure.com", "POST /v2/track", &[], body.as_bytes());
    assert_eq!(world.docker.ok(&["logs", "w"]), "in time");
}

#[test]
fn oddities_of_the_service_are_no_errors() {
    let (world, _) = with_rows(
        "[logs]\nreverse_columns = true\nno_content = true",
        &[(None, TIMES[0], "one"), (None, TIMES[1], "two")],
    );
    assert_eq!(world.docker.ok(&["logs", "w"]), "one\ntwo", "columns in another order");
    world.azure.fault(&json!({ "fault": "partial-logs", "rows": 1 }));
    assert_eq!(world.docker.ok(&["logs", "w"]), "one", "a part of the rows");
    world.azure.fault(&json!({ "fault": "throttle", "service": "logs", "retry_after_seconds": 0, "times": 2 }));
    assert_eq!(world.docker.ok(&["logs", "w"]), "one\ntwo", "it is asked again when it says so");
    world.docker.ok(&["run", "--name", "quiet", "alpine", "true"]);
    world.azure.forget();
    assert_eq!(world.docker.ok(&["logs", "quiet"]), "");
    assert_eq!(world.azure.last("POST query").status(), 204);
    world.azure.fault(&json!({ "fault": "answer", "service": "logs", "status": 403, "code": "InsufficientAccessError", "message": "no" }));
    let refused = world.docker.run(&["logs", "w"]);
    refused.exits(1);
    assert!(refused.stderr.contains("Log Analytics Reader"), "what to do: {}", refused.stderr);
}
