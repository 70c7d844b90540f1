//! Turns an app's start-up command into words.

use crate::image::ImageRun;

/// What runs: as the platform has it, the start-up command stands in the place of the image's own, behind its entry point.
pub(super) fn of(command: &str, image: Option<&ImageRun>) -> Result<Vec<String>, String> {
    let mut words = split(command)?;
    let Some(image) = image else { return Ok(words) };
    if words.is_empty() {
        words = image.cmd.clone().unwrap_or_default();
    }
    Ok(image.entrypoint.iter().flatten().cloned().chain(words).collect())
}

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
    fn the_command_follows_the_entry_point() {
        let words = |list: &[&str]| Some(list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let image = ImageRun { entrypoint: words(&["/enter"]), cmd: words(&["own", "words"]), ..ImageRun::default() };
        assert_eq!(of("a 'b c'", Some(&image)).unwrap(), ["/enter", "a", "b c"]);
        assert_eq!(of("", Some(&image)).unwrap(), ["/enter", "own", "words"]);
        assert_eq!(of("a", Some(&ImageRun::default())).unwrap(), ["a"]);
        assert_eq!(of("a", None).unwrap(), ["a"]);
    }

    #[test]
    fn an_open_quote_is_an_error() {
        assert!(split("echo 'a").is_err());
    }
}
