//! Words, numbers, strings and signs.

use super::error::KqlError;
use super::value::{TICKS_PER_SECOND, Value};

/// A token and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name or keyword, also with a hyphen where an operator has one.
    Word(String),
    Literal(Value),
    /// The text between the parentheses of `datetime(…)` and `timespan(…)`, which is no expression.
    Raw(String, String),
    Sign(&'static str),
    End,
}

/// Signs, the longer of two that begin alike first.
const SIGNS: [&str; 22] = [
    "==", "!=", "=~", "!~", "<=", ">=", "..", "<", ">", "=", "!", "|", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/",
];

/// Longest query.
const MAX_LENGTH: usize = 1 << 20;

/// Cuts a query into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, KqlError> {
    if text.len() > MAX_LENGTH {
        return Err(KqlError::syntax(0, "the query is too long"));
    }
    let mut tokens = Vec::new();
    let mut position = 0;
    while let Some(first) = text[position..].chars().next() {
        let rest = &text[position..];
        let (kind, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            word(rest, position)?
        } else if first.is_ascii_digit() {
            number(rest, position)?
        } else if matches!(first, '"' | '\'') {
            string(rest, first, false, position)?
        } else if first == '@' && matches!(rest.chars().nth(1), Some('"' | '\'')) {
            let quote = if rest[1..].starts_with('"') { '"' } else { '\'' };
            string(rest, quote, true, position)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Some(Kind::Sign(sign)), sign.len())
        } else if first == '%' {
            (Some(Kind::Sign("%")), 1)
        } else if first == ';' && rest[1..].trim().is_empty() {
            (None, rest.len())
        } else {
            return Err(KqlError::syntax(position, format_args!("'{first}' is not expected")));
        };
        tokens.extend(kind.map(|kind| Token { kind, position }));
        position += length;
    }
    tokens.push(Token { kind: Kind::End, position });
    Ok(tokens)
}

type Found = Result<(Option<Kind>, usize), KqlError>;

fn word(rest: &str, position: usize) -> Found {
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
    let name = &rest[..length];
    match name {
        "true" | "false" => return Ok((Some(Kind::Literal(Value::Bool(name == "true"))), length)),
        "datetime" | "timespan" | "time" => {
            let after = rest[length..].trim_start();
            if let Some(inner) = after.strip_prefix('(') {
                let end = inner.find(')').ok_or_else(|| KqlError::syntax(position, "')' is missing"))?;
                let skipped = rest.len() - length - after.len();
                let raw = Kind::Raw(name.to_owned(), inner[..end].trim().trim_matches(['"', '\'']).to_owned());
                return Ok((Some(raw), length + skipped + end + 2));
            }
        }
        // `in~` and `has_cs` apart, a tilde belongs to no name.
        "in" if rest[length..].starts_with('~') => return Ok((Some(Kind::Word("in~".to_owned())), length + 1)),
        _ => {}
    }
    Ok((Some(Kind::Word(name.to_owned())), length))
}

fn number(rest: &str, position: usize) -> Found {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(rest);
    let mut is_real = false;
    if rest[length..].starts_with('.') && rest[length + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        is_real = true;
        length += 1 + digits(&rest[length + 1..]);
    }
    let unit_length = rest[length..].find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len() - length);
    let (digits, unit) = (&rest[..length], &rest[length..length + unit_length]);
    let invalid = || KqlError::syntax(position, format_args!("'{digits}{unit}' is no number"));
    let value = if !unit.is_empty() {
        let number: f64 = digits.parse().map_err(|_| invalid())?;
        Value::Timespan(ticks(number, unit).ok_or_else(invalid)?)
    } else if is_real {
        Value::Real(digits.parse().map_err(|_| invalid())?)
    } else {
        Value::Long(digits.parse().map_err(|_| invalid())?)
    };
    Ok((Some(Kind::Literal(value)), length + unit_length))
}

/// Ticks of a number of some unit.
pub(super) fn ticks(number: f64, unit: &str) -> Option<i64> {
    #[allow(clippy::cast_precision_loss, reason = "exact: below 2^53")]
    let second = TICKS_PER_SECOND as f64;
    let scale = match unit {
        "d" | "day" | "days" => 86_400.0 * second,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0 * second,
        "m" | "min" | "minute" | "minutes" => 60.0 * second,
        "s" | "sec" | "second" | "seconds" => second,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => second / 1e3,
        "microsecond" | "microseconds" | "micro" | "micros" => second / 1e6,
        "tick" | "ticks" => 1.0,
        _ => return None,
    };
    #[allow(clippy::cast_possible_truncation, reason = "a float is clamped when it is cast")]
    Some((number * scale).round() as i64)
}

/// A string in either kind of quotes; after `@` backslashes are letters and a doubled quote is one.
fn string(rest: &str, quote: char, is_verbatim: bool, position: usize) -> Found {
    let start = if is_verbatim { 2 } else { 1 };
    let mut value = String::new();
    let mut characters = rest[start..].char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character == quote {
            if is_verbatim && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
                value.push(quote);
                continue;
            }
            return Ok((Some(Kind::Literal(Value::String(value))), start + index + 1));
        }
        if character == '\\' && !is_verbatim {
            let escaped = characters.next().map(|(_, escaped)| escaped);
            value.push(match escaped {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('0') => '\0',
                Some('u') => {
                    let code: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                    u32::from_str_radix(&code, 16)
                        .ok()
                        .and_then(char::from_u32)
                        .ok_or_else(|| KqlError::syntax(position, "an escape is not valid"))?
                }
                Some(other @ ('\\' | '"' | '\'')) => other,
                _ => return Err(KqlError::syntax(position, "an escape is not valid")),
            });
        } else if character == '\n' && !is_verbatim {
            break;
        } else {
            value.push(character);
        }
    }
    Err(KqlError::syntax(position, "the string has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).unwrap().into_iter().map(|token| token.kind).collect()
    }

    fn text(value: &str) -> Kind {
        Kind::Literal(Value::String(value.to_owned()))
    }

    #[test]
    fn both_kinds_of_quotes_and_escapes() {
        assert_eq!(
            kinds(r#""a\"b\\" 'c\'d"' @"e\f""g" '\u00fc\n'"#)[..4],
            [text(r#"a"b\"#), text("c'd\""), text("e\\f\"g"), text("ü\n"),]
        );
        assert!(tokens("'open").is_err());
        assert!(tokens(r"'\q'").is_err());
    }

    #[test]
    fn numbers_may_be_times() {
        assert_eq!(
            kinds("5m 1.5h 10 0.5 100ms")[..5],
            [
                Kind::Literal(Value::Timespan(300 * TICKS_PER_SECOND)),
                Kind::Literal(Value::Timespan(5_400 * TICKS_PER_SECOND)),
                Kind::Literal(Value::Long(10)),
                Kind::Literal(Value::Real(0.5)),
                Kind::Literal(Value::Timespan(TICKS_PER_SECOND / 10)),
            ]
        );
        assert!(tokens("5parsecs").is_err());
    }

    #[test]
    fn a_datetime_is_no_expression() {
        let raw = Kind::Raw("datetime".to_owned(), "2026-11-24T10:00:00Z".to_owned());
        assert_eq!(kinds("datetime(2026-11-24T10:00:00Z)")[0], raw);
        assert_eq!(kinds("datetime ( '2026-11-24T10:00:00Z' )")[0], raw);
    }

    #[test]
    fn comments_and_a_last_semicolon_are_nothing() {
        assert_eq!(kinds("a // b | c\n;").len(), 2);
        assert!(tokens("a ; b").is_err());
    }
}
