//! Ids of requests, and traces: one failing command is found by its id in the log, at Azure and in the trace.

use serde_json::json;
use sockerless_tests::{World, WorldOptions, ask_daemon, eventually};

use super::collector::Collector;
use super::log::of_request;

/// What a user gives a container, and nobody else shall read.
const USERS_SECRET: &str = "planted-in-the-environment";

/// A world whose daemon exports traces, soon.
fn traced(collector: &Collector) -> World {
    let settings = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
        ("SOCKERLESS_LOG_FORMAT", "json".to_owned()),
    ];
    let world = World::with(WorldOptions { settings, ..WorldOptions::default() });
    world.pull();
    world
}

/// The id at the end of an error.
fn id_in(error: &str) -> String {
    let id = error.trim_end().strip_suffix(')').and_then(|error| error.rsplit_once("(request "));
    let (_, id) = id.unwrap_or_else(|| panic!("no id of a request at the end of {error:?}"));
    id.to_owned()
}

#[test]
fn the_id_of_a_failure_is_in_the_log_at_azure_and_in_the_trace() {
    let collector = Collector::answering(200);
    let world = traced(&collector);
    world.azure.fault(&json!({
        "fault": "put",
        "script": { "form": "async-operation", "polls": 1, "retry_after_ms": 0, "outcome": "failed" },
    }));
    let failed = world.docker.run(&["create", "--env", &format!("PASSWORD={USERS_SECRET}"), "alpine", "true"]);
    failed.exits(1);
    let id = id_in(&failed.stderr);

    let said = eventually("the failure is in the log", || {
        of_request(&world, &id).into_iter().find(|line| line["level"] == "ERROR")
    });
    assert_eq!(said["message"], "a request failed", "{said}");

    let put = world.azure.last("PUT site");
    assert_eq!(put.header("x-ms-correlation-request-id"), Some(id.as_str()), "{put:?}");

    let request = collector.span(&id, "POST /containers/create");
    let export = collector.span(&id, "lifecycle.create");
    let azure = collector.span(&id, "PUT management.azure.com");
    assert_eq!((request.parent.as_str(), &export.parent, &azure.parent), ("", &request.id, &export.id));
    assert!(request.failed && export.failed && !azure.failed, "{request:?} {export:?} {azure:?}");
    assert_eq!(request.attribute("http.response.status_code"), "500");
    assert_eq!(export.attribute("sockerless.backend"), "azf");
    assert_eq!(azure.attribute("http.response.status_code"), put.status().to_string());
    assert_eq!(put.header("traceparent"), Some(format!("00-{id}-{}-01", azure.id).as_str()), "{put:?}");
    for secret in [USERS_SECRET, "emulator-secret"] {
        assert!(!collector.text().contains(secret), "{secret} was exported");
    }
}

#[test]
fn a_trace_goes_on_to_the_agent() {
    let collector = Collector::answering(200);
    let world = traced(&collector);
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    assert_eq!(world.docker.ok(&["exec", "w", "echo", "out"]), "out");
    let start = eventually("the span of the exec", || {
        collector.spans().into_iter().find(|span| span.name == "POST /exec/{}/start")
    });
    let agent = collector.span(&start.trace, "agent POST /v1/processes/{}");
    assert_eq!(agent.parent, start.id);
    assert_eq!(agent.attribute("http.response.status_code"), "200");
    // The invocation is a part of the start, also where it outlives it.
    let run = collector.spans().into_iter().find(|span| span.name == "POST /containers/{}/start").expect("a start");
    let export = collector.span(&run.trace, "lifecycle.start");
    assert_eq!(export.parent, run.id);
    world.docker.ok(&["kill", "w"]);
    let invocation = collector.span(&run.trace, "POST *.azurewebsites.net");
    assert_eq!(invocation.parent, export.id);
}

#[test]
fn what_a_client_did_wrong_has_no_id_in_its_text_and_one_in_its_head() {
    let world = World::start();
    let reply = ask_daemon(&world, "GET /containers/none/json", &[], b"");
    assert_eq!((reply.status, reply.json()), (404, json!({ "message": "No such container: none" })));
    assert_eq!(reply.headers["x-request-id"].len(), 32);
    // The Engine answers some mistakes with 500.
    let reply = ask_daemon(&world, "GET /events?until=x", &[], b"");
    let text = "strconv.ParseInt: parsing \"x\": invalid syntax";
    assert_eq!((reply.status, reply.json()), (500, json!({ "message": text })));
}

#[test]
fn a_collector_that_takes_nothing_harms_nothing_and_is_told_of_once() {
    let collector = Collector::answering(400);
    let world = traced(&collector);
    let warnings = || world.daemon.log().matches("the collector does not take traces").count();
    eventually("three batches were refused", || {
        assert_eq!(world.docker.ok(&["ps", "--quiet"]), "");
        (collector.batches() >= 3).then_some(())
    });
    eventually("the warning", || (warnings() > 0).then_some(()));
    assert_eq!(warnings(), 1, "{}", world.daemon.log());
}
