//! `sockerless plugin new`: in each language a project that its own two commands build and test.
//!
//! The second command is typed where the component is compiled in a moment. Those with a language's runtime in them differ from
//! the example, which is tested so elsewhere, by a name.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use sockerless_tests::{Ran, built, optional};
use tempfile::TempDir;

/// A shell in a folder, in which `sockerless` is the program under test.
fn shell(folder: &Path, script: &str, environment: &[(&str, &Path)]) -> Ran {
    let daemon = built("SOCKERLESS_TEST_DAEMON");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = daemon.parent().map(Path::to_path_buf).into_iter().chain(std::env::split_paths(&path));
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(folder).env("PATH", std::env::join_paths(folders).unwrap());
    command.env("SOCKERLESS_CACHE_DIR", built("SOCKERLESS_TEST_CACHE")).env_remove("DOCKER_HOST");
    // Flags that are meant for this machine.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    Ran::run(command.envs(environment.iter().copied()), b"")
}

struct Project {
    folder: TempDir,
    build: String,
    test: String,
}

impl Project {
    fn new(language: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = shell(folder.path(), &format!("sockerless plugin new --lang {language} mine"), &[]);
        let commands: Vec<_> = made.ok().lines().filter_map(|line| line.strip_prefix("  ")).collect();
        let [build, test] = commands[..] else { panic!("{}", made.stdout) };
        let build = build.strip_prefix("cd mine && ").unwrap_or_else(|| panic!("{}", made.stdout)).to_owned();
        Self { build, test: test.to_owned(), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("mine")
    }

    /// Types the first command, in this form.
    fn builds_by(&self, build: &str, environment: &[(&str, &Path)]) {
        let ran = shell(&self.path(), build, environment);
        assert_eq!(ran.code, 0, "{build}\n{}\n{}", ran.stdout, ran.stderr);
        let component = self.test.strip_prefix("sockerless plugin test ").unwrap_or_else(|| panic!("{}", self.test));
        assert!(std::fs::read(self.path().join(component)).unwrap().starts_with(b"\0asm"), "{component}");
    }

    /// Types the second one.
    fn passes(&self) {
        let ran = shell(&self.path(), &self.test, &[]);
        assert!(ran.ok().starts_with("mine 0.1.0"), "{}", ran.stdout);
    }
}

/// What `cargo xtask backends` has installed for the example in this language, if this machine has what it takes.
fn installed(language: &str) -> Option<PathBuf> {
    let component = optional(&format!("SOCKERLESS_TEST_MEMORY_{}", language.to_uppercase()))?;
    Some(component.parent().unwrap().join(language))
}

#[test]
fn in_rust() {
    let project = Project::new("rust");
    // The versions and the libraries of the run before, so that they are compiled once.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("project");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), project.path().join("Cargo.lock"))
        .unwrap();
    let build = format!("{} && mkdir target && cp -r \"$CARGO_TARGET_DIR/wasm32-wasip2\" target", project.build);
    project.builds_by(&build, &[("CARGO_TARGET_DIR", &kept)]);
    project.passes();
}

#[test]
fn in_python() {
    let Some(venv) = installed("python") else { return };
    let project = Project::new("python");
    project.builds_by(&project.build, &[("VENV", &venv)]);
}

#[test]
fn in_typescript() {
    let Some(modules) = installed("typescript") else { return };
    let project = Project::new("typescript");
    let build = project.build.strip_prefix("npm install && ").unwrap_or_else(|| panic!("{}", project.build));
    std::os::unix::fs::symlink(modules.join("node_modules"), project.path().join("node_modules")).unwrap();
    project.builds_by(build, &[]);
}

#[test]
fn in_go() {
    if installed("go").is_none() {
        return;
    }
    let project = Project::new("go");
    project.builds_by(&project.build, &[("SOCKERLESS", Path::new("sockerless"))]);
}

#[test]
fn in_c() {
    let Some(venv) = installed("c") else { return };
    let project = Project::new("c");
    project.builds_by(&project.build, &[("VENV", &venv)]);
    project.passes();
}

#[test]
fn what_is_there_is_not_touched() {
    let project = Project::new("c");
    let again = shell(project.folder.path(), "sockerless plugin new --lang go mine", &[]);
    again.exits(1);
    assert!(again.stderr.contains("the folder mine is not empty"), "{}", again.stderr);
    assert!(!project.path().join("go.mod").exists());
    let named = shell(project.folder.path(), "sockerless plugin new --lang go ../mine", &[]);
    named.exits(1);
    assert!(named.stderr.contains("is no name of a backend"), "{}", named.stderr);
}
