//! Times: as the Engine prints them, and as clients ask for them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

use crate::parse_go_duration;

/// How the Engine prints a time that never came.
pub const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// The text is not a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeError(String);

impl fmt::Display for TimeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "failed to parse value as time or duration: {:?}", self.0)
    }
}

impl std::error::Error for TimeError {}

/// Prints a time as the Engine does: RFC 3339 in UTC, nanoseconds without trailing zeros.
#[must_use]
pub fn format_time(time: Timestamp) -> String {
    time.to_string()
}

/// Reads the time of a query: seconds since 1970 with a fraction, RFC 3339 with or without the zone, its minutes,
/// its seconds or its time of day, or a Go duration before now. Empty and `0` are no time.
///
/// # Errors
/// When it is none of these.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Option<Timestamp>, TimeError> {
    let text = text.trim();
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    unix(text)
        .or_else(|| text.parse().ok())
        .or_else(|| civil(text))
        .or_else(|| ago(text, now))
        .map(Some)
        .ok_or_else(|| TimeError(text.to_owned()))
}

fn unix(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || fraction.len() > 32 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Timestamp::new(seconds, if seconds < 0 { -nanos } else { nanos }).ok()
}

fn civil(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let time = text
        .parse::<DateTime>()
        .or_else(|_| DateTime::strptime("%Y-%m-%dT%H:%M", text))
        .or_else(|_| DateTime::strptime("%Y-%m-%dT%H", text))
        .ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let duration = SignedDuration::try_from(parse_go_duration(text).ok()?).ok()?;
    now.checked_sub(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::{ZERO_TIME, format_time, parse_time};
    use jiff::Timestamp;

    #[test]
    fn printed_as_go_does() {
        for text in
            ["2026-11-24T14:43:15.271997746Z", "2026-11-24T14:43:15.13213165Z", "2026-11-24T14:43:15Z", ZERO_TIME]
        {
            assert_eq!(format_time(text.parse().unwrap()), text);
        }
    }

    #[test]
    fn forms() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (text, want) in [
            ("1795531395", "2026-11-24T14:43:15Z"),
            ("1795531395.5", "2026-11-24T14:43:15.5Z"),
            ("1795531395.000000001", "2026-11-24T14:43:15.000000001Z"),
            ("2026-11-24T14:43:15Z", "2026-11-24T14:43:15Z"),
            ("2026-11-24T14:43:15+01:00", "2026-11-24T13:43:15Z"),
            ("2026-11-24T14:43:15.25", "2026-11-24T14:43:15.25Z"),
            ("2026-11-24T14:43", "2026-11-24T14:43:00Z"),
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("1h30m", "2026-11-24T10:30:00Z"),
        ] {
            let want: Timestamp = want.parse().unwrap();
            assert_eq!(parse_time(text, now), Ok(Some(want)), "{text}");
        }
    }

    #[test]
    fn none_and_refused() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(parse_time("", now), Ok(None));
        assert_eq!(parse_time("0", now), Ok(None));
        for text in ["x", "1.x", "10 minutes", "99999999999999999999", "2026-13-01"] {
            assert!(parse_time(text, now).is_err(), "{text}");
        }
    }
}
