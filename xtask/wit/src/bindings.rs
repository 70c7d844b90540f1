//! The WIT package as C and as Go, by the generators that `wit-bindgen c` and `wit-bindgen go` call.
//!
//! They are not part of the repository: whoever builds one of these examples writes them first.

use std::path::Path;

use anyhow::{Context, Result};
use wit_bindgen_core::{Files, WorldGenerator};

use crate::component::package;
use crate::{WORLD, read_file, wit, write_file};

/// A language whose generator is written in Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    Go,
    C,
}

impl Language {
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

/// Writes the bindings of a language into a folder.
pub(crate) fn write(language: Language, folder: &Path) -> Result<()> {
    let (mut resolve, package) = package(&wit())?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Files::default();
    language.generator(folder)?.generate(&mut resolve, world, &mut files)?;
    for (name, text) in files.iter() {
        let file = folder.join(name);
        let parent = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        write_file(&file, text)?;
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
