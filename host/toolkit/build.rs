//! Puts the example backends and the WIT package into the program, so that a new project is made of what is built and tested here.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What somebody wrote: beside it may lie what the commands of the examples' READMEs make.
const WRITTEN: [&str; 14] = ["c", "go", "h", "json", "md", "mjs", "mod", "py", "rs", "sh", "sum", "toml", "ts", "txt"];
const MADE: [&str; 8] =
    ["node_modules", "types", "__pycache__", "venv", "target", "bindings", "imports", "wit_exports"];
const LANGUAGES: [&str; 5] = ["c", "go", "python", "rust", "typescript"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let mut code = String::new();
    for language in LANGUAGES {
        let files = files(&root.join("examples/backends").join(language), &WRITTEN)?;
        table(&mut code, &language.to_uppercase(), &files)?;
    }
    // Without its frozen copies, which lie in a folder.
    let wit: Vec<_> = files(&root.join("wit"), &["wit"])?.into_iter().filter(|(name, _)| !name.contains('/')).collect();
    table(&mut code, "WIT", &wit)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("files.rs"), code)?;
    Ok(())
}

/// Name and path of each file below a folder, sorted.
fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut found = Vec::new();
    collect(folder, "", extensions, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(
    folder: &Path,
    prefix: &str,
    extensions: &[&str],
    found: &mut Vec<(String, PathBuf)>,
) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let below = format!("{prefix}{name}");
        if path.is_dir() {
            if !MADE.contains(&name) {
                collect(&path, &format!("{below}/"), extensions, found)?;
            }
        } else if name != "package-lock.json"
            && path.extension().and_then(|extension| extension.to_str()).is_some_and(|one| extensions.contains(&one))
        {
            found.push((below, path));
        }
    }
    Ok(())
}

fn table(code: &mut String, name: &str, files: &[(String, PathBuf)]) -> Result<(), Box<dyn Error>> {
    writeln!(code, "const {name}: &[(&str, &str)] = &[")?;
    for (name, path) in files {
        writeln!(code, "    ({name:?}, include_str!({:?})),", path.to_str().ok_or("a path that is no text")?)?;
    }
    writeln!(code, "];")?;
    Ok(())
}
