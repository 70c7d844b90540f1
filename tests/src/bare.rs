//! A daemon without a cloud.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{Daemon, Docker};

/// A daemon with some backends and these settings, and a Docker CLI: no Azure, and no agents.
#[derive(Debug)]
pub struct Bare {
    /// The daemon.
    pub daemon: Daemon,
    /// The Docker CLI.
    pub docker: Docker,
    folder: TempDir,
}

impl Bare {
    /// With the daemon running.
    #[must_use]
    pub fn start(components: Vec<PathBuf>, settings: &[(&str, &str)]) -> Self {
        let mut bare = Self::without_daemon(components, settings);
        bare.daemon.start().unwrap_or_else(|error| panic!("{error}"));
        bare
    }

    /// With a daemon that is not started yet.
    #[must_use]
    pub fn without_daemon(components: Vec<PathBuf>, settings: &[(&str, &str)]) -> Self {
        // Short, since a socket's path may have 107 bytes.
        let folder = tempfile::Builder::new().prefix("skls").tempdir_in("/tmp").unwrap();
        let settings = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let daemon = Daemon::new(folder.path(), components, settings);
        let docker = Docker::at(daemon.host(), folder.path().join("docker-config"));
        Self { daemon, docker, folder }
    }

    /// A folder of this test's own.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}
