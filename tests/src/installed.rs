//! What is released, installed into a root folder that has nothing else.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::program::Program;
use crate::{Docker, Emulator, Ran, built};

/// The prefix, as the programs in it see it.
const PREFIX: &str = "/usr/local";

/// A root folder with an installation.
#[derive(Debug)]
pub struct Installed {
    // Before the folder, so that it ends before that goes.
    daemon: Option<Program>,
    root: TempDir,
}

impl Installed {
    /// Unpacks the archive, as its documentation says, and puts beside it what every Linux with the GNU C library has: the libraries that
    /// the daemon is linked to.
    #[must_use]
    pub fn new() -> Self {
        // Short, since a socket's path may have 107 bytes.
        let root = tempfile::Builder::new().prefix("skls").tempdir_in("/tmp").unwrap();
        let installed = Self { daemon: None, root };
        let prefix = installed.path("");
        fs::create_dir_all(&prefix).unwrap();
        fs::create_dir(installed.root.path().join("proc")).unwrap();
        let mut unpack = Command::new("tar");
        unpack.args(["--extract", "--gzip", "--strip-components=1", "--file"]).arg(archive()).arg("--directory");
        Ran::run(unpack.arg(&prefix), b"").ok();
        let needed = Ran::run(Command::new("ldd").arg(installed.path("bin/sockerless")), b"");
        for library in needed.ok().split_whitespace().filter(|word| word.starts_with('/')) {
            let copied = installed.root.path().join(library.trim_start_matches('/'));
            fs::create_dir_all(copied.parent().unwrap()).unwrap();
            fs::copy(library, copied).unwrap();
        }
        installed
    }

    /// Where a file of the installation is.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(PREFIX.trim_start_matches('/')).join(file)
    }

    /// Runs its `sockerless` in that root.
    #[must_use]
    pub fn sockerless(&self, words: &[&str], azure: &Emulator, settings: &[(&str, &str)]) -> Ran {
        Ran::run(&mut self.command(words, azure, settings), b"")
    }

    /// Starts its daemon with its backend in that root, and answers a Docker CLI for it.
    #[must_use]
    pub fn serve(&mut self, azure: &Emulator, settings: &[(&str, &str)]) -> Docker {
        let words = ["serve", "--backend", "/usr/local/lib/sockerless/azf.wasm", "--host", "unix:///run/docker.sock"];
        let mut command = self.command(&words, azure, settings);
        command.args(["--state-dir", "/var/lib/sockerless", "--cache-dir", "/var/cache/sockerless"]);
        command.args(["--agents-listen", "127.0.0.1:0"]);
        let log = self.root.path().join("daemon.log");
        self.daemon = Some(Program::start(&mut command, &log).unwrap_or_else(|error| panic!("{error}")));
        let socket = self.root.path().join("run/docker.sock");
        Docker::at(format!("unix://{}", socket.display()), self.root.path().join("docker-config"))
    }

    /// A command in that root, with the kernel's own files in it and nothing else. It needs what the emulator needs to isolate containers.
    fn command(&self, words: &[&str], azure: &Emulator, settings: &[(&str, &str)]) -> Command {
        let enter = "mount --rbind /proc \"$0/proc\" && exec chroot \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", enter]).arg(self.root.path());
        command.arg("/usr/local/bin/sockerless").args(words);
        // As a service has it: nothing of this process's.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(azure.environment()).envs(settings.iter().copied());
        command
    }
}

impl Default for Installed {
    fn default() -> Self {
        Self::new()
    }
}

/// The archive.
#[must_use]
pub fn archive() -> PathBuf {
    built("SOCKERLESS_TEST_RELEASE")
}
