//! `cargo xtask release`: what is handed out, as one archive.

mod sbom;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::azf;
use crate::backends::copy_file;
use crate::build::{self, root, target};
use crate::say::say;
use crate::tools;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the archive goes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The programs of an archive.
pub(crate) struct Programs {
    pub(crate) daemon: PathBuf,
    pub(crate) agent: PathBuf,
    pub(crate) component: PathBuf,
}

/// Files of the repository that an archive has as they are, and the folder in it.
const COPIED: [(&str, &str); 14] = [
    ("LICENSE", "share/doc/sockerless"),
    ("README.md", "share/doc/sockerless"),
    ("CHANGELOG.md", "share/doc/sockerless"),
    ("SECURITY.md", "share/doc/sockerless"),
    ("docs/azure.md", "share/doc/sockerless/docs"),
    ("docs/configuration.md", "share/doc/sockerless/docs"),
    ("docs/faults.md", "share/doc/sockerless/docs"),
    ("docs/operating.md", "share/doc/sockerless/docs"),
    ("docs/recording.md", "share/doc/sockerless/docs"),
    ("examples/sockerless.toml", "share/doc/sockerless/examples"),
    ("packaging/systemd/sockerless.service", "lib/systemd/system"),
    ("packaging/systemd/sockerless.socket", "lib/systemd/system"),
    ("packaging/systemd/sockerless-agents.socket", "lib/systemd/system"),
    ("packaging/sysusers.d/sockerless.conf", "lib/sysusers.d"),
];

/// Where each shell looks for completions, below the prefix of an installation.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/sockerless"),
    ("zsh", "share/zsh/site-functions/_sockerless"),
    ("fish", "share/fish/vendor_completions.d/sockerless.fish"),
];

/// Builds everything as it is released, makes sure that the backend is reproducible, and packs it. Prints where the archive is.
pub(crate) fn run(options: &Options) -> Result<()> {
    tools::c_compiler()?;
    tools::rust_targets()?;
    say("building azf.wasm, and once more in another folder");
    azf::build()?;
    azf::verify()?;
    let agent = build::agent()?;
    let daemon = build::release_daemon()?;
    let programs = Programs { daemon, agent, component: target().join(azf::FILE) };
    let out = options.out.clone().unwrap_or_else(|| target().join("dist"));
    println!("{}", pack(&programs, &out)?.display());
    Ok(())
}

/// Makes the archive, whose one folder is to become the prefix of an installation, and beside it the file of checksums. Programs that are the
/// same make an archive that is the same. Answers where it is.
pub(crate) fn pack(programs: &Programs, out: &Path) -> Result<PathBuf> {
    let name = format!("sockerless-{}-x86_64-linux", env!("CARGO_PKG_VERSION"));
    say(format_args!("packing {name}"));
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let folder = tempfile::Builder::new().prefix("pack-").tempdir_in(out).context("cannot make a folder")?;
    let prefix = folder.path().join(&name);

    let Programs { daemon, agent, component } = programs;
    copy_file(daemon, &prefix.join("bin/sockerless"))?;
    copy_file(agent, &prefix.join("lib/sockerless/sockerless-agent"))?;
    copy_file(component, &prefix.join("lib/sockerless/azf.wasm"))?;
    for (file, into) in COPIED {
        let file = root().join(file);
        let called = file.file_name().unwrap_or_default();
        copy_file(&file, &prefix.join(into).join(called))?;
    }
    for (shell, file) in COMPLETIONS {
        let file = prefix.join(file);
        let Some(script) = tools::output(Command::new(daemon).args(["completions", shell])) else {
            bail!("`{} completions {shell}` failed", daemon.display());
        };
        write(&file, &format!("{script}\n"))?;
    }
    tools::run(Command::new(daemon).arg("man").arg(prefix.join("share/man/man1")))?;
    write(&prefix.join("share/doc/sockerless/sbom.cdx.json"), &sbom::bill_of_materials()?)?;

    let archive = out.join(format!("{name}.tar.gz"));
    tools::run(
        Command::new("tar")
            // Neither the time nor a name in the head of the compressed file.
            .args([
                "--create",
                "--use-compress-program=gzip --no-name",
                "--sort=name",
                "--owner=0",
                "--group=0",
                "--numeric-owner",
                "--format=gnu",
            ])
            .args(["--mode=go=rX,u+w", &format!("--mtime=@{}", moment()?), "--file"])
            .arg(&archive)
            .arg("--directory")
            .arg(folder.path())
            .arg(&name),
    )?;
    let mut sums = Command::new("sha256sum");
    sums.current_dir(out).arg(format!("{name}.tar.gz"));
    let Some(line) = tools::output(&mut sums) else { bail!("sha256sum failed: it is in the package coreutils") };
    write(&out.join("SHA256SUMS"), &format!("{line}\n"))?;
    Ok(archive)
}

/// The time that files of an archive have, in seconds since 1970: what `SOURCE_DATE_EPOCH` says, else that of the commit.
fn moment() -> Result<u64> {
    let told = std::env::var("SOURCE_DATE_EPOCH").ok();
    let committed = || tools::output(Command::new("git").current_dir(root()).args(["log", "-1", "--format=%ct"]));
    let Some(text) = told.or_else(committed) else {
        bail!("the time of the sources is not known: set SOURCE_DATE_EPOCH to seconds since 1970");
    };
    text.parse().with_context(|| format!("SOURCE_DATE_EPOCH is \"{text}\", and should be seconds since 1970"))
}

fn write(file: &Path, text: &str) -> Result<()> {
    let what = || format!("cannot write {}", file.display());
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).with_context(what)?;
    fs::write(file, text).with_context(what)
}
