//! Signals to processes.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// A signal by its name, with `SIG` or without, or its number.
pub(crate) fn parse(written: &str) -> Option<Signal> {
    let upper = written.trim().to_ascii_uppercase();
    if let Ok(number) = upper.parse::<i32>() {
        return Signal::try_from(number).ok();
    }
    let full = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    full.parse().ok()
}

/// To a process and everything in its group. That it has gone is no error.
pub(super) fn send_to_group(pid: u32, signal: Signal) -> Result<(), Errno> {
    let Ok(pid) = i32::try_from(pid) else { return Err(Errno::ESRCH) };
    let pid = Pid::from_raw(pid);
    match killpg(pid, signal) {
        // Between fork and setsid there is no group yet.
        Err(Errno::ESRCH) => match kill(pid, signal) {
            Err(Errno::ESRCH) => Ok(()),
            result => result,
        },
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for written in ["SIGTERM", "term", "15", " Term "] {
            assert_eq!(parse(written), Some(Signal::SIGTERM), "{written}");
        }
        for wrong in ["", "NOPE", "0", "99"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
