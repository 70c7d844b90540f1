//! How processes end.
//!
//! One task waits for every child, also for orphans that nobody else waits for. It takes the lock under which processes are
//! started, so that no process can end before it is known here.

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Children that somebody waits for, by id. A process has its children as a whole, whoever in it has started them.
static WAITING: Mutex<BTreeMap<i32, oneshot::Sender<i32>>> = Mutex::new(BTreeMap::new());

/// Held while a process is being prepared and started.
static STARTING: Mutex<()> = Mutex::new(());

fn waiting() -> MutexGuard<'static, BTreeMap<i32, oneshot::Sender<i32>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for children. The exit code is Docker's: 128 and the number of the signal that ended the process.
#[derive(Clone)]
pub(super) struct Reaper(());

impl Reaper {
    /// Begins to wait for children.
    ///
    /// # Errors
    /// The signal of their ends cannot be caught.
    pub(super) fn start() -> std::io::Result<Self> {
        tokio::spawn(reap_for_ever(signal(SignalKind::child())?));
        Ok(Self(()))
    }

    /// To be held while a process is being prepared and started.
    #[expect(clippy::unused_self, reason = "only who reaps may start")]
    pub(super) fn one_at_a_time(&self) -> MutexGuard<'static, ()> {
        STARTING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process. Answers its id, and what tells its exit code.
    pub(super) fn spawn(&self, command: &mut Command) -> std::io::Result<(u32, oneshot::Receiver<i32>)> {
        let mut waiting = waiting();
        // On a failed exec this waits for the child by itself: the lock keeps the reaper from it.
        let child: Child = command.spawn()?;
        let (sender, receiver) = oneshot::channel();
        let pid = child.id();
        if let Ok(key) = i32::try_from(pid) {
            waiting.insert(key, sender);
        }
        Ok((pid, receiver))
    }
}

async fn reap_for_ever(mut ended: Signal) {
    loop {
        reap();
        if ended.recv().await.is_none() {
            return;
        }
    }
}

/// Several ends may come with one signal.
fn reap() {
    let mut waiting = waiting();
    loop {
        let (pid, code) = match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, code),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(_) => continue,
        };
        if let Some(sender) = waiting.remove(&pid.as_raw()) {
            // Nobody may want to know.
            let _ = sender.send(code);
        }
    }
}
