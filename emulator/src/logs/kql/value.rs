//! Values, and how they are written.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value as Json;

/// Nanoseconds of a tick, the unit of time of the language.
const TICK: i128 = 100;

/// Ticks of a second.
pub(super) const TICKS_PER_SECOND: i64 = 10_000_000;

/// A point in time: ticks of 100 ns since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::logs) struct Moment(pub(in crate::logs) i64);

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        // Every time that jiff knows fits: years up to 9999.
        Self(i64::try_from(time.as_nanosecond().div_euclid(TICK)).unwrap_or(i64::MAX))
    }
}

impl Moment {
    /// RFC 3339, with up to seven digits of a second.
    pub(super) fn text(self) -> String {
        match Timestamp::from_nanosecond(i128::from(self.0) * TICK) {
            Ok(time) => time.to_string(),
            Err(_) => String::new(),
        }
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs) enum Type {
    Bool,
    Int,
    Long,
    Real,
    String,
    DateTime,
    Timespan,
    Dynamic,
}

impl Type {
    /// Its name in an answer.
    pub(in crate::logs) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Long => "long",
            Self::Real => "real",
            Self::String => "string",
            Self::DateTime => "datetime",
            Self::Timespan => "timespan",
            Self::Dynamic => "dynamic",
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::logs) enum Value {
    Null,
    Bool(bool),
    Long(i64),
    Real(f64),
    String(String),
    DateTime(Moment),
    /// Ticks.
    Timespan(i64),
    Dynamic(Json),
}

impl Value {
    /// As it stands in an answer.
    pub(in crate::logs) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => (*value).into(),
            Self::Long(value) => (*value).into(),
            Self::Real(value) => (*value).into(),
            Self::String(value) => value.as_str().into(),
            // The service sends dynamic values as text.
            Self::DateTime(_) | Self::Timespan(_) | Self::Dynamic(_) => self.text().into(),
        }
    }

    /// What `tostring()` makes of it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null | Self::Dynamic(Json::Null) => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Long(value) => value.to_string(),
            Self::Real(value) => value.to_string(),
            Self::String(value) | Self::Dynamic(Json::String(value)) => value.clone(),
            Self::DateTime(value) => value.text(),
            Self::Timespan(ticks) => timespan_text(*ticks),
            Self::Dynamic(value) => value.to_string(),
        }
    }

    /// A member of a dynamic value as a plain one.
    pub(super) fn from_dynamic(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Self::Long(value),
                None => number.as_f64().map_or(Self::Null, Self::Real),
            },
            Json::String(value) => Self::String(value.clone()),
            Json::Array(_) | Json::Object(_) => Self::Dynamic(json.clone()),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Dynamic(Json::Null))
    }

    /// How two values of like type compare; `None` for those that do not.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Long(a), Self::Long(b)) | (Self::Timespan(a), Self::Timespan(b)) => Some(a.cmp(b)),
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            (Self::DateTime(a), Self::DateTime(b)) => Some(a.cmp(b)),
            (Self::Dynamic(a), Self::Dynamic(b)) => (a == b).then_some(Ordering::Equal),
            _ => self.as_real()?.partial_cmp(&other.as_real()?),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "as Kusto does it")]
    pub(super) fn as_real(&self) -> Option<f64> {
        match self {
            Self::Long(value) => Some(*value as f64),
            Self::Real(value) => Some(*value),
            _ => None,
        }
    }
}

/// `[-][days.]hh:mm:ss[.fffffff]`
fn timespan_text(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let per_second = TICKS_PER_SECOND.unsigned_abs();
    let (seconds, fraction) = (ticks / per_second, ticks % per_second);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if fraction > 0 { format!(".{fraction:07}") } else { String::new() };
    format!("{sign}{days}{:02}:{:02}:{:02}{fraction}", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_up_to_seven_digits() {
        let moment = |text: &str| Moment::from(text.parse::<Timestamp>().unwrap()).text();
        assert_eq!(moment("2026-11-23T19:25:28.123456789Z"), "2026-11-23T19:25:28.1234567Z");
        assert_eq!(moment("2026-11-23T19:25:28Z"), "2026-11-23T19:25:28Z");
    }

    #[test]
    fn timespans_are_written_as_kusto_does() {
        assert_eq!(Value::Timespan(90 * TICKS_PER_SECOND).text(), "00:01:30");
        assert_eq!(Value::Timespan(-(86_400 * TICKS_PER_SECOND) - 1).text(), "-1.00:00:00.0000001");
    }
}
