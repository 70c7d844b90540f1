//! Ends every process below this one, for containers without a PID namespace, where nobody else does.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// Kills children until there are none. This process is a sub-reaper: killing a child makes its
/// children this process's own, so that in the end none is missed.
pub(super) fn kill_all() {
    // A process that forks faster than it is killed must not keep the helper for ever.
    for _ in 0..1_000 {
        let children = children_of(std::process::id());
        if children.is_empty() {
            return;
        }
        for child in children {
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, None);
        }
        while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status.pid().is_some()) {}
    }
}

fn children_of(parent: u32) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| parent_in(&stat) == Some(parent))
        })
        .map(Pid::from_raw)
        .collect()
}

/// The parent in a line of `/proc/<pid>/stat`, whose second field may hold blanks and parentheses.
fn parent_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_hold_anything() {
        assert_eq!(parent_in("12 (a) b (c) S 7 12 12"), Some(7));
        assert_eq!(parent_in("nonsense"), None);
    }
}
