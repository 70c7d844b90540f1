//! `sockerless azure push-agent`: puts the agent into the share that function apps mount.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::share::{AGENT, AgentShare, unnamed};
use crate::cli::{PushAgentOptions, ServeOptions};
use crate::client::runtime;
use crate::config::Config;
use crate::serve::environment;

/// As large as the agent may be, in bytes: it has a tenth of that.
const LIMIT: u64 = 64 << 20;

/// Puts it there, and says what it did.
///
/// # Errors
/// The agent's file or the share cannot be had; the text says what to do.
pub(super) fn run(options: PushAgentOptions) -> Result<()> {
    let PushAgentOptions { agent, config, endpoint_url } = options;
    let config = Config::load(ServeOptions { config, endpoint_url, ..ServeOptions::default() }, environment())?;
    let share = AgentShare::of(&config)?.ok_or_else(unnamed)?;
    let file = match agent {
        Some(file) => file,
        None => with_this_program()?,
    };
    let content = read(&file)?;
    let size = content.len();
    let pushed = runtime()?.block_on(share.client.push(AGENT, content.into())).map_err(|error| share.explain(error))?;
    let mut out = std::io::stdout().lock();
    let AgentShare { account, share, .. } = &share;
    if pushed.made_share {
        writeln!(out, "made the share {share} in the storage account {account}")?;
    }
    if pushed.was_there {
        writeln!(out, "{AGENT} is in the share {share} of {account} already: nothing to do")?;
        return Ok(());
    }
    writeln!(out, "{AGENT} is in the share {share} of {account}: {size} bytes of {}", file.display())?;
    if let Some(aside) = pushed.aside {
        writeln!(
            out,
            "the one before is in use, and is called {aside} now: delete it when no container runs that was started before\n\
             az storage file delete --account-name {account} --share-name {share} --path {aside}"
        )?;
    }
    Ok(())
}

/// The agent that came with this program: beside it, or where a release has it.
fn with_this_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("it is not known where this program is: name the agent's file")?;
    let beside = program.with_file_name(AGENT);
    let installed = program.parent().and_then(Path::parent).map(|prefix| prefix.join("lib/sockerless").join(AGENT));
    Ok(installed.filter(|file| file.is_file() && !beside.is_file()).unwrap_or(beside))
}

/// Reads the agent, and makes sure that it is one that runs in Azure.
fn read(file: &Path) -> Result<Vec<u8>> {
    let what = || {
        format!(
            "the agent cannot be read from {0}. Name its file: sockerless azure push-agent FILE. It is built by cargo build --locked \
             --package {AGENT} --target x86_64-unknown-linux-musl --profile agent",
            file.display()
        )
    };
    let size = std::fs::metadata(file).with_context(what)?.len();
    if size > LIMIT {
        bail!("{} has {size} bytes, and the agent has no more than {LIMIT}: it is another file", file.display());
    }
    let content = std::fs::read(file).with_context(what)?;
    if !is_program(&content) {
        bail!("{} is no program for Linux on x86-64, which the function apps run on", file.display());
    }
    if needs_libraries(&content) {
        bail!(
            "{} is linked to libraries that an image need not have: take the agent that is built for x86_64-unknown-linux-musl",
            file.display()
        );
    }
    Ok(content)
}

/// Whether it is an ELF file of 64 bits for x86-64.
fn is_program(content: &[u8]) -> bool {
    // Magic number, class 2, little-endian; the machine is the number 62 at 18.
    content.starts_with(b"\x7fELF\x02\x01") && content.get(18..20) == Some(&[62, 0])
}

/// Whether a program of that kind names the one that loads its libraries: whether one of its program headers is of type 3,
/// `PT_INTERP`.
fn needs_libraries(content: &[u8]) -> bool {
    let number = |at: usize, length: usize| {
        let bytes = content.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0, |number: usize, byte| number << 8 | usize::from(*byte)))
    };
    let (Some(start), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2)) else { return false };
    (0..count).any(|index| start.checked_add(index * size).and_then(|at| number(at, 4)) == Some(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_program_for_azure_is_refused() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(is_program(&own), cfg!(all(target_os = "linux", target_arch = "x86_64")));
        // Tests are linked to the C library.
        assert!(needs_libraries(&own) && !needs_libraries(&own[..64]));
        let mut far = own[..64].to_vec();
        far[32..40].fill(0xff);
        assert!(!needs_libraries(&far));
        let mut other = own[..64].to_vec();
        other[18] = 183;
        for content in [b"".as_slice(), b"#!/bin/sh\n", &own[..10], &other] {
            assert!(!is_program(content));
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_that_says_what_to_do() {
        let error = read(Path::new("/nowhere/sockerless-agent")).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("/nowhere/sockerless-agent") && text.contains("push-agent FILE"), "{text}");
    }
}
