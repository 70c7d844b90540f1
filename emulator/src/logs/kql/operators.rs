//! Operators between two values. What cannot be compared is null, which `where` takes for false.

use std::cmp::Ordering;

use super::ast::{Operator, TextOperator};
use super::value::{Moment, Value};

/// Applies an operator that needs both of its operands.
pub(super) fn apply(operator: Operator, left: &Value, right: &Value) -> Value {
    match operator {
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            arithmetic(operator, left, right)
        }
        Operator::EqualText | Operator::NotEqualText => {
            let equal = left.text().to_lowercase() == right.text().to_lowercase();
            Value::Bool(equal == (operator == Operator::EqualText))
        }
        Operator::Text(text, is_negated) => Value::Bool(text_test(text, &left.text(), &right.text()) != is_negated),
        Operator::Equal => Value::Bool(compare(left, right) == Some(Ordering::Equal)),
        Operator::NotEqual => Value::Bool(compare(left, right) != Some(Ordering::Equal)),
        Operator::Less => order(left, right, Ordering::is_lt),
        Operator::LessOrEqual => order(left, right, Ordering::is_le),
        Operator::Greater => order(left, right, Ordering::is_gt),
        Operator::GreaterOrEqual => order(left, right, Ordering::is_ge),
        Operator::And => Value::Bool(*left == Value::Bool(true) && *right == Value::Bool(true)),
        Operator::Or => Value::Bool(*left == Value::Bool(true) || *right == Value::Bool(true)),
    }
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        // A string is never null: the empty one stands for it.
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) if text.is_empty() => {
            Some(Ordering::Equal)
        }
        _ => left.compare(right),
    }
}

fn order(left: &Value, right: &Value, test: fn(Ordering) -> bool) -> Value {
    compare(left, right).map_or(Value::Null, |order| Value::Bool(test(order)))
}

fn text_test(operator: TextOperator, text: &str, part: &str) -> bool {
    let lower = |text: &str| text.to_lowercase();
    match operator {
        TextOperator::Contains => lower(text).contains(&lower(part)),
        TextOperator::ContainsCase => text.contains(part),
        TextOperator::StartsWith => lower(text).starts_with(&lower(part)),
        TextOperator::StartsWithCase => text.starts_with(part),
        TextOperator::EndsWith => lower(text).ends_with(&lower(part)),
        TextOperator::EndsWithCase => text.ends_with(part),
        TextOperator::Has => has(&lower(text), &lower(part)),
    }
}

/// Whether a text has another as a whole term: bounded by what is no letter and no digit.
fn has(text: &str, term: &str) -> bool {
    text.match_indices(term).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[allow(clippy::cast_possible_truncation, reason = "a float is clamped when it is cast")]
fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Value {
    match (operator, left, right) {
        (Operator::Add, Value::DateTime(Moment(time)), Value::Timespan(span))
        | (Operator::Add, Value::Timespan(span), Value::DateTime(Moment(time))) => {
            Value::DateTime(Moment(time.saturating_add(*span)))
        }
        (Operator::Subtract, Value::DateTime(Moment(time)), Value::Timespan(span)) => {
            Value::DateTime(Moment(time.saturating_sub(*span)))
        }
        (Operator::Subtract, Value::DateTime(Moment(a)), Value::DateTime(Moment(b))) => {
            Value::Timespan(a.saturating_sub(*b))
        }
        (Operator::Add, Value::Timespan(a), Value::Timespan(b)) => Value::Timespan(a.saturating_add(*b)),
        (Operator::Subtract, Value::Timespan(a), Value::Timespan(b)) => Value::Timespan(a.saturating_sub(*b)),
        (_, Value::Long(a), Value::Long(b)) => whole(operator, *a, *b).map_or(Value::Null, Value::Long),
        _ => match (left.as_real(), right.as_real()) {
            (Some(a), Some(b)) => Value::Real(match operator {
                Operator::Add => a + b,
                Operator::Subtract => a - b,
                Operator::Multiply => a * b,
                Operator::Divide => a / b,
                _ => a % b,
            }),
            _ => Value::Null,
        },
    }
}

fn whole(operator: Operator, a: i64, b: i64) -> Option<i64> {
    match operator {
        Operator::Add => Some(a.wrapping_add(b)),
        Operator::Subtract => Some(a.wrapping_sub(b)),
        Operator::Multiply => Some(a.wrapping_mul(b)),
        Operator::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_whole() {
        assert!(has("an error: x", "error"));
        assert!(!has("errors", "error"));
        assert!(has("errors error", "error"));
    }

    #[test]
    fn nothing_divides_by_zero() {
        assert_eq!(arithmetic(Operator::Divide, &Value::Long(1), &Value::Long(0)), Value::Null);
        assert_eq!(arithmetic(Operator::Divide, &Value::Long(i64::MIN), &Value::Long(-1)), Value::Null);
    }
}
