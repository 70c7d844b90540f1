//! The agent inside its container over a long time.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use bollard::Docker;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::{StreamExt, TryStreamExt, stream};
use sockerless_tests::World;

/// A health check every minute, for a day.
const DAY: usize = 24 * 60;

/// So many clients at once.
const AT_ONCE: usize = 8;

/// Execs, each with output, a child that nobody waits for, and a code.
async fn execs(docker: &Docker, from: usize, count: usize) {
    let exec = |n: usize| async move {
        let words = ["sh".to_owned(), "-c".to_owned(), format!("(sleep 0 &) ; echo {n}; exit {}", n % 5)];
        let config = ExecConfig {
            cmd: Some(words.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let id = docker.create_exec("w", config).await.unwrap().id;
        let StartExecResults::Attached { output, .. } = docker.start_exec(&id, None).await.unwrap() else {
            panic!("not attached")
        };
        let output: Vec<_> = output.try_collect().await.unwrap();
        let text: String = output.iter().map(ToString::to_string).collect();
        assert_eq!(text.trim(), n.to_string());
        assert_eq!(docker.inspect_exec(&id).await.unwrap().exit_code, Some((n % 5) as i64));
    };
    stream::iter((from..from + count).map(exec)).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
}

/// The agent's memory, in KiB.
fn memory(world: &World) -> usize {
    let status =
        world.docker.ok(&["exec", "w", "sh", "-c", "cat $(grep -l '^Name:.sockerless-agen' /proc/[0-9]*/status)"]);
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_else(|| panic!("{status}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_days_worth_of_execs_leaves_nothing_behind() {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let docker =
        Docker::connect_with_unix(world.daemon.socket().to_str().unwrap(), 120, bollard::API_DEFAULT_VERSION).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What an allocator takes once it keeps.
    runtime.block_on(execs(&docker, 0, DAY / 6));
    let (agent, daemon) = (memory(&world), world.daemon.memory());
    runtime.block_on(execs(&docker, DAY / 6, DAY));
    let (grown, daemon_grown) = (memory(&world).saturating_sub(agent), world.daemon.memory().saturating_sub(daemon));
    println!("agent {agent} KiB and {grown} more, daemon {daemon} KiB and {daemon_grown} more");
    assert!(grown < 1 << 10, "{DAY} execs make the agent grow by {grown} KiB");
    assert!(daemon_grown < 16 << 10, "{DAY} execs make the daemon grow by {daemon_grown} KiB");
    let zombies = world.docker.ok(&["exec", "w", "sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status || true"]);
    assert_eq!(zombies, "", "children of ended commands were not reaped");
}
