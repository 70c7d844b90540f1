//! `/metrics`, held against what was done.

use std::io::{Read as _, Write as _};

use sockerless_tests::{ask, built, eventually};

use super::exposition::Exposition;
use super::{get, observed};

fn scrape(address: &str) -> (Exposition, String) {
    let reply = get(address, "/metrics");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    (Exposition::read(&reply.text()), reply.text())
}

#[test]
fn the_numbers_are_those_of_what_was_done() {
    let (world, address) = observed(&[]);
    world.pull();
    let docker = &world.docker;
    let id = docker.ok(&["run", "-d", "--name", "of-this-test", "alpine", "tail", "-f", "/dev/null"]);
    docker.ok(&["create", "--name", "made", "alpine", "true"]);
    assert_eq!(docker.ok(&["exec", "of-this-test", "echo", "out"]), "out");
    docker.run(&["rm", "no-such-container"]).exits(1);

    // An exec that is open while it is counted.
    let mut open = docker.spawn(&["exec", "-i", "of-this-test", "sh", "-c", "echo ready; cat"]);
    let mut said = [0; 6];
    open.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    let (during, text) = scrape(&address);
    let is = |name: &str, labels: &[(&str, &str)], want: f64| {
        assert_eq!(during.sum(name, labels), want, "{name} {labels:?} in\n{text}");
    };
    is("sockerless_docker_requests_total", &[("route", "/containers/create"), ("status", "2xx")], 2.0);
    is("sockerless_docker_requests_total", &[("route", "/containers/{}/exec"), ("status", "2xx")], 2.0);
    is("sockerless_docker_requests_total", &[("route", "/exec/{}/start"), ("status", "hijacked")], 2.0);
    is("sockerless_docker_requests_total", &[("route", "/containers/{}"), ("status", "4xx")], 1.0);
    is("sockerless_docker_request_duration_seconds_count", &[("route", "/containers/create")], 2.0);
    is("sockerless_docker_hijacked_streams", &[], 1.0);
    is("sockerless_containers", &[("backend", "azf"), ("state", "running")], 1.0);
    is("sockerless_containers", &[("backend", "azf"), ("state", "created")], 1.0);
    is("sockerless_containers", &[], 2.0);
    is("sockerless_execs_running", &[], 1.0);
    is("sockerless_backend_calls_total", &[("export", "lifecycle.create"), ("outcome", "ok")], 2.0);
    is("sockerless_backend_calls_total", &[("export", "lifecycle.start"), ("outcome", "ok")], 1.0);
    is("sockerless_backend_call_duration_seconds_count", &[("export", "lifecycle.create")], 2.0);
    is("sockerless_backend_instances", &[], 0.0);
    is("sockerless_backend_calls_waiting", &[], 0.0);
    is("sockerless_backend_out_of_service", &[("backend", "azf")], 0.0);
    is("sockerless_backend_swaps_total", &[], 0.0);
    let to_azure = world.azure.requests().iter().filter(|request| request["service"] == "arm").count();
    is("sockerless_backend_http_requests_total", &[("host", "management.azure.com")], to_azure as f64);
    assert!(during.sum("sockerless_backend_tokens_fetched_total", &[("outcome", "ok")]) >= 1.0, "{text}");
    assert!(during.sum("sockerless_store_transactions_total", &[("outcome", "ok")]) >= 4.0, "{text}");
    is("sockerless_store_transactions_total", &[("outcome", "error")], 0.0);
    // The end of an exec is told a moment after its client knows it.
    eventually("as many events are counted as were told", || {
        let counted = scrape(&address).0.sum("sockerless_events_total", &[("type", "container")]);
        let told = docker.ok(&["events", "--since", "1", "--until", "0s", "--filter", "type=container"]);
        (counted >= 5.0 && counted == told.lines().count() as f64).then_some(())
    });
    is("sockerless_events_dropped_total", &[], 0.0);
    is("sockerless_recorder_records_dropped_total", &[], 0.0);
    is("sockerless_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    assert!(
        during.sum("process_resident_memory_bytes", &[]) > 1e6 && during.sum("process_open_fds", &[]) > 3.0,
        "{text}"
    );
    assert!(
        during.sum("process_start_time_seconds", &[]) > 1.7e9 && during.sum("sockerless_tasks", &[]) > 3.0,
        "{text}"
    );
    for of_a_client in [id.as_str(), &id[..12], "of-this-test", "alpine"] {
        assert!(!text.contains(of_a_client), "{of_a_client} is in\n{text}");
    }

    open.stdin.take().unwrap().write_all(b"done").unwrap();
    assert!(open.wait().unwrap().success());
    eventually("the stream is no longer counted", || {
        let (now, _) = scrape(&address);
        let none = now.sum("sockerless_docker_hijacked_streams", &[]) == 0.0;
        (none && now.sum("sockerless_execs_running", &[]) == 0.0).then_some(())
    });
}

#[test]
fn swaps_and_strangers_are_counted() {
    let (world, address) = observed(&[]);
    let next = built("SOCKERLESS_TEST_NEXT_COMPONENT");
    world.daemon.sockerless(&["plugin", "load", next.to_str().unwrap()]).ok();
    world.daemon.sockerless(&["plugin", "rollback", "azf"]).ok();
    let stranger = [
        ("Authorization", "Bearer wrong"),
        ("X-Sockerless-Container-Id", "nobody"),
        ("X-Sockerless-Boot-Id", "b"),
        ("X-Sockerless-Protocol", "1"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let reply = ask(world.daemon.agents_listen(), "agents", "GET /v1/agents/connect", &stranger, b"");
    assert_eq!(reply.status, 401, "{}", reply.text());
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let (linked, text) = scrape(&address);
    assert_eq!(linked.sum("sockerless_agent_links", &[]), 1.0, "{text}");
    world.docker.ok(&["rm", "-f", "w"]);
    let (after, text) = eventually("the link has ended", || {
        let (now, text) = scrape(&address);
        (now.sum("sockerless_agent_links", &[]) == 0.0).then_some((now, text))
    });
    for (name, want) in [
        ("sockerless_backend_swaps_total", 2.0),
        ("sockerless_backend_rollbacks_total", 1.0),
        ("sockerless_agent_tokens_refused_total", 1.0),
        ("sockerless_agent_links_made_total", 1.0),
        ("sockerless_agent_links_lost_total", 1.0),
        ("sockerless_containers", 0.0),
    ] {
        assert_eq!(after.sum(name, &[]), want, "{name} in\n{text}");
    }
    assert!(after.has("sockerless_docker_requests_in_flight"), "{text}");
}
