//! How each language makes a component. Each function does what the README beside the source says.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::sources::{self, copy, copy_file};
use super::{WORLD, folder, sockerless, wit};
use crate::azf;
use crate::build::target;
use crate::registries;
use crate::tools::{self, find};

pub(super) fn rust(_source: &Path, component: &Path) -> Result<()> {
    tools::rust_targets()?;
    // Together with azf.wasm, so that both are made of the same build of the libraries they share.
    azf::build_with(&["--package", "sockerless-memory"])?;
    copy_file(&target().join("wasm32-wasip2/component/sockerless_memory.wasm"), component)
}

pub(super) fn python(source: &Path, component: &Path) -> Result<()> {
    componentize(source, "memory", WORLD, component)
}

/// A component of a module in Python.
pub(super) fn componentize(source: &Path, module: &str, world: &str, component: &Path) -> Result<()> {
    let interpreter = venv(source, "python", "componentize-py")?;
    let tool = interpreter.with_file_name("componentize-py");
    tools::run(
        Command::new(tool)
            .arg("--wit-path")
            .arg(wit())
            .args(["--world", world, "componentize", module, "--python-path"])
            .arg(source)
            .arg("--output")
            .arg(component),
    )
}

pub(super) fn typescript(source: &Path, component: &Path) -> Result<()> {
    // In a folder of its own, so that nothing is installed into the repository.
    let folder = folder().join("typescript");
    registries::node_modules(&source.join("package.json"), &folder, "jco and componentize-qjs")?;
    for name in ["tsconfig.json", "bundle.config.mjs"] {
        copy_file(&source.join(name), &folder.join(name))?;
    }
    copy(&source.join("src"), &folder.join("src"))?;
    tools::run(Command::new("npm").current_dir(&folder).args(["run", "--silent", "build"]).env("WIT", wit()))?;
    copy_file(&folder.join("memory.wasm"), component)
}

pub(super) fn go(source: &Path, component: &Path) -> Result<()> {
    // In a folder of its own, so that nothing is generated into the repository.
    let folder = folder().join("go");
    copy(source, &folder)?;
    write_bindings("go", &folder)?;
    let module = component.with_extension("module");
    tools::run(
        Command::new("go")
            .current_dir(&folder)
            .args([
                "build",
                "-mod=readonly",
                "-buildvcs=false",
                "-buildmode=c-shared",
                "-ldflags=-s -w -checklinkname=0",
                "-o",
            ])
            .arg(&module)
            .arg(".")
            .envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]),
    )?;
    make_component(&module, component)
}

pub(super) fn c(source: &Path, component: &Path) -> Result<()> {
    let interpreter = zig(source)?;
    let bindings = folder().join("c-bindings");
    write_bindings("c", &bindings)?;
    let module = component.with_extension("module");
    let mut command = Command::new(interpreter);
    command.args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Oz"]);
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-s", "-I"]).arg(&bindings).arg("-o").arg(&module);
    let files = [sources::of(source)?, sources::of(&bindings)?].concat();
    command.args(files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "c")));
    tools::run(&mut command)?;
    make_component(&module, component)
}

/// The interpreter with which zig is run.
pub(super) fn zig(source: &Path) -> Result<PathBuf> {
    venv(source, "c", "zig, as a C compiler")
}

/// Writes the WIT package as code of a language into a folder.
fn write_bindings(language: &str, folder: &Path) -> Result<()> {
    tools::run(Command::new(sockerless()).args(["plugin", "bindings", "--wit"]).arg(wit()).arg(language).arg(folder))
}

/// A component of what compilers make that know of none.
fn make_component(module: &Path, component: &Path) -> Result<()> {
    tools::run(Command::new(sockerless()).args(["plugin", "component", "--wit"]).arg(wit()).arg(module).arg(component))
}

/// A virtual environment with what the source's `requirements.txt` names.
fn venv(source: &Path, name: &str, what: &str) -> Result<PathBuf> {
    let python = find("python3").context("python3 is not to be found")?;
    registries::venv(&python, &source.join("requirements.txt"), &folder().join(name), what)
}
