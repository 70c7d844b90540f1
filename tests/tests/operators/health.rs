//! `/healthz` and `/readyz`.

use sockerless_tests::{World, eventually};

use super::{get, observed};

#[test]
fn a_daemon_is_ready_with_a_backend_and_not_without() {
    let (world, address) = observed(&[]);
    let (healthy, ready) = (get(&address, "/healthz"), eventually("it is ready", || ready(&address)));
    assert_eq!((healthy.status, healthy.json()["ok"].as_bool()), (200, Some(true)));
    assert_eq!(ready["ok"], true, "{ready}");
    let names: Vec<_> = ready["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
    assert_eq!(names, ["started", "store", "backends", "agents"]);

    world.daemon.sockerless(&["plugin", "rm", "azf"]).ok();
    let not_ready = get(&address, "/readyz");
    assert_eq!(not_ready.status, 503);
    let failing: Vec<_> =
        not_ready.json()["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).cloned().collect();
    assert_eq!(failing.len(), 1, "{failing:?}");
    assert!(failing[0]["reason"].as_str().unwrap().contains("sockerless plugin load"), "{failing:?}");
    assert_eq!(get(&address, "/healthz").status, 200);
}

fn ready(address: &str) -> Option<serde_json::Value> {
    let reply = get(address, "/readyz");
    (reply.status == 200).then(|| reply.json())
}

#[test]
fn the_docker_api_is_not_served_there() {
    let (world, address) = observed(&[]);
    assert_eq!(get(&address, "/containers/json").status, 404);
    assert_eq!(get(&address, "/v1.51/info").status, 404);
    let posted = sockerless_tests::ask(&address, "operator", "POST /containers/create", &[], b"{}");
    assert_eq!(posted.status, 405);
    drop(world);
}

#[test]
fn without_the_option_there_is_no_such_listener() {
    let world = World::start();
    assert!(!world.daemon.log().contains("/metrics"), "{}", world.daemon.log());
}
