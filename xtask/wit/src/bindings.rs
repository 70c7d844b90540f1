//! The bindings that are part of the repository: those for C and Go, whose generators are written in Rust.
//!
//! Whoever copies the example in one of these languages has the bindings, and needs no generator until the WIT package changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use wit_bindgen_core::Files;

use crate::component::package;
use crate::{WORLD, root, wit, write_file};

/// A language whose bindings are in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Go,
    C,
}

impl Language {
    const ALL: [Self; 2] = [Self::Go, Self::C];

    fn folder(self) -> PathBuf {
        root().join("examples/backends").join(match self {
            Self::Go => "go",
            Self::C => "c/bindings",
        })
    }

    /// Whether this machine has what it takes: the generator for Go formats its files by Go's own formatter.
    fn is_possible(self) -> bool {
        self == Self::C || Command::new("gofmt").arg("-h").output().is_ok()
    }

    /// The files, by name.
    fn generate(self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut generator = match self {
            Self::Go => wit_bindgen_go::Opts { quiet: true, ..Default::default() }.build(),
            // What the component's type is, `component.rs` tells the encoder.
            Self::C => wit_bindgen_c::Opts { no_object_file: true, ..Default::default() }.build(),
        };
        let (mut resolve, package) = package(&wit())?;
        let world = resolve.select_world(&[package], Some(WORLD))?;
        let mut files = Files::default();
        generator.generate(&mut resolve, world, &mut files)?;
        let files = files.iter().map(|(name, text)| (name.to_owned(), text.to_vec()));
        // The project has a `go.mod` of its own.
        Ok(files.filter(|(name, _)| name != "go.mod").collect())
    }
}

/// Writes all of them.
pub(crate) fn write() -> Result<()> {
    for language in Language::ALL {
        if !language.is_possible() {
            eprintln!("xtask: the bindings for Go are left as they are: gofmt is not on this machine");
            continue;
        }
        let folder = language.folder();
        for (name, text) in language.generate()? {
            let file = folder.join(name);
            let parent = file.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            write_file(&file, &text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bindings_in_the_repository_are_those_of_the_wit_package() {
        for language in Language::ALL.into_iter().filter(|language| language.is_possible()) {
            for (name, text) in language.generate().unwrap() {
                let file = language.folder().join(name);
                let found = std::fs::read(&file).unwrap_or_default();
                assert!(found == text, "{} is not what `cargo xtask bindings` writes", file.display());
            }
        }
    }
}
