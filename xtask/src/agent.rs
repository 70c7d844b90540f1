//! The agent for other processors than this machine's.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use crate::backends;
use crate::build;
use crate::say::say;
use crate::tools;

/// A processor for which function apps' images can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Processor {
    /// 64-bit Arm.
    Aarch64,
}

impl Processor {
    const fn rust_target(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-unknown-linux-musl",
        }
    }
}

/// Where the agent for a processor is, once it is built.
pub(crate) fn file(processor: Processor) -> PathBuf {
    build::target().join(processor.rust_target()).join("agent/sockerless-agent")
}

/// Builds the agent for a processor, statically linked. Rust's own linker and copy of musl serve; for the few C files among the dependencies
/// there is zig, which the example backend in C is built with as well.
pub(crate) fn cross(processor: Processor) -> Result<PathBuf> {
    let target = processor.rust_target();
    tools::rust_target(target)?;
    let zig = format!("{} -m ziglang", backends::zig()?.display());
    say(format_args!("building the agent for {target}"));
    let suffix = target.replace('-', "_");
    let mut command = tools::cargo();
    command
        .current_dir(build::root())
        .args(["build", "--locked", "--package", "sockerless-agent", "--profile", "agent", "--target", target])
        .env(format!("CC_{suffix}"), format!("{zig} cc -target aarch64-linux-musl"))
        .env(format!("AR_{suffix}"), format!("{zig} ar"))
        .env(format!("CARGO_TARGET_{}_LINKER", suffix.to_uppercase()), "rust-lld");
    tools::run(&mut command)?;
    Ok(file(processor))
}
