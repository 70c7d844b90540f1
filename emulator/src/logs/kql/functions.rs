//! The functions that exist.

use serde_json::Value as Json;

use super::error::KqlError;
use super::eval::Scope;
use super::parser::{datetime, timespan};
use super::value::{Moment, Type, Value};

/// The type of a call, or why there is no such call.
pub(super) fn result_type(name: &str, arguments: &[Type]) -> Result<Type, KqlError> {
    let (least, most, kind) = match name {
        "now" => (0, 1, Type::DateTime),
        "ago" => (1, 1, Type::DateTime),
        "ingestion_time" => (0, 0, Type::DateTime),
        "todatetime" => (1, 1, Type::DateTime),
        "totimespan" => (1, 1, Type::Timespan),
        "tostring" | "tolower" | "toupper" => (1, 1, Type::String),
        "strcat" => (1, usize::MAX, Type::String),
        "toint" => (1, 1, Type::Int),
        "tolong" | "strlen" => (1, 1, Type::Long),
        "todouble" | "toreal" => (1, 1, Type::Real),
        "tobool" | "not" | "isempty" | "isnotempty" | "isnull" | "isnotnull" => (1, 1, Type::Bool),
        "todynamic" | "parse_json" => (1, 1, Type::Dynamic),
        "iff" | "iif" => (3, 3, arguments.get(1).copied().unwrap_or(Type::Dynamic)),
        "coalesce" => (2, usize::MAX, arguments.first().copied().unwrap_or(Type::Dynamic)),
        _ => return Err(KqlError::semantic(format!("Unknown function: '{name}'."))),
    };
    if !(least..=most).contains(&arguments.len()) {
        return Err(KqlError::semantic(format!("{name}(): it does not take {} arguments", arguments.len())));
    }
    if name == "ago" && arguments != [Type::Timespan] {
        return Err(KqlError::semantic("ago(): a timespan is expected"));
    }
    Ok(kind)
}

/// Calls a function, whose arguments [`result_type`] has counted.
pub(super) fn call(name: &str, arguments: &[Value], scope: &Scope<'_>) -> Result<Value, KqlError> {
    let null = Value::Null;
    let first = arguments.first().unwrap_or(&null);
    Ok(match (name, first) {
        ("now", Value::Timespan(offset)) => Value::DateTime(Moment(scope.now.0.saturating_add(*offset))),
        ("now", _) => Value::DateTime(scope.now),
        ("ago", Value::Timespan(span)) => Value::DateTime(Moment(scope.now.0.saturating_sub(*span))),
        ("ingestion_time", _) => Value::DateTime(scope.row.ingested),
        ("todatetime", Value::DateTime(_)) | ("totimespan", Value::Timespan(_)) => first.clone(),
        ("todatetime", _) => datetime(&first.text()).unwrap_or(Value::Null),
        ("totimespan", _) => timespan(&first.text()).unwrap_or(Value::Null),
        ("tostring", _) => Value::String(first.text()),
        ("tolower", _) => Value::String(first.text().to_lowercase()),
        ("toupper", _) => Value::String(first.text().to_uppercase()),
        ("strcat", _) => Value::String(arguments.iter().map(Value::text).collect()),
        ("strlen", _) => Value::Long(i64::try_from(first.text().chars().count()).unwrap_or(i64::MAX)),
        ("toint" | "tolong", _) => to_long(first),
        ("todouble" | "toreal", _) => first.text().parse().map_or(Value::Null, Value::Real),
        ("tobool", _) => to_bool(first),
        ("not", Value::Bool(value)) => Value::Bool(!value),
        ("isempty", _) => Value::Bool(first.text().is_empty()),
        ("isnotempty", _) => Value::Bool(!first.text().is_empty()),
        ("isnull", _) => Value::Bool(first.is_null()),
        ("isnotnull", _) => Value::Bool(!first.is_null()),
        ("todynamic" | "parse_json", Value::String(text)) => {
            Value::Dynamic(serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone())))
        }
        ("todynamic" | "parse_json", _) => first.clone(),
        ("iff" | "iif", _) => arguments[if *first == Value::Bool(true) { 1 } else { 2 }].clone(),
        ("coalesce", _) => {
            let found = arguments.iter().find(|value| !value.is_null() && **value != Value::String(String::new()));
            found.cloned().unwrap_or(Value::Null)
        }
        ("ago" | "not", _) => Value::Null,
        _ => return Err(KqlError::semantic(format!("Unknown function: '{name}'."))),
    })
}

#[allow(clippy::cast_possible_truncation, reason = "a float is clamped when it is cast")]
fn to_long(value: &Value) -> Value {
    match value {
        Value::Long(_) => value.clone(),
        Value::Real(value) => Value::Long(*value as i64),
        Value::Bool(value) => Value::Long(i64::from(*value)),
        other => other.text().trim().parse().map_or(Value::Null, Value::Long),
    }
}

fn to_bool(value: &Value) -> Value {
    match value {
        Value::Bool(_) => value.clone(),
        Value::Long(value) => Value::Bool(*value != 0),
        other => match other.text().to_lowercase().as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => Value::Null,
        },
    }
}
