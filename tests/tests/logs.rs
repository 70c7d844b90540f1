//! `docker logs`: from Log Analytics by the mapping's query, and live from the agent.

use std::io::Read;

use sockerless_tests::{World, eventually};

/// Rows come in their own time: asks until the last line is there.
fn logs(world: &World, arguments: &[&str], last: &str) -> String {
    let all: Vec<&str> = ["logs"].iter().chain(arguments).copied().collect();
    eventually("the lines are in Log Analytics", || {
        let ran = world.docker.run(&all);
        ran.ok();
        ran.stdout.contains(last).then_some(ran.stdout)
    })
}

#[test]
fn lines_come_from_log_analytics_by_the_mappings_query() {
    let world = World::start();
    world.docker.run(&["run", "--name", "w", "alpine", "sh", "-c", "echo one; echo two >&2; printf three"]).ok();
    let out = logs(&world, &["w"], "three");
    assert_eq!(out, "one\nthree");
    let id = world.docker.inspect("w")["Id"].as_str().unwrap().to_owned();
    let query = format!("AppTraces | where AppRoleName == \\\"skls-{}\\\" | order by TimeGenerated asc", &id[..12]);
    let requests = world.azure.requests();
    assert!(
        requests.iter().any(|request| request.to_string().contains(&query.replace("\\\"", "\\\\\\\""))
            || request.to_string().contains(&query)),
        "no request with {query}"
    );
}

#[test]
fn standard_error_is_apart() {
    let world = World::start();
    world.docker.run(&["run", "--name", "w", "alpine", "sh", "-c", "echo one; echo two >&2; echo three"]).ok();
    logs(&world, &["w"], "three");
    let ran = world.docker.run(&["logs", "w"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("one\nthree\n", "two\n"));
}

#[test]
fn tail_timestamps_since_and_until() {
    let world = World::start();
    let script = "for n in 1 2 3 4 5; do echo line $n; sleep 0.05; done";
    world.docker.run(&["run", "--name", "w", "alpine", "sh", "-c", script]).ok();
    logs(&world, &["w"], "line 5");
    assert_eq!(world.docker.ok(&["logs", "--tail", "2", "w"]), "line 4\nline 5");
    assert_eq!(world.docker.ok(&["logs", "--tail", "0", "w"]), "");
    let stamped = world.docker.ok(&["logs", "--timestamps", "w"]);
    let lines: Vec<(&str, &str)> = stamped.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(lines.len(), 5, "{stamped}");
    for ((time, text), n) in lines.iter().zip(1..) {
        assert_eq!(*text, format!("line {n}"));
        assert!(time.starts_with("20") && time.ends_with('Z') && time.contains('T') && time.len() == 30, "{time}");
    }
    assert!(lines.is_sorted_by_key(|(time, _)| *time), "{stamped}");
    let third = lines[2].0;
    assert_eq!(world.docker.ok(&["logs", "--since", third, "w"]), "line 3\nline 4\nline 5");
    assert_eq!(world.docker.ok(&["logs", "--until", third, "w"]), "line 1\nline 2\nline 3");
}

#[test]
fn follow_is_live_and_ends_with_the_container() {
    let world = World::start();
    let script = "echo begin; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo end";
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "sh", "-c", script]);
    let mut follow = world.docker.spawn(&["logs", "--follow", "w"]);
    let mut output = follow.stdout.take().unwrap();
    let mut begin = [0; 6];
    output.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"begin\n");
    world.docker.ok(&["exec", "--detach", "w", "touch", "/tmp/go"]);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "end\n");
    assert!(follow.wait().unwrap().success());
}
