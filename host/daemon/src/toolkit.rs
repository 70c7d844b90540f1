//! `sockerless plugin new`, `bindings` and `component`: for those who write backends.

use std::path::Path;

use anyhow::Result;
use sockerless_toolkit::{Commands, Generated, Language};

use crate::cli::{GeneratedLanguage, PackageOptions, ProjectLanguage};

/// Makes a project in a folder of its name, and says what to type next.
///
/// # Errors
/// The name is none; the folder has something in it, or cannot be written.
pub(crate) fn new_project(language: ProjectLanguage, name: &str) -> Result<()> {
    let (language, shown) = match language {
        ProjectLanguage::Rust => (Language::Rust, "Rust"),
        ProjectLanguage::Python => (Language::Python, "Python"),
        ProjectLanguage::Typescript => (Language::TypeScript, "TypeScript"),
        ProjectLanguage::Go => (Language::Go, "Go"),
        ProjectLanguage::C => (Language::C, "C"),
    };
    let Commands { build, test } = sockerless_toolkit::new_project(language, name, Path::new(name))?;
    println!(
        "{name} is a backend in {shown}; its README says what is where. Next:\n\n  cd {name} && {build}\n  {test}"
    );
    Ok(())
}

/// Writes bindings.
///
/// # Errors
/// A file cannot be read or written; there is no such world.
pub(crate) fn bindings(package: &PackageOptions, language: GeneratedLanguage, folder: &Path) -> Result<()> {
    let language = match language {
        GeneratedLanguage::Go => Generated::Go,
        GeneratedLanguage::C => Generated::C,
    };
    sockerless_toolkit::bindings(language, &package.wit, package.world.as_deref(), folder)
}

/// Makes a component.
///
/// # Errors
/// A file cannot be read or written; there is no such world; the module does not fit it.
pub(crate) fn component(package: &PackageOptions, module: &Path, component: &Path) -> Result<()> {
    sockerless_toolkit::component(&package.wit, package.world.as_deref(), module, component)
}
