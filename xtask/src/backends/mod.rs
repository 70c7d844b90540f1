//! `cargo xtask backends`: the example backend, built in each language that it is written in.

mod languages;
mod sources;
mod stamp;

pub(crate) use sources::copy_file;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::build::{self, root, target};
use crate::clients::Variable;
use crate::say::say;
use crate::tools::{find, version};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these languages.
    languages: Vec<Language>,
}

/// A language that the example is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    Python,
    Typescript,
    Go,
    C,
}

impl Language {
    const ALL: [Self; 5] = [Self::Rust, Self::Python, Self::Typescript, Self::Go, Self::C];

    /// The name of its folder, and a part of the component's.
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Typescript => "typescript",
            Self::Go => "go",
            Self::C => "c",
        }
    }

    /// Programs that must be on the machine. Everything else is fetched from a package registry.
    fn needs(self) -> &'static [Needed] {
        const PYTHON: Needed = Needed {
            program: "python3",
            version: &["--version"],
            least: (3, 10),
            advice: "install Python 3 with venv, Debian's packages python3 and python3-venv",
        };
        match self {
            Self::Rust => &[],
            Self::Python | Self::C => &[PYTHON],
            Self::Typescript => &[
                Needed {
                    program: "node",
                    version: &["--version"],
                    least: (20, 19),
                    advice: "install Node.js, Debian's package nodejs from trixie on",
                },
                Needed {
                    program: "npm",
                    version: &["--version"],
                    least: (9, 0),
                    advice: "install npm, Debian's package npm",
                },
            ],
            Self::Go => &[Needed {
                program: "go",
                version: &["env", "GOVERSION"],
                least: (1, 25),
                advice: "install Go, Debian's package golang-go from forky on",
            }],
        }
    }

    /// What is missing on this machine, if anything is.
    fn missing(self) -> Option<String> {
        let missing: Vec<_> = self.needs().iter().filter_map(Needed::missing).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }

    /// Tells the tests where the component is.
    fn variable(self) -> &'static str {
        match self {
            Self::Rust => "SOCKERLESS_TEST_MEMORY_RUST",
            Self::Python => "SOCKERLESS_TEST_MEMORY_PYTHON",
            Self::Typescript => "SOCKERLESS_TEST_MEMORY_TYPESCRIPT",
            Self::Go => "SOCKERLESS_TEST_MEMORY_GO",
            Self::C => "SOCKERLESS_TEST_MEMORY_C",
        }
    }

    /// Builds the component, if that is not done already.
    fn build(self) -> Result<PathBuf> {
        let what = format!("the example backend in {}", self.name());
        let component = format!("memory-{}.wasm", self.name());
        let build = match self {
            // Cargo knows by itself what is to be done.
            Self::Rust => {
                let component = folder().join(component);
                std::fs::create_dir_all(folder())?;
                return languages::rust(&source(self), &component).map(|()| component);
            }
            Self::Python => languages::python,
            Self::Typescript => languages::typescript,
            Self::Go => languages::go,
            Self::C => languages::c,
        };
        build_new(&what, &component, &source(self), build)
    }
}

/// The backend before another Docker Engine, which is written in Python.
fn docker_proxy() -> Result<PathBuf> {
    let build = |source: &Path, component: &Path| {
        languages::componentize(source, "docker_proxy", DOCKER_PROXY_WORLD, component)
    };
    build_new("the backend docker-proxy", "docker-proxy.wasm", &root().join("plugins/docker-proxy"), build)
}

/// Builds a component, unless it was made of what is there now.
fn build_new(
    what: &str,
    component: &str,
    source: &Path,
    build: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<PathBuf> {
    let component = folder().join(component);
    std::fs::create_dir_all(folder())?;
    let stamp = stamp::of(&[source, &wit(), &root().join("xtask/src/backends"), &root().join("host/toolkit/src")])?;
    if component.is_file() && stamp::is(&component, &stamp) {
        return Ok(component);
    }
    say(format_args!("building {what}"));
    build(source, &component).with_context(|| format!("cannot build {}", source.display()))?;
    stamp::set(&component, &stamp)?;
    Ok(component)
}

/// A program that must be on the machine, and what to do if it is not.
#[derive(Debug)]
struct Needed {
    program: &'static str,
    /// The arguments by which it tells its version.
    version: &'static [&'static str],
    least: (u32, u32),
    advice: &'static str,
}

impl Needed {
    fn missing(&self) -> Option<String> {
        let Self { program, least: (major, minor), advice, .. } = self;
        let wanted = format!("{program} {major}.{minor} or newer");
        if find(program).is_none() {
            return Some(format!("{wanted} ({advice})"));
        }
        // One that cannot be read, of a version in the making for example, may do.
        let (its_major, its_minor) = version(program, self.version).filter(|version| *version < self.least)?;
        Some(format!("{wanted} (it has {its_major}.{its_minor}: {advice})"))
    }
}

/// Builds those that were named, or all, and prints where they are. What cannot be built is an error.
pub(crate) fn run(options: &Options) -> Result<()> {
    build::programs()?;
    let languages = if options.languages.is_empty() { &Language::ALL[..] } else { &options.languages };
    for &language in languages {
        if let Some(missing) = language.missing() {
            bail!("the example backend in {} needs what is not on this machine: {missing}", language.name());
        }
        println!("{}", language.build()?.display());
    }
    // Not an example, but built with the same tools.
    if languages.contains(&Language::Python) {
        println!("{}", docker_proxy()?.display());
    }
    Ok(())
}

/// Builds what can be built here, for the tests. The programs have been built before. In CI that is all.
pub(crate) fn install() -> Result<Vec<Variable>> {
    let mut variables = Vec::new();
    for language in Language::ALL {
        match language.missing() {
            None => {
                variables.push((language.variable(), language.build()?));
                if language == Language::Python {
                    variables.push(("SOCKERLESS_TEST_DOCKER_PROXY", docker_proxy()?));
                }
            }
            Some(missing) if std::env::var_os("CI").is_some() => {
                bail!(
                    "the example backend in {} needs what is not on this machine, and in CI it is needed: {missing}",
                    language.name()
                )
            }
            Some(missing) => say(format_args!(
                "tests of the example backend in {} are skipped, since this machine lacks {missing}",
                language.name()
            )),
        }
    }
    Ok(variables)
}

/// The interpreter that has zig among its packages: a C compiler for targets that the machine has none for.
pub(crate) fn zig() -> Result<PathBuf> {
    languages::zig(&source(Language::C))
}

/// Where the components go, and what their tools need.
fn folder() -> PathBuf {
    target().join("backends")
}

fn source(language: Language) -> PathBuf {
    root().join("examples/backends").join(language.name())
}

/// The WIT package.
fn wit() -> PathBuf {
    root().join("wit")
}

/// The daemon's program, which also has what writers of backends need.
fn sockerless() -> PathBuf {
    target().join("debug/sockerless")
}

/// The world that the examples implement.
const WORLD: &str = "plugin-with-logs";
/// The world that docker-proxy implements.
const DOCKER_PROXY_WORLD: &str = "plugin-with-sessions";

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
