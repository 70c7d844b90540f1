//! The WIT package as C and as Go, by the generators that `wit-bindgen c` and `wit-bindgen go` call.

use std::path::Path;

use anyhow::{Context, Result};
use wit_bindgen_core::{Files, WorldGenerator};

use crate::package::{read_file, world, write_file};

/// A language whose generator is written in Rust. The others have tools of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// For the module whose `go.mod` is in the folder.
    Go,
    /// C 11.
    C,
}

impl Generated {
    fn generator(self, folder: &Path) -> Result<Box<dyn WorldGenerator>> {
        Ok(match self {
            Self::Go => {
                let opts = wit_bindgen_go::Opts { pkg_name: Some(module(folder)?), quiet: true, ..Default::default() };
                opts.build()
            }
            // What the component's type is, `component.rs` tells the encoder.
            Self::C => wit_bindgen_c::Opts { no_object_file: true, ..Default::default() }.build(),
        })
    }
}

/// Writes a world of the WIT package in the folder `wit` as code into `folder`. Blocks.
///
/// # Errors
/// A file cannot be read or written; the package has no such world; for Go, the folder is not that of a module.
pub fn bindings(language: Generated, wit: &Path, name: Option<&str>, folder: &Path) -> Result<()> {
    let (mut resolve, world) = world(wit, name)?;
    let mut files = Files::default();
    language.generator(folder)?.generate(&mut resolve, world, &mut files)?;
    for (name, text) in files.iter() {
        write_file(&folder.join(name), text)?;
    }
    Ok(())
}

/// The name of the Go module in a folder: what is generated imports itself, and the exports that are written by hand, below it.
fn module(folder: &Path) -> Result<String> {
    let file = folder.join("go.mod");
    let text = String::from_utf8(read_file(&file)?).with_context(|| format!("{} is not text", file.display()))?;
    let name = text.lines().find_map(|line| line.strip_prefix("module "));
    Ok(name.with_context(|| format!("{} names no module", file.display()))?.trim().to_owned())
}
