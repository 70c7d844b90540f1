//! Times as text: RFC 3339, which Azure writes with up to seven digits of a second.

use crate::bindings::types::Timestamp;

const DAY: i64 = 86_400;

/// Reads a time, with `Z` or an offset. Digits beyond the nanosecond are dropped.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, offset) = match rest.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let sign = rest.rfind(['+', '-'])?;
            let [hours, minutes] = numbers(&rest[sign + 1..], ':', [2, 2])?;
            let seconds = hours * 3600 + minutes * 60;
            (&rest[..sign], if rest[sign..].starts_with('-') { -seconds } else { seconds })
        }
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !valid || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = &fraction[..fraction.len().min(9)];
    let nanoseconds = format!("{digits:0<9}").parse().ok()?;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    Some(Timestamp { seconds, nanoseconds })
}

/// Numbers of fixed width between separators.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's algorithm).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Writes seconds since 1970 as RFC 3339. Outside of the years 1 to 9999 the nearest of these.
pub(crate) fn format(seconds: i64) -> String {
    let seconds = seconds.clamp(-62_135_596_800, 253_402_300_799);
    let (z, clock) = (seconds.div_euclid(DAY) + 719_468, seconds.rem_euclid(DAY));
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> (i64, u32) {
        let time = parse(text).unwrap_or_else(|| panic!("{text}"));
        (time.seconds, time.nanoseconds)
    }

    #[test]
    fn reads_what_azure_writes() {
        assert_eq!(at("1970-01-01T00:00:00Z"), (0, 0));
        assert_eq!(at("2026-11-23T19:25:28.1234567Z"), (1_795_461_928, 123_456_700));
        assert_eq!(at("2026-11-23T19:25:28.123456789012Z"), (1_795_461_928, 123_456_789));
        assert_eq!(at("2026-11-23T21:25:28+02:00"), (1_795_461_928, 0));
        assert_eq!(at("1969-12-31T23:59:59.5Z"), (-1, 500_000_000));
        assert_eq!(at("2000-02-29T12:00:00Z").0, 951_825_600);
        for text in
            ["", "now", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T19:25Z", "2026-11-23T19:25:28", "é-T:Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-23T19:25:28Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(format(at(text).0), text);
        }
        assert_eq!(format(i64::MAX), "9999-12-31T23:59:59Z");
    }
}
