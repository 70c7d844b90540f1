//! What a command means to a backend that runs none: how long the container runs.

use crate::bindings::types::Error;

/// A run without an end: the longest that `run-end.after` can say, some 49 days.
pub const FOREVER: u32 = u32::MAX;

/// How many milliseconds a container with this command runs.
///
/// `sleep SECONDS` says so itself, `sleep infinity` and `tail -f …` run until they are stopped, and whatever else is over
/// at once.
///
/// # Errors
/// `sleep` with something that is neither whole seconds nor `infinity`.
pub fn lasts(command: &[String]) -> Result<u32, Error> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match words[..] {
        ["sleep", "infinity"] | ["tail", "-f", ..] => Ok(FOREVER),
        ["sleep", seconds] => milliseconds(seconds).ok_or_else(|| {
            // The text goes to Docker's client as it is: what is wrong, and what to do about it.
            Error::Invalid(format!(
                "memory cannot sleep for \"{seconds}\": write whole seconds, 4294967 at most, or infinity"
            ))
        }),
        _ => Ok(0),
    }
}

fn milliseconds(seconds: &str) -> Option<u32> {
    // `parse` alone takes a sign, too.
    if !matches!(seconds.len(), 1..=7) || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    seconds.parse::<u32>().ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Result<u32, Error> {
        lasts(&command.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn sleep_lasts_as_long_as_it_says() {
        assert_eq!(of("sleep 5"), Ok(5000));
        assert_eq!(of("sleep 4294967"), Ok(4_294_967_000));
        assert_eq!(of("sleep infinity"), Ok(FOREVER));
        for wrong in ["sleep 4294968", "sleep 1.5", "sleep -1", "sleep +1", "sleep ", "sleep 99999999999"] {
            assert!(matches!(of(wrong), Err(Error::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn tail_runs_until_it_is_stopped_and_all_else_is_over_at_once() {
        assert_eq!(of("tail -f /dev/null"), Ok(FOREVER));
        assert_eq!(of("echo hello"), Ok(0));
        assert_eq!(of("sleep"), Ok(0));
        assert_eq!(of("sleep 1 2"), Ok(0));
    }
}
