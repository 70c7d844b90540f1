//! Exec, and the archive: both through the agent.

use sockerless_tests::{World, ask_daemon};

use super::{running, without_agent};

#[test]
fn exec_execution() {
    let world = running();
    let ran = world.docker.run(&["exec", "w", "sh", "-c", "hostname; echo err >&2; exit 3"]);
    let app = world.azure.apps()[0]["container"]["containers"][0]["name"].as_str().unwrap().to_owned();
    let host = app.rsplit('_').next().unwrap();
    assert_eq!((ran.exits(3), ran.stderr.as_str()), (host, "err\n"), "it runs inside the function app");
    assert_eq!(world.azure.kinds(), Vec::<String>::new(), "over the agent's own connection, not by Azure");
}

#[test]
fn exec_availability() {
    let world = running();
    world.docker.ok(&["kill", "w"]);
    let refused = world.docker.run(&["exec", "w", "true"]);
    refused.exits(1);
    assert!(refused.stderr.contains("is not running"), "{}", refused.stderr);
}

#[test]
fn exec_availability_without_an_agent() {
    // The last of the chain is honest: it runs nothing, and says so.
    let world = without_agent(
        "[platform]\nresponse_limit_ms = 120000\nrequest_hold_ms = 120000\n[[images]]\nname = 'alpine'\nstart_delay_ms = 3600000",
    );
    world.pull();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let ran = world.docker.run(&["exec", "w", "echo", "never"]);
    assert_eq!(ran.exits(126), "");
    assert!(ran.stderr.contains("no agent") || ran.stderr.contains("has no agent"), "{}", ran.stderr);
}

#[test]
fn archive_copy() {
    let world = running();
    let file = world.folder().join("file");
    std::fs::write(&file, "bytes\n").unwrap();
    world.docker.ok(&["cp", file.to_str().unwrap(), "w:/root/copied"]);
    assert_eq!(world.docker.ok(&["exec", "w", "cat", "/root/copied"]), "bytes");
    world.docker.ok(&["exec", "w", "sh", "-c", "echo more >> /root/copied"]);
    let back = world.folder().join("back");
    world.docker.ok(&["cp", "w:/root/copied", back.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(back).unwrap(), "bytes\nmore\n");
    assert_eq!(world.azure.kinds(), Vec::<String>::new());
}

#[test]
fn archive_copy_before_the_start() {
    let world = World::start();
    world.pull();
    world.docker.ok(&["create", "--name", "w", "alpine", "cat", "/root/copied"]);
    let file = world.folder().join("file");
    std::fs::write(&file, "before\n").unwrap();
    world.docker.ok(&["cp", file.to_str().unwrap(), "w:/root/copied"]);
    assert_eq!(world.docker.ok(&["start", "--attach", "w"]), "before");
}

#[test]
fn archive_copy_of_what_is_not_there() {
    let world = running();
    let reply = ask_daemon(&world, "GET /containers/w/archive?path=/no/such", &[], b"");
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("Could not find the file /no/such in container w"), "{}", reply.text());
}
