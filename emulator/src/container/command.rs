//! Turns an app's start-up command into words.

/// Splits `appCommandLine` as a shell would, without any other of a shell's doings.
pub(super) fn split(command: &str) -> Result<Vec<String>, String> {
    shell_words::split(command).map_err(|error| format!("the start-up command cannot be split into words: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_quoting() {
        let words = ["sockerless-agent", "run", "--", "sh", "-c", "echo \"a b\" 'c' $X\n\\", "", "ü"];
        assert_eq!(split(&shell_words::join(words)).unwrap(), words);
    }

    #[test]
    fn nothing_is_expanded() {
        assert_eq!(split("echo $HOME `id` *").unwrap(), ["echo", "$HOME", "`id`", "*"]);
    }

    #[test]
    fn an_open_quote_is_an_error() {
        assert!(split("echo 'a").is_err());
    }
}
