//! The type of an expression, found before any row is looked at, so that an answer without rows has
//! right columns and a wrong name is an error even then.

use super::ast::{Expression, Operator};
use super::error::KqlError;
use super::functions;
use super::run::Column;
use super::value::{Type, Value};

/// The type of an expression over some columns.
pub(super) fn type_of(expression: &Expression, columns: &[Column]) -> Result<Type, KqlError> {
    Ok(match expression {
        Expression::Literal(value) => literal(value),
        Expression::Column(name) => {
            let column = columns.iter().find(|column| column.name == *name);
            column.ok_or_else(|| KqlError::no_column(name))?.kind
        }
        Expression::Member(of, key) => {
            type_of(key, columns)?;
            match type_of(of, columns)? {
                Type::Dynamic => Type::Dynamic,
                other => {
                    let message = format!("a value of type {} has no members", other.name());
                    return Err(KqlError::semantic(message));
                }
            }
        }
        Expression::Call(name, arguments) => {
            let kinds: Vec<_> =
                arguments.iter().map(|argument| type_of(argument, columns)).collect::<Result<_, _>>()?;
            functions::result_type(name, &kinds)?
        }
        Expression::Negate(inner) => type_of(inner, columns)?,
        Expression::In { item, list, .. } => {
            type_of(item, columns)?;
            for item in list {
                type_of(item, columns)?;
            }
            Type::Bool
        }
        Expression::Between { item, low, high, .. } => {
            for part in [item, low, high] {
                type_of(part, columns)?;
            }
            Type::Bool
        }
        Expression::Binary(operator, left, right) => {
            binary(*operator, type_of(left, columns)?, type_of(right, columns)?)?
        }
    })
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Long(_) => Type::Long,
        Value::Real(_) => Type::Real,
        Value::String(_) => Type::String,
        Value::DateTime(_) => Type::DateTime,
        Value::Timespan(_) => Type::Timespan,
        Value::Null | Value::Dynamic(_) => Type::Dynamic,
    }
}

fn binary(operator: Operator, left: Type, right: Type) -> Result<Type, KqlError> {
    let is_number = |kind: Type| matches!(kind, Type::Int | Type::Long | Type::Real | Type::Dynamic);
    let mismatch = || {
        let message = format!("operator between {} and {}: the types do not go together", left.name(), right.name());
        KqlError::semantic(message)
    };
    match operator {
        Operator::Add | Operator::Subtract => match (left, right) {
            (Type::DateTime, Type::Timespan) => Ok(Type::DateTime),
            (Type::Timespan, Type::DateTime) if operator == Operator::Add => Ok(Type::DateTime),
            (Type::DateTime, Type::DateTime) if operator == Operator::Subtract => Ok(Type::Timespan),
            (Type::Timespan, Type::Timespan) => Ok(Type::Timespan),
            _ if is_number(left) && is_number(right) => Ok(wider(left, right)),
            _ => Err(mismatch()),
        },
        Operator::Multiply | Operator::Divide | Operator::Remainder => {
            if is_number(left) && is_number(right) {
                Ok(wider(left, right))
            } else {
                Err(mismatch())
            }
        }
        Operator::And | Operator::Or => {
            let is_bool = |kind| matches!(kind, Type::Bool | Type::Dynamic);
            if is_bool(left) && is_bool(right) { Ok(Type::Bool) } else { Err(mismatch()) }
        }
        Operator::EqualText | Operator::NotEqualText | Operator::Text(..) => {
            let is_text = |kind| matches!(kind, Type::String | Type::Dynamic);
            if is_text(left) && is_text(right) { Ok(Type::Bool) } else { Err(mismatch()) }
        }
        _ => {
            let goes = left == right
                || left == Type::Dynamic
                || right == Type::Dynamic
                || (is_number(left) && is_number(right));
            if goes { Ok(Type::Bool) } else { Err(mismatch()) }
        }
    }
}

fn wider(left: Type, right: Type) -> Type {
    if left == Type::Real || right == Type::Real { Type::Real } else { Type::Long }
}
