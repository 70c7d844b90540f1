//! Building `azf.wasm`, so that the same sources give the same bytes wherever they lie.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::build::{root, target};
use crate::tools;

/// Where it is, below the target folder.
pub(crate) const FILE: &str = "wasm32-wasip2/component/sockerless_azf.wasm";

/// A version after this package's. It is as long, so that components that differ in nothing else have the same length.
const NEXT: &str = "0.1.1";

/// Builds it.
pub(crate) fn build() -> Result<()> {
    build_with(&[])
}

/// Builds it together with other packages of the workspace.
pub(crate) fn build_with(packages: &[&str]) -> Result<()> {
    tools::run(command(&root(), &target())?.args(packages))
}

/// Builds it as a later version, of a copy of the sources in another folder, and makes sure that neither the folder nor the moment is seen
/// in the bytes: but for the version it must be what `build` made.
pub(crate) fn build_next() -> Result<PathBuf> {
    let (sources, target) = (target().join("next-sources"), target().join("next"));
    copy(&root(), &sources)?;
    tools::run(command(&sources, &target)?.env("SOCKERLESS_AZF_VERSION", NEXT))?;
    let next = target.join(FILE);
    if same_but_for_version(&read(&crate::build::target().join(FILE))?, &read(&next)?) {
        return Ok(next);
    }
    bail!(
        "azf.wasm is not reproducible: built of the same sources in {}, and as version {NEXT}, {} has other bytes than {}. Look for what \
         knows where or when it was built, for example with `wasm-tools print`",
        sources.display(),
        next.display(),
        crate::build::target().join(FILE).display()
    )
}

/// Builds it a second time, of a copy of the sources in another folder, and makes sure that every byte is the same.
pub(crate) fn verify() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("sockerless-sources-").tempdir().context("cannot make a folder")?;
    let (sources, second) = (folder.path().join("sources"), folder.path().join("target"));
    copy(&root(), &sources)?;
    tools::run(&mut command(&sources, &second)?)?;
    if read(&target().join(FILE))? == read(&second.join(FILE))? {
        return Ok(());
    }
    bail!("azf.wasm is not reproducible: built a second time in {}, it has other bytes", sources.display())
}

fn command(sources: &Path, target: &Path) -> Result<Command> {
    let mut command = tools::cargo();
    command.current_dir(sources).args([
        "build",
        "--locked",
        "--package",
        "sockerless-azf",
        "--target",
        "wasm32-wasip2",
    ]);
    command.args(["--profile", "component", "--target-dir"]).arg(target);
    // The paths of sources are in the texts of panics: whoever builds it has them elsewhere.
    let renamed = renamed_folders(sources)?;
    let flags: Vec<_> =
        renamed.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    command.arg("--config").arg(format!("target.wasm32-wasip2.rustflags={}", serde_json::to_string(&flags)?));
    Ok(command)
}

/// Folders of this machine, and what they are called in what is built.
fn renamed_folders(sources: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let sysroot = tools::output(Command::new("rustc").args(["--print", "sysroot"]));
    let (Some(home), Some(sysroot)) = (home, sysroot) else {
        bail!("it is not known where cargo and rustc keep their files: set CARGO_HOME, and put rustc on the PATH");
    };
    Ok(vec![(sources.to_owned(), "/sockerless"), (home, "/cargo"), (PathBuf::from(sysroot), "/rust")])
}

/// Whether two components differ in the last number of this package's version, and in nothing else.
fn same_but_for_version(this: &[u8], next: &[u8]) -> bool {
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let mut restored = next.to_vec();
    for at in 0..restored.len().saturating_sub(version.len() - 1) {
        let part = at..at + version.len();
        if restored[part.clone()] == *NEXT.as_bytes() && this.get(part.clone()) == Some(version) {
            restored[part].copy_from_slice(version);
        }
    }
    restored == this
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Copies the workspace without what was built in it. A file that is the same already is left alone, with its time, so that cargo sees no
/// change in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !["target", ".git", "node_modules"].iter().any(|name| entry.file_name() == *name) {
                copy(&source, &copied)?;
            }
        } else if kind.is_file() {
            let content = read(&source)?;
            if fs::read(&copied).ok().as_deref() != Some(&content) {
                fs::write(&copied, content).with_context(|| format!("cannot write {}", copied.display()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_may_differ() {
        let this = format!("a{}b0.1.2", env!("CARGO_PKG_VERSION"));
        assert!(same_but_for_version(this.as_bytes(), format!("a{NEXT}b0.1.2").as_bytes()));
        assert!(same_but_for_version(this.as_bytes(), this.as_bytes()));
        for other in [format!("a{NEXT}b0.1.3"), format!("{NEXT}ab0.1.2"), format!("a{NEXT}b"), String::new()] {
            assert!(!same_but_for_version(this.as_bytes(), other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_next_version_is_as_long_as_this_one() {
        assert_eq!(NEXT.len(), env!("CARGO_PKG_VERSION").len());
        assert_ne!(NEXT, env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn a_copy_leaves_alone_what_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/target")).unwrap();
        for (file, content) in [("one", "1"), ("a/two", "2"), ("a/target/three", "3")] {
            fs::write(from.join(file), content).unwrap();
        }
        copy(&from, &to).unwrap();
        assert!(!to.join("a/target").exists());
        let old = std::time::SystemTime::UNIX_EPOCH;
        for file in ["one", "a/two"] {
            fs::File::options().write(true).open(to.join(file)).unwrap().set_modified(old).unwrap();
        }
        fs::write(from.join("a/two"), "II").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::metadata(to.join("one")).unwrap().modified().unwrap(), old);
        assert_eq!(fs::read_to_string(to.join("a/two")).unwrap(), "II");
    }
}
