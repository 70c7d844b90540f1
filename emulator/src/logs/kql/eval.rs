//! The value of an expression in one row.

use serde_json::Value as Json;

use super::ast::{Expression, Operator};
use super::error::KqlError;
use super::functions;
use super::operators;
use super::run::{Column, Row};
use super::value::{Moment, Value};

/// What an expression can refer to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) columns: &'a [Column],
    pub(super) row: &'a Row,
    /// One and the same throughout a query.
    pub(super) now: Moment,
}

/// Computes a value.
pub(super) fn evaluate(expression: &Expression, scope: &Scope<'_>) -> Result<Value, KqlError> {
    Ok(match expression {
        Expression::Literal(value) => value.clone(),
        Expression::Column(name) => {
            let index = scope.columns.iter().position(|column| column.name == *name);
            scope.row.values[index.ok_or_else(|| KqlError::no_column(name))?].clone()
        }
        Expression::Member(of, key) => member(&evaluate(of, scope)?, &evaluate(key, scope)?),
        Expression::Call(name, arguments) => {
            let values: Vec<_> =
                arguments.iter().map(|argument| evaluate(argument, scope)).collect::<Result<_, _>>()?;
            functions::call(name, &values, scope)?
        }
        Expression::Negate(inner) => match evaluate(inner, scope)? {
            Value::Long(value) => Value::Long(value.wrapping_neg()),
            Value::Real(value) => Value::Real(-value),
            Value::Timespan(value) => Value::Timespan(value.wrapping_neg()),
            _ => Value::Null,
        },
        Expression::In { item, list, is_negated, ignores_case } => {
            let operator = if *ignores_case { Operator::EqualText } else { Operator::Equal };
            let item = evaluate(item, scope)?;
            let mut is_in = false;
            for candidate in list {
                is_in |= operators::apply(operator, &item, &evaluate(candidate, scope)?) == Value::Bool(true);
            }
            Value::Bool(is_in != *is_negated)
        }
        Expression::Between { item, low, high, is_negated } => {
            let item = evaluate(item, scope)?;
            let low = operators::apply(Operator::GreaterOrEqual, &item, &evaluate(low, scope)?);
            let high = operators::apply(Operator::LessOrEqual, &item, &evaluate(high, scope)?);
            let is_between = low == Value::Bool(true) && high == Value::Bool(true);
            Value::Bool(is_between != *is_negated)
        }
        Expression::Binary(operator @ (Operator::And | Operator::Or), left, right) => {
            let left = evaluate(left, scope)? == Value::Bool(true);
            if left == (*operator == Operator::Or) {
                return Ok(Value::Bool(left));
            }
            Value::Bool(evaluate(right, scope)? == Value::Bool(true))
        }
        Expression::Binary(operator, left, right) => {
            operators::apply(*operator, &evaluate(left, scope)?, &evaluate(right, scope)?)
        }
    })
}

/// A member of a dynamic value; null when there is none.
fn member(of: &Value, key: &Value) -> Value {
    let found = match (of, key) {
        (Value::Dynamic(Json::Object(map)), Value::String(name)) => map.get(name),
        (Value::Dynamic(Json::Array(list)), Value::Long(index)) => {
            let index = if *index < 0 { index.saturating_add_unsigned(list.len() as u64) } else { *index };
            usize::try_from(index).ok().and_then(|index| list.get(index))
        }
        _ => None,
    };
    found.map_or(Value::Null, Value::from_dynamic)
}
