//! Trouble with the disk, and death between two writes, when a test asks for it: only in builds with debug assertions.
//!
//! The environment variable `SOCKERLESS_TEST_STORE` says what, and at which of the transactions since the start, counted from 1:
//!
//! | | |
//! |---|---|
//! | `die-before:N` | the process ends when the transaction would begin |
//! | `die-after:N` | it ends when the transaction is on the disk and nobody knows yet |
//! | `full:N` | the disk is full for this one transaction |
//! | `full-from:N` | and for all that follow |
//! | `slow:N` | every transaction takes so many milliseconds longer |

use std::time::Duration;

/// The variable.
pub(crate) const VARIABLE: &str = "SOCKERLESS_TEST_STORE";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    DieBefore,
    DieAfter,
    Full,
    FullFrom,
    Slow,
}

/// What is to go wrong, and how many transactions there have been.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    planned: Option<(Kind, u64)>,
    transactions: u64,
}

impl Trouble {
    /// What the environment asks for; nothing in a build for users.
    pub(crate) fn from_environment() -> Self {
        let text = if cfg!(debug_assertions) { std::env::var(VARIABLE).unwrap_or_default() } else { String::new() };
        Self { planned: parse(&text), transactions: 0 }
    }

    /// A transaction is about to begin.
    ///
    /// # Errors
    /// The disk is to be full for it.
    pub(crate) fn before(&mut self) -> rusqlite::Result<()> {
        self.transactions += 1;
        let Some((kind, number)) = self.planned else { return Ok(()) };
        let now = number == self.transactions;
        match kind {
            Kind::DieBefore if now => std::process::abort(),
            Kind::Full if now => Err(full()),
            Kind::FullFrom if self.transactions >= number => Err(full()),
            Kind::Slow => {
                std::thread::sleep(Duration::from_millis(number));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A transaction is on the disk.
    pub(crate) fn after(&self) {
        if self.planned == Some((Kind::DieAfter, self.transactions)) {
            std::process::abort();
        }
    }
}

fn full() -> rusqlite::Error {
    let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
    rusqlite::Error::SqliteFailure(error, Some("database or disk is full".to_owned()))
}

fn parse(text: &str) -> Option<(Kind, u64)> {
    let (kind, number) = text.split_once(':')?;
    let kind = match kind {
        "die-before" => Kind::DieBefore,
        "die-after" => Kind::DieAfter,
        "full" => Kind::Full,
        "full-from" => Kind::FullFrom,
        "slow" => Kind::Slow,
        _ => return None,
    };
    Some((kind, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_one_transaction_or_all_that_follow() {
        let full = |text: &str| {
            let mut trouble = Trouble { planned: parse(text), transactions: 0 };
            (0..4).map(|_| trouble.before().is_err()).collect::<Vec<_>>()
        };
        assert_eq!(full("full:2"), [false, true, false, false]);
        assert_eq!(full("full-from:2"), [false, true, true, true]);
        for nothing in ["", "full", "full:x", "die:1"] {
            assert_eq!(full(nothing), [false; 4], "{nothing}");
        }
    }
}
