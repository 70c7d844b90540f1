//! What `cargo xtask` does with the WIT package, by the libraries that `wasm-tools` and `wit-bindgen` are made of: so nobody has to install
//! those, or to compile all of them.

mod bindings;
mod component;
#[cfg(test)]
mod frozen;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask-wit", about = "What cargo xtask does with the WIT package")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a component of a module that was built with the bindings.
    Component {
        /// The module.
        module: PathBuf,
        /// Where the component goes.
        component: PathBuf,
    },
    /// Writes the WIT package as code of a language.
    Bindings {
        /// The language.
        language: bindings::Language,
        /// Where the files go: for Go the folder of a module.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Component { module, component } => component::make(&module, &component),
        Command::Bindings { language, folder } => bindings::write(language, &folder),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The world that the examples implement.
const WORLD: &str = "plugin-with-logs";

/// The WIT package.
fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
