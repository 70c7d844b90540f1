//! The helper process of a container: `azure-emulator container-init`.
//!
//! The emulator cannot make namespaces itself, since it has threads, and an app may live longer
//! than the task that started it. So each container has a small process of its own:
//!
//! ```text
//! emulator ──socket──► helper (machine's PID namespace) ──fork──► first process (PID 1 of the container)
//! ```
//!
//! The socket is the helper's standard input. One line of JSON in says what to run, lines of JSON out
//! say what became of it, and **its end is the order to kill everything**: it ends whichever way the
//! emulator dies. Should the helper be killed instead, the first process follows by its parent-death
//! signal, and with it, as PID 1, its whole namespace with every mount.

mod channel;
mod child;
mod descendants;
mod devices;
mod namespaces;
mod rootfs;
mod tree;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use self::channel::{Events, Orders};
use super::protocol::{InitEvent, InitOrder, InitSpec};

/// Runs the helper on this process's standard input, and returns when the container has ended.
///
/// For the binary that serves as [`crate::EmulatorConfig::container_init`]. It must be called before
/// the process has started a thread.
#[must_use]
pub fn container_init_main() -> ExitCode {
    let (events, mut orders) = match channel::open() {
        Ok(channel) => channel,
        Err(error) => {
            eprintln!("container-init is started by the emulator, with a socket as its standard input: {error}");
            return ExitCode::from(2);
        }
    };
    let spec: InitSpec = match orders.read() {
        Ok(Some(spec)) => spec,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            events.send(&InitEvent::Failed { message: format!("container-init got no valid order: {error}") });
            return ExitCode::FAILURE;
        }
    };
    match run(&spec, &events, orders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            events.send(&InitEvent::Failed { message });
            ExitCode::FAILURE
        }
    }
}

fn run(spec: &InitSpec, events: &Events, orders: Orders) -> Result<(), String> {
    if spec.namespaces {
        namespaces::enter(events)?;
    } else {
        // Descendants whose parents end become children of this process, so that it can find them all.
        nix::sys::prctl::set_child_subreaper(true).map_err(|error| format!("PR_SET_CHILD_SUBREAPER: {error}"))?;
    }
    let (mut go_read, mut go_write) = pipe()?;
    let (mut error_read, error_write) = pipe()?;
    // SAFETY: this process has one thread (`container_init_main` demands it), so the child may do
    // anything that the parent could.
    let pid = match unsafe { fork() }.map_err(|error| format!("fork: {error}"))? {
        ForkResult::Child => {
            drop((go_write, error_read));
            // The parent may already be gone when the death signal is asked for; then nothing comes.
            let alive = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && go_read.read_exact(&mut [0]).is_ok();
            if alive {
                let message = child::run(spec, events);
                let mut error_write = error_write;
                // Nobody is left to tell when this fails too.
                let _ = error_write.write_all(message.as_bytes());
            }
            std::process::exit(127);
        }
        ForkResult::Parent { child } => child,
    };
    drop((go_read, error_write));
    go_write.write_all(&[1]).map_err(|error| format!("the first process ended at once: {error}"))?;
    drop(go_write);

    let mut message = String::new();
    // The pipe closes by itself when the command is executed.
    error_read.read_to_string(&mut message).map_err(|error| format!("reading the start-up error: {error}"))?;
    if !message.is_empty() {
        let _ = waitpid(pid, None);
        return Err(message);
    }
    if spec.probe {
        let status = waitpid(pid, None).map_err(|error| format!("waitpid: {error}"))?;
        return match status {
            WaitStatus::Exited(_, 0) => {
                events.send(&InitEvent::Started { pid: pid.as_raw() });
                Ok(())
            }
            other => Err(format!("the first process of a new PID namespace ended: {other:?}")),
        };
    }
    events.send(&InitEvent::Started { pid: pid.as_raw() });
    let status = obey_until_end(orders, pid)?;
    if !spec.namespaces {
        descendants::kill_all();
    }
    events.send(&status);
    Ok(())
}

fn pipe() -> Result<(std::io::PipeReader, std::io::PipeWriter), String> {
    std::io::pipe().map_err(|error| format!("pipe: {error}"))
}

/// Passes signals on until the container's first process has ended; that the emulator closes its end kills it. All in one
/// thread: a process whose children are in another PID namespace than itself can have no second one.
fn obey_until_end(mut orders: Orders, pid: Pid) -> Result<InitEvent, String> {
    let failed = |error: nix::Error| format!("waiting for the first process: {error}");
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    // Only now, since the first process would have inherited it.
    children.thread_block().map_err(failed)?;
    let ends = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
    let mut ordered = true;
    loop {
        if let Some(status) = ended(pid) {
            return Ok(status);
        }
        let is_order = {
            let watch_orders = if ordered { PollFlags::POLLIN } else { PollFlags::empty() };
            let mut watched = [PollFd::new(ends.as_fd(), PollFlags::POLLIN), PollFd::new(orders.as_fd(), watch_orders)];
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(failed(error)),
            }
            ordered && watched[1].any().unwrap_or(false)
        };
        // What it says is that something has ended, which is looked for above.
        while ends.read_signal().is_ok_and(|signal| signal.is_some()) {}
        if !is_order {
            continue;
        }
        loop {
            // It may have ended just now; then the loop sees it.
            match orders.read() {
                Ok(Some(InitOrder::Signal { signal })) => {
                    if let Ok(signal) = Signal::try_from(signal) {
                        let _ = kill(pid, signal);
                    }
                }
                Ok(None) | Err(_) => {
                    ordered = false;
                    let _ = kill(pid, Signal::SIGKILL);
                }
            }
            if !ordered || !orders.has_more() {
                break;
            }
        }
    }
}

/// How the first process ended, if it has. Reaps whatever else has.
fn ended(pid: Pid) -> Option<InitEvent> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(ended, code)) if ended == pid => {
                return Some(InitEvent::Exited { code: Some(code), signal: None });
            }
            Ok(WaitStatus::Signaled(ended, signal, _)) if ended == pid => {
                return Some(InitEvent::Exited { code: None, signal: Some(signal as i32) });
            }
            Ok(WaitStatus::StillAlive) => return None,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Some(InitEvent::Exited { code: None, signal: None }),
        }
    }
}
