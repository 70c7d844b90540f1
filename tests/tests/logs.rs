//! `docker logs` from Log Analytics, by the mapping's query. Live from the agent: the rows of `mapping/logs.rs`.

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
