//! Which values of a field ask for nothing.

use serde_json::Value;

/// The values by which a client says nothing. Absent, `null`, `false`, `0`, and what is empty always are such.
#[derive(Debug, Clone, Copy)]
pub(super) enum Neutral {
    /// No others.
    Empty,
    /// These numbers.
    Numbers(&'static [i64]),
    /// These texts.
    Texts(&'static [&'static str]),
    /// Those for which this holds.
    Which(fn(&Value) -> bool),
    /// Those for which this holds, and not what is empty: an empty list takes away what is there by default.
    Only(fn(&Value) -> bool),
}

impl Neutral {
    pub(super) fn holds(self, value: &Value) -> bool {
        match self {
            Self::Empty => is_empty(value),
            Self::Numbers(numbers) => is_empty(value) || value.as_i64().is_some_and(|number| numbers.contains(&number)),
            Self::Texts(texts) => is_empty(value) || value.as_str().is_some_and(|text| texts.contains(&text)),
            Self::Which(holds) => is_empty(value) || holds(value),
            Self::Only(holds) => value.is_null() || holds(value),
        }
    }
}

/// Whether this is the zero value that Go's clients write for a field that nobody set.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The value of a member.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    static NULL: Value = Value::Null;
    value.get(name).unwrap_or(&NULL)
}
