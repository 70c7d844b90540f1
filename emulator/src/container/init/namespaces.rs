//! Leaves the machine's namespaces.
//!
//! User ids are mapped to themselves as far as this process has them, so that files keep their
//! owners and `--user nobody` works; without the right to do that, only the own user becomes root.

use std::fs;
use std::io::{Read, Write};

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getegid, geteuid};

use super::channel::Events;
use super::pipe;

/// Enters new user, mount, UTS, IPC and PID namespaces. The network stays the machine's. Only children
/// of this process are in the PID namespace.
pub(super) fn enter(events: &Events) -> Result<(), String> {
    let (uid, gid) = (geteuid(), getegid());
    let full = if uid.is_root() { Some(own_ranges()?) } else { None };
    let (mut go_read, mut go_write) = pipe()?;
    let parent = std::process::id();

    // A whole range can only be mapped from outside, by somebody who stayed there.
    // SAFETY: this process has one thread, so the child may do anything that the parent could.
    let writer = match unsafe { fork() }.map_err(|error| format!("fork: {error}"))? {
        ForkResult::Child => {
            drop(go_write);
            let written = go_read.read_exact(&mut [0]).is_ok()
                && full.is_some_and(|(uids, gids)| {
                    fs::write(format!("/proc/{parent}/uid_map"), uids).is_ok()
                        && fs::write(format!("/proc/{parent}/gid_map"), gids).is_ok()
                });
            std::process::exit(i32::from(!written));
        }
        ForkResult::Parent { child } => child,
    };
    drop(go_read);
    let entered = unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWPID,
    );
    if entered.is_ok() {
        // The writer's answer tells whether this arrived.
        let _ = go_write.write_all(&[1]);
    }
    drop(go_write);
    let mapped = matches!(waitpid(writer, None), Ok(WaitStatus::Exited(_, 0)));
    entered.map_err(|error| format!("new namespaces are refused by the kernel: {error}"))?;
    if !mapped {
        map_self(uid.as_raw(), gid.as_raw()).map_err(|error| format!("the user cannot be mapped: {error}"))?;
        events.note("only one user exists in the container: the emulator does not run as root");
    }
    Ok(())
}

/// The ranges of ids that exist for this process, each mapped to itself.
fn own_ranges() -> Result<(String, String), String> {
    let identity = |file: &str| {
        fs::read_to_string(file).map(|map| identity_map(&map)).map_err(|error| format!("cannot read {file}: {error}"))
    };
    Ok((identity("/proc/self/uid_map")?, identity("/proc/self/gid_map")?))
}

fn identity_map(map: &str) -> String {
    map.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (inside, _, length) = (fields.next()?, fields.next()?, fields.next()?);
            Some(format!("{inside} {inside} {length}\n"))
        })
        .collect()
}

fn map_self(uid: u32, gid: u32) -> std::io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1\n"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_mapped_to_themselves() {
        assert_eq!(
            identity_map("         0       1000          1\n         1     100000      65536\n"),
            "0 0 1\n1 1 65536\n"
        );
    }
}
