//! `--log-format json`.

use serde_json::Value;
use sockerless_tests::{World, WorldOptions, ask_daemon, eventually};

/// The log, which must be JSON on every line.
pub(crate) fn lines(world: &World) -> Vec<Value> {
    let log = world.daemon.log();
    // The last line may not be whole yet.
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Those of one request.
pub(crate) fn of_request(world: &World, id: &str) -> Vec<Value> {
    lines(world).into_iter().filter(|line| line["request_id"] == id).collect()
}

#[test]
fn each_line_is_an_object_and_those_of_a_request_carry_its_id() {
    let settings =
        vec![("SOCKERLESS_LOG_FORMAT", "json".to_owned()), ("SOCKERLESS_LOG", "debug,h2=info,hyper=info".to_owned())];
    let world = World::with(WorldOptions { settings, ..WorldOptions::default() });
    world.pull();
    world.docker.ok(&["run", "--rm", "alpine", "true"]);
    let reply = ask_daemon(&world, "GET /containers/json", &[("X-Request-Id", "of-the-client")], b"");
    let id = reply.headers["x-request-id"].clone();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let other = ask_daemon(&world, "GET /containers/json", &[], b"").headers["x-request-id"].clone();
    assert_ne!(id, other);
    let found = eventually("the request's line", || of_request(&world, &id).pop());
    assert_eq!(found["fields"]["route"], "/containers/json", "{found}");

    let lines = lines(&world);
    for line in &lines {
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line[key].is_string(), "{key} of {line}");
        }
    }
    // The create of `docker run`, from the API down to what the backend says.
    let create = lines.iter().find(|line| line["fields"]["route"] == "/containers/create").expect("a create");
    let id = create["request_id"].as_str().expect("its id");
    let of_backend = lines.iter().any(|line| line["request_id"] == id && line["backend"] == "azf");
    assert!(of_backend, "no line of the backend has the id {id} of the create");
    assert!(!world.daemon.log().contains("of-the-client"));
}
