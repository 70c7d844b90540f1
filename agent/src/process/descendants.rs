//! Everything that runs in the container because of the agent.
//!
//! Orphans come to the agent, which is their reaper, so nothing that a command has started can get out of sight.

use std::collections::HashMap;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long killed processes may take to go. One that hangs in the kernel never goes.
const ROUNDS: usize = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// The ids of all processes that descend from the agent, zombies left out.
pub(crate) fn of_agent() -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    for pid in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        // Processes end while they are looked at.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if let Some((state, parent)) = state_and_parent(&stat)
            && state != "Z"
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![i32::try_from(std::process::id()).unwrap_or(1)];
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.push(child);
            next.push(child);
        }
    }
    found.sort_unstable();
    found
}

/// The name of the program, in parentheses, may have any characters.
fn state_and_parent(stat: &str) -> Option<(&str, i32)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?, fields.next()?.parse().ok()?))
}

/// Kills them all, as happens when the first process of a container ends.
pub(super) async fn kill_all() {
    for _ in 0..ROUNDS {
        let all = of_agent();
        if all.is_empty() {
            return;
        }
        for pid in all {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!("processes of the command do not go although they were killed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything() {
        assert_eq!(state_and_parent("7 (a) b (c)) S 3 7 7 0"), Some(("S", 3)));
        assert_eq!(state_and_parent("7 (x"), None);
    }
}
