//! Sockets that a test opens and passes to a daemon, as systemd does.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::dup2_raw;

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

/// Above all that are passed.
const ASIDE: RawFd = 100;

/// Listening sockets with their names.
#[derive(Debug, Clone)]
pub struct Passed {
    sockets: Arc<Vec<(String, OwnedFd)>>,
}

impl Passed {
    /// The test keeps its own descriptors of them: they live as long as the test.
    #[must_use]
    pub fn new(sockets: Vec<(&str, OwnedFd)>) -> Self {
        Self { sockets: Arc::new(sockets.into_iter().map(|(name, socket)| (name.to_owned(), socket)).collect()) }
    }

    /// The same command, which has them. Its environment is what was set for it, and nothing else.
    pub(crate) fn to(&self, command: &Command) -> Command {
        // The daemon is told its own process id, which is known once it has one.
        let mut passing = Command::new("/bin/sh");
        passing.args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
        passing.env_clear();
        passing.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let names: Vec<&str> = self.sockets.iter().map(|(name, _)| name.as_str()).collect();
        passing.env("LISTEN_FDS", names.len().to_string()).env("LISTEN_FDNAMES", names.join(":"));
        let sockets = self.sockets.clone();
        // SAFETY: between fork and exec only descriptors are duplicated. None that is passed is overwritten before it is: all are put aside
        // first, and those aside are closed by exec.
        unsafe {
            passing.pre_exec(move || {
                let mut aside = [0; 16];
                for ((_, socket), aside) in sockets.iter().zip(&mut aside) {
                    *aside = fcntl(socket, FcntlArg::F_DUPFD_CLOEXEC(ASIDE))?;
                }
                for (index, aside) in (FIRST..).zip(aside.into_iter().take(sockets.len())) {
                    let aside = std::os::fd::BorrowedFd::borrow_raw(aside);
                    // Stays open for the program.
                    let _ = dup2_raw(aside, index)?.into_raw_fd();
                    debug_assert!(aside.as_raw_fd() >= ASIDE);
                }
                Ok(())
            });
        }
        passing
    }
}
