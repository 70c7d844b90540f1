//! How each language makes a component. Each function does what the README beside the source says.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{WORLD, folder, wit, wit_tool};
use crate::build::{root, target};
use crate::registries;
use crate::tools::{self, find};

pub(super) fn rust(_source: &Path, component: &Path) -> Result<()> {
    tools::rust_targets()?;
    // Together with azf.wasm, so that both are made of the same build of the libraries they share.
    tools::run(tools::cargo().current_dir(root()).args([
        "build",
        "--locked",
        "--package",
        "sockerless-azf",
        "--package",
        "sockerless-memory",
        "--target",
        "wasm32-wasip2",
        "--profile",
        "component",
    ]))?;
    copy(&target().join("wasm32-wasip2/component/sockerless_memory.wasm"), component)
}

pub(super) fn python(source: &Path, component: &Path) -> Result<()> {
    let interpreter = venv(source, "python", "componentize-py")?;
    let tool = interpreter.with_file_name("componentize-py");
    tools::run(
        Command::new(tool)
            .arg("--wit-path")
            .arg(wit())
            .args(["--world", WORLD, "componentize", "memory", "--python-path"])
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
        copy(&source.join(name), &folder.join(name))?;
    }
    let (from, to) = (source.join("src"), folder.join("src"));
    // A file that was renamed must not stay.
    if to.is_dir() {
        std::fs::remove_dir_all(&to)?;
    }
    std::fs::create_dir_all(&to)?;
    for entry in from.read_dir()? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            copy(&path, &to.join(name))?;
        }
    }
    tools::run(Command::new("npm").current_dir(&folder).args(["run", "--silent", "build"]).env("WIT", wit()))?;
    copy(&folder.join("memory.wasm"), component)
}

pub(super) fn go(source: &Path, component: &Path) -> Result<()> {
    let module = component.with_extension("module");
    tools::run(
        Command::new("go")
            .current_dir(source)
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
    let interpreter = venv(source, "c", "zig, as a C compiler")?;
    let module = component.with_extension("module");
    let mut command = Command::new(interpreter);
    command.current_dir(source).args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Oz"]);
    command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-s", "-I", "bindings", "-o"]).arg(&module);
    for folder in [source.to_path_buf(), source.join("bindings")] {
        for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "c") {
                command.arg(path);
            }
        }
    }
    tools::run(&mut command)?;
    make_component(&module, component)
}

/// A component of what compilers make that know of none.
fn make_component(module: &Path, component: &Path) -> Result<()> {
    tools::run(Command::new(wit_tool()).arg("component").arg(module).arg(component))
}

/// A virtual environment with what the source's `requirements.txt` names.
fn venv(source: &Path, name: &str, what: &str) -> Result<PathBuf> {
    let python = find("python3").context("python3 is not to be found")?;
    registries::venv(&python, &source.join("requirements.txt"), &folder().join(name), what)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
