//! Text from a guest, made fit for a log or an error.

/// The target of events that a guest writes: `RUST_LOG=sockerless::backend=debug` shows them.
pub(crate) const TARGET: &str = "sockerless::backend";

/// Without control characters but line breaks and tabs, and at most so many bytes.
///
/// A terminal that shows the daemon's log obeys escape sequences; a guest must not write any.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let mut result = String::with_capacity(text.len().min(max));
    for character in text.chars() {
        let character =
            if character.is_control() && !matches!(character, '\n' | '\t') { '\u{fffd}' } else { character };
        if result.len() + character.len_utf8() > max {
            result.push('…');
            break;
        }
        result.push(character);
    }
    result
}

/// The text without these values. Those of a few characters stay: they say nothing, and are in every text.
pub(crate) fn redacted(text: &str, secrets: &[String]) -> String {
    secrets
        .iter()
        .filter(|secret| secret.len() >= 6)
        .fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn escape_sequences_and_length_go() {
        assert_eq!(super::printable("a\x1b[31mb\nc", 100), "a\u{fffd}[31mb\nc");
        assert_eq!(super::printable("abcdef", 3), "abc…");
    }

    #[test]
    fn secrets_go() {
        let secrets = ["hunter2".to_owned(), "a".to_owned()];
        assert_eq!(super::redacted("a password is hunter2", &secrets), "a password is [secret]");
    }
}
