//! A project to begin with: the example backend in one of its languages, under another name and with the WIT package beside it.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::package::write_file;

// The files of the examples and of the WIT package: name and text of each.
include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A language that the example is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the language of this name")]
pub enum Language {
    Rust,
    Python,
    TypeScript,
    Go,
    C,
}

/// What to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// Makes the component.
    pub build: String,
    /// Tests it.
    pub test: String,
}

/// Makes a project for a backend of this name in a folder, which may be there if it is empty. Blocks.
///
/// # Errors
/// The name is none that a backend may have; the folder has something in it, or cannot be written.
pub fn new_project(language: Language, name: &str, folder: &Path) -> Result<Commands> {
    if !is_name(name) {
        bail!(
            "`{name}` is no name of a backend: take 1 to 32 lower-case letters, digits and hyphens, no hyphen at either end"
        );
    }
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => bail!("the folder {} is not empty: take another name, or remove what is in it", folder.display()),
        Ok(false) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot look into {}", folder.display())),
    }
    for (file, text) in files(language, name) {
        write_file(&folder.join(file), text.as_bytes())?;
    }
    let build = match language {
        Language::Rust => "cargo build --release --target wasm32-wasip2",
        Language::TypeScript => "npm install && npm run build",
        Language::Python | Language::Go | Language::C => "sh build.sh",
    };
    let component = match language {
        Language::Rust => format!("target/wasm32-wasip2/release/sockerless_{}.wasm", name.replace('-', "_")),
        _ => format!("{name}.wasm"),
    };
    Ok(Commands { build: build.to_owned(), test: format!("sockerless plugin test {component}") })
}

/// As the descriptor of a backend may have it.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Every file of the project: its path, and its text.
fn files(language: Language, name: &str) -> Vec<(String, String)> {
    let (example, ignored) = match language {
        Language::Rust => (RUST, "/target\n"),
        Language::Python => (PYTHON, "/*.wasm\n/venv\n__pycache__\n"),
        Language::TypeScript => (TYPESCRIPT, "/*.wasm\n/node_modules\n/types\n"),
        Language::Go => (GO, "/*.wasm\n/*.module\n/exports/wit_exports\n/imports\n"),
        Language::C => (C, "/*.wasm\n/*.module\n/bindings\n/venv\n"),
    };
    let mut files: Vec<_> = example.iter().map(|&(file, text)| (file.to_owned(), adapted(file, text, name))).collect();
    files.extend(WIT.iter().map(|&(file, text)| (format!("wit/{file}"), text.to_owned())));
    files.push((".gitignore".to_owned(), ignored.to_owned()));
    files
}

/// A file of the example, with the names and places of the project.
fn adapted(file: &str, text: &str, name: &str) -> String {
    let variable = format!("SOCKERLESS_{}_", name.to_ascii_uppercase().replace('-', "_"));
    let (package, library) = (format!("sockerless-{name}"), format!("sockerless_{}", name.replace('-', "_")));
    let mut text = text
        .replace("../../../target/debug/sockerless", "sockerless")
        .replace("../../../target/", "target/")
        .replace("../../../wit", "wit")
        .replace("SOCKERLESS_MEMORY_", &variable)
        .replace("sockerless-memory", &package)
        .replace("sockerless_memory", &library);
    for component in ["memory.wasm", "memory.module"] {
        text = text.replace(component, &component.replace("memory", name));
    }
    // The backend's own name, by itself and at the beginning of what it says. Files, modules and types keep theirs.
    for quote in ['"', '\'', '`'] {
        for end in ['"', '`', ' ', ','] {
            text = text.replace(&format!("{quote}memory{end}"), &format!("{quote}{name}{end}"));
        }
    }
    if file == "Cargo.toml" {
        text.push_str(STANDALONE);
    }
    text
}

/// What the workspace of the repository says of the example, and a project has to say by itself.
const STANDALONE: &str = r#"
# A project of its own, wherever it lies.
[workspace]

# Small, since a backend is read, hashed and compiled whenever it is loaded.
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
panic = "abort"
strip = true
"#;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Language; 5] = [Language::Rust, Language::Python, Language::TypeScript, Language::Go, Language::C];

    fn text<'f>(files: &'f [(String, String)], name: &str) -> &'f str {
        files.iter().find(|(file, _)| file == name).map_or_else(|| panic!("no {name}"), |(_, text)| text)
    }

    #[test]
    fn projects_are_whole_and_point_nowhere_outside() {
        for language in ALL {
            let files = files(language, "mine-2");
            for name in ["README.md", ".gitignore", "wit/world.wit", "wit/types.wit"] {
                assert!(!text(&files, name).is_empty(), "{language:?} {name}");
            }
            for (name, text) in &files {
                assert!(!text.contains("../"), "{language:?} {name}:\n{text}");
                assert!(!text.contains("cargo xtask"), "{language:?} {name}");
                assert!(!name.contains("frozen"), "{language:?} {name}");
            }
        }
    }

    #[test]
    fn projects_have_their_own_names() {
        for (language, file, descriptor) in [
            (Language::Rust, "src/lib.rs", r#"name: "mine-2".into()"#),
            (Language::Python, "memory.py", r#"name="mine-2""#),
            (Language::TypeScript, "src/memory.ts", r#"name: "mine-2""#),
            (Language::Go, "exports/export_sockerless_backend_backend/backend.go", r#""mine-2","#),
            (Language::C, "memory.c", r#".name = text("mine-2")"#),
        ] {
            let files = files(language, "mine-2");
            assert!(text(&files, file).contains(descriptor), "{language:?}");
            let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
            assert!(all.contains("SOCKERLESS_MINE_2_GREETING") && !all.contains("SOCKERLESS_MEMORY"), "{language:?}");
            assert!(!all.contains("memory runs nothing") && all.contains("mine-2 runs nothing"), "{language:?}");
        }
    }

    #[test]
    fn a_folder_with_something_in_it_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(new_project(Language::Rust, "mine", folder.path()).is_ok());
        let error = new_project(Language::Python, "mine", folder.path()).unwrap_err().to_string();
        assert!(error.contains("is not empty"), "{error}");
        assert!(!folder.path().join("memory.py").exists());
    }

    #[test]
    fn what_is_no_name_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "Mine", "a b", "-a", "a-", "../x", &"a".repeat(33)] {
            let inner = folder.path().join("inner");
            assert!(new_project(Language::C, name, &inner).is_err(), "{name}");
            assert!(!inner.exists());
        }
    }
}
