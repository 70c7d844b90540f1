//! The `timespan` of a query: an ISO 8601 duration up to now, or an interval.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::kql::Moment;

/// From (inclusive) and to (exclusive), in the ticks of the query language.
pub(super) type Interval = (i64, i64);

/// Reads a timespan.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Interval, String> {
    let invalid = |error: &dyn std::fmt::Display| format!("the timespan '{text}' is not valid: {error}");
    let interval = match text.split_once('/') {
        None if !is_duration(text) => return Err(invalid(&"write a duration such as PT12H, or an interval")),
        None => (shift(now, text, false).map_err(|error| invalid(&error))?, now),
        Some((start, end)) if is_duration(start) => {
            let end = end.parse().map_err(|error: jiff::Error| invalid(&error))?;
            (shift(end, start, false).map_err(|error| invalid(&error))?, end)
        }
        Some((start, end)) => {
            let start: Timestamp = start.parse().map_err(|error: jiff::Error| invalid(&error))?;
            let end = if is_duration(end) { shift(start, end, true) } else { end.parse() };
            (start, end.map_err(|error| invalid(&error))?)
        }
    };
    Ok((Moment::from(interval.0).0, Moment::from(interval.1).0))
}

fn is_duration(text: &str) -> bool {
    text.starts_with(['P', 'p'])
}

fn shift(from: Timestamp, duration: &str, forward: bool) -> Result<Timestamp, jiff::Error> {
    let span: jiff::Span = duration.parse()?;
    // Days and months have a length only in a calendar.
    let zoned = from.to_zoned_datetime(TimeZone::UTC);
    let shifted = if forward { zoned.checked_add(span)? } else { zoned.checked_sub(span)? };
    Ok(shifted.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_end_now_and_intervals_where_they_say() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let at = |text: &str| Moment::from(text.parse::<Timestamp>().unwrap()).0;
        for (text, start, end) in [
            ("PT12H", "2026-11-24T00:00:00Z", "2026-11-24T12:00:00Z"),
            ("P1D", "2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z"),
            ("2026-01-01T00:00:00Z/2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("2026-01-01T00:00:00Z/PT1H", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
            ("PT1H/2026-01-01T01:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
        ] {
            assert_eq!(parse(text, now).unwrap(), (at(start), at(end)), "{text}");
        }
        assert!(parse("12h ago", now).is_err());
    }
}
