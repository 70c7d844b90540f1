//! Texts in queries.

/// A text as a literal of the query language: in quotes, with everything escaped that could end it or means something in it.
#[must_use]
pub fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            // All of them are of the first plane.
            control if control.is_control() => literal.push_str(&format!("\\u{:04x}", u32::from(control))),
            // To some readers these end a line, and with it the literal.
            separator @ ('\u{2028}' | '\u{2029}') => literal.push_str(&format!("\\u{:04x}", u32::from(separator))),
            other => literal.push(other),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn what_means_something_is_escaped() {
        assert_eq!(literal("skls-0a1b"), r#""skls-0a1b""#);
        assert_eq!(literal(r#"a" or "b\"#), r#""a\" or \"b\\""#);
        assert_eq!(literal("a\nb\u{7}\u{2028}"), r#""a\nb\u0007\u2028""#);
    }
}
