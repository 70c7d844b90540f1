//! A container's command: how it is written on the platform's command line, and whether it only waits.

/// Words as one line that a POSIX shell, or anything that splits like one, takes apart into the same words.
pub(super) fn line<'w>(words: impl IntoIterator<Item = &'w String>) -> String {
    shell_words::join(words)
}

/// Whether a command does nothing but keep its container alive: `tail -f /dev/null`, however it is written, also through a
/// shell. Clients use it for a container in which they run everything by exec.
pub(super) fn only_waits(command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    if let [shell, "-c" | "-ec" | "-ce", script, ..] = words.as_slice()
        && ["sh", "bash", "ash", "dash"].contains(&base(shell))
    {
        let split = shell_words::split(script).unwrap_or_default();
        let inner: Vec<&str> = split.iter().map(String::as_str).collect();
        return is_tail(inner.strip_prefix(&["exec"]).unwrap_or(&inner));
    }
    is_tail(&words)
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_tail(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    if base(program) != "tail" {
        return false;
    }
    let mut follows = false;
    let mut operands = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if let Some(long) = argument.strip_prefix("--") {
            follows |= long == "follow" || long.starts_with("follow=");
        } else if let Some(short) = argument.strip_prefix('-').filter(|short| !short.is_empty()) {
            follows |= short.contains(['f', 'F']);
            // The number may be a word of its own.
            if short.ends_with(['n', 'c', 's']) {
                arguments.next();
            }
        } else {
            operands.push(*argument);
        }
    }
    follows && operands == ["/dev/null"]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        shell_words::split(line).unwrap()
    }

    #[test]
    fn every_word_survives() {
        let odd = [
            "a 'b' \"c\" $HOME `id` \\ \n\t* ? ü ☃ ; | & <>",
            "",
            " ",
            "--",
            "-x",
            "%",
            "~",
            "#",
            "!x",
            "a=b",
            "{1,2}",
        ];
        let odd = odd.map(str::to_owned);
        let line = line(&odd);
        assert_eq!(words(&line), odd);
        // A shell proper, where there is one, agrees.
        let script = format!("printf '%s\\0' {line}");
        if let Ok(output) = std::process::Command::new("/bin/sh").args(["-c", &script]).output() {
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(said.split_terminator('\0').collect::<Vec<_>>(), odd);
        }
    }

    #[test]
    fn commands_that_only_wait() {
        for line in [
            "tail -f /dev/null",
            "tail -F /dev/null",
            "/usr/bin/tail -f /dev/null",
            "tail --follow /dev/null",
            "tail --follow=name --retry /dev/null",
            "tail -n 0 -f /dev/null",
            "tail -fn0 /dev/null",
            "tail /dev/null -f",
            "sh -c 'tail -f /dev/null'",
            "/bin/bash -c 'exec tail -f /dev/null'",
        ] {
            assert!(only_waits(&words(line)), "{line}");
        }
    }

    #[test]
    fn commands_that_do_something() {
        for line in [
            "",
            "echo tail -f /dev/null",
            "tail /dev/null",
            "tail -f /var/log/x",
            "tail -f /dev/null /var/log/x",
            "sh -c 'echo x; tail -f /dev/null'",
            "sh -c 'tail -f /dev/null & echo x'",
            "sleep infinity",
            "sh -c",
            "sh -c \"'\"",
        ] {
            assert!(!only_waits(&words(line)), "{line}");
        }
    }
}
