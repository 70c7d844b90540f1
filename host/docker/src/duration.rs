//! Durations as Go writes them.

use std::fmt;
use std::time::Duration;

/// The text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "time: invalid duration {:?}", self.0)
    }
}

impl std::error::Error for DurationError {}

/// Reads a duration such as `1h30m`, `1.5s` or `300ms`. Negative ones have no use in the API and are refused.
///
/// # Errors
/// When the text is not a duration, or does not fit.
pub fn parse_go_duration(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError(text.to_owned());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() || text.len() > 64 {
        return Err(error());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit: u128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(error()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(error());
        }
        let whole: u128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| error())?.into() };
        total = total.saturating_add(whole.saturating_mul(unit));
        let mut place = unit;
        for digit in fraction.bytes() {
            place /= 10;
            total = total.saturating_add(place.saturating_mul(u128::from(digit - b'0')));
        }
        rest = tail;
    }
    let nanos = i64::try_from(total).map_err(|_| error())?;
    Ok(Duration::from_nanos(nanos.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::parse_go_duration;
    use std::time::Duration;

    #[test]
    fn forms() {
        for (text, millis) in
            [("0", 0), ("300ms", 300), ("1.5s", 1500), ("1h30m", 5_400_000), ("+2m", 120_000), (".5s", 500)]
        {
            assert_eq!(parse_go_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refused() {
        for text in ["", "+", "1", "s", "1x", "1.2.3s", ".s", "-1s", "9999999999999h", "1h1"] {
            assert!(parse_go_duration(text).is_err(), "{text}");
        }
    }
}
