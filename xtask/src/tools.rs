//! What a machine must have, and what is done about it if it does not.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::say::say;

/// The targets besides the machine's own: components, and the agent that runs in any container.
const TARGETS: [&str; 2] = ["wasm32-wasip2", "x86_64-unknown-linux-musl"];

/// Runs a command, whose output the user sees.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// What a command prints, or nothing if it cannot be run or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A program of this machine.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    output(Command::new("sh").args(["-c", &format!("command -v {program}")])).map(PathBuf::from)
}

/// The first two numbers of the version that a program tells when it gets these arguments: `(1, 26)` of `go1.26.8`.
pub(crate) fn version(program: &str, arguments: &[&str]) -> Option<(u32, u32)> {
    two_numbers(&output(Command::new(program).args(arguments))?)
}

fn two_numbers(told: &str) -> Option<(u32, u32)> {
    let from = told.find(|character: char| character.is_ascii_digit())?;
    let mut numbers = told[from..].split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The cargo that runs this.
///
/// What it tells this program about its own package is not passed on: some build scripts look at these variables, and what
/// they make would be built anew whenever the same command is given by hand.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let about_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if name.to_str().is_some_and(|name| about_package.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(&name);
        }
    }
    command
}

/// Makes sure that Rust can build for every target.
pub(crate) fn rust_targets() -> Result<()> {
    TARGETS.into_iter().try_for_each(rust_target)
}

/// Makes sure that Rust can build for a target.
pub(crate) fn rust_target(target: &str) -> Result<()> {
    let Some(sysroot) = output(Command::new("rustc").args(["--print", "sysroot"])) else {
        bail!("rustc is not to be found: install Rust with rustup, https://rustup.rs");
    };
    let installed = std::path::Path::new(&sysroot).join("lib/rustlib").join(target).join("lib");
    if installed.is_dir() {
        return Ok(());
    }
    say(format_args!("installing the Rust target {target}"));
    run(Command::new("rustup").args(["target", "add", target]))
        .with_context(|| format!("the Rust target {target} is missing: install it with `rustup target add {target}`"))
}

/// Makes sure that there is a C compiler: SQLite and the cryptography need one.
pub(crate) fn c_compiler() -> Result<()> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    if output(Command::new(&compiler).arg("--version")).is_none() {
        bail!("no C compiler ({compiler}): install one, with Debian's `apt-get install gcc libc6-dev` for example");
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_tell_them() {
        for (told, version) in [
            ("go1.26.8", Some((1, 26))),
            ("v20.20.2", Some((20, 20))),
            ("Python 3.11.7", Some((3, 11))),
            ("11.19", Some((11, 19))),
            ("go1.27rc1", Some((1, 27))),
            ("devel", None),
            ("7", None),
        ] {
            assert_eq!(two_numbers(told), version, "{told}");
        }
    }
}
