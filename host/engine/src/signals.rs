//! Signals by name and number, as Docker's clients write them.

use crate::error::{Error, Result};

const NAMES: [(&str, i32); 31] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The full name of a signal that a client wrote as `KILL`, `sigkill` or `9`; SIGKILL if it wrote none.
pub(crate) fn parse(written: Option<&str>) -> Result<String> {
    let written = written.unwrap_or("").trim();
    if written.is_empty() {
        return Ok("SIGKILL".to_owned());
    }
    let upper = written.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    NAMES
        .iter()
        .find(|(known, number)| *known == name || number.to_string() == written)
        .map(|(known, _)| format!("SIG{known}"))
        .ok_or_else(|| match written.parse::<i64>() {
            Ok(number) if number != 0 => Error::invalid(format!("the linux daemon does not support signal {written}")),
            _ => Error::invalid(format!("invalid signal: {written}")),
        })
}

/// The number of a full name, on Linux.
pub(crate) fn number(name: &str) -> Option<i32> {
    let name = name.strip_prefix("SIG")?;
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_signal() {
        for written in ["KILL", "kill", "SIGKILL", "sigkill", "9", ""] {
            assert_eq!(parse(Some(written)).unwrap(), "SIGKILL", "{written}");
        }
        assert_eq!(parse(None).unwrap(), "SIGKILL");
        assert_eq!(parse(Some("15")).unwrap(), "SIGTERM");
        assert_eq!(number("SIGTERM"), Some(15));
        for wrong in ["NOPE", "0", "99", "-9"] {
            assert!(parse(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
