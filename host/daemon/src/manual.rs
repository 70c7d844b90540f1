//! What the command line says of itself: completions for shells, and the manual.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Arguments;

/// Prints a shell's completions.
///
/// # Errors
/// Standard output does not take them.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script).context("cannot write the completions")
}

/// Writes a page for each command.
///
/// # Errors
/// The folder cannot be made or written.
pub(crate) fn pages(folder: &Path) -> Result<()> {
    let what = || format!("cannot write the manual into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(what)?;
    clap_mangen::generate_to(Arguments::command(), folder).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        pages(folder.path()).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page("sockerless.1").contains("sockerless\\-serve(1)"));
        assert!(page("sockerless-serve.1").contains("\\-\\-state\\-dir"));
        assert!(page("sockerless-plugin-load.1").contains("\\-\\-watch"));
    }
}
