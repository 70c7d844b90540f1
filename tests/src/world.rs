//! Everything that one test needs, and nothing that it shares.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::emulator::ARM_SCOPE;
use crate::{Cable, Daemon, Docker, Emulator, Ran, built, optional};

/// What is out of the ordinary in a test's world.
#[derive(Debug, Clone, Default)]
pub struct WorldOptions {
    /// The emulator's configuration (TOML).
    pub emulator: String,
    /// Settings over and above, or instead of, the usual ones.
    pub settings: Vec<(&'static str, String)>,
    /// Usual settings to leave out.
    pub without: Vec<&'static str>,
}

/// An emulator, a daemon and a Docker CLI.
#[derive(Debug)]
pub struct World {
    /// The daemon.
    pub daemon: Daemon,
    /// The Docker CLI.
    pub docker: Docker,
    /// Azure.
    pub azure: Emulator,
    folder: TempDir,
}

impl World {
    /// The ordinary world, with the daemon running.
    #[must_use]
    pub fn start() -> Self {
        Self::with(WorldOptions::default())
    }

    /// A world that differs from the ordinary one, with the daemon running.
    #[must_use]
    pub fn with(options: WorldOptions) -> Self {
        let mut world = Self::without_daemon(options);
        world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
        world
    }

    /// The ordinary world, with a network between agents and daemon that can be cut.
    #[must_use]
    pub fn with_a_cable() -> (Self, Cable) {
        Self::with_a_cable_and(WorldOptions::default())
    }

    /// A world that differs from the ordinary one, with such a network.
    #[must_use]
    pub fn with_a_cable_and(options: WorldOptions) -> (Self, Cable) {
        let mut world = Self::without_daemon(options);
        let cable = Cable::lay(world.daemon.agents_listen().to_owned());
        world.daemon.set("SOCKERLESS_CALLBACK_URL", format!("ws://{}", cable.address()));
        world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
        (world, cable)
    }

    /// A world whose daemon dials the agents and cannot be dialled, with a network between daemon and Azure that can be cut.
    #[must_use]
    pub fn that_dials() -> (Self, Cable) {
        Self::that_dials_with(Vec::new())
    }

    /// The same with more settings.
    #[must_use]
    pub fn that_dials_with(mut settings: Vec<(&'static str, String)>) -> (Self, Cable) {
        settings.push(("SOCKERLESS_AGENT_LINK", "dial".to_owned()));
        let without = vec!["SOCKERLESS_CALLBACK_URL"];
        let mut world = Self::without_daemon(WorldOptions { settings, without, ..WorldOptions::default() });
        let cable = Cable::lay(world.azure.address().to_owned());
        world.daemon.set("SOCKERLESS_ENDPOINT_URL", format!("http://{}", cable.address()));
        world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
        (world, cable)
    }

    /// A world whose daemon is not started yet.
    #[must_use]
    pub fn without_daemon(options: WorldOptions) -> Self {
        // Short, since a socket's path may have 107 bytes.
        let folder = tempfile::Builder::new().prefix("skls").tempdir_in("/tmp").unwrap();
        let azure = Emulator::start(folder.path(), &options.emulator);
        let mut settings = azure.environment();
        settings.push(("RUST_BACKTRACE".to_owned(), "1".to_owned()));
        settings.retain(|(name, _)| !options.without.contains(&name.as_str()));
        for (name, value) in options.settings {
            settings.retain(|(known, _)| known != name);
            settings.push((name.to_owned(), value));
        }
        let daemon = Daemon::new(folder.path(), vec![built("SOCKERLESS_TEST_COMPONENT")], settings);
        let docker = Docker::at(daemon.host(), folder.path().join("docker-config"));
        Self { daemon, docker, azure, folder }
    }

    /// A folder of this test's own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Pulls the image that the tests use: a pull registers the reference and downloads nothing.
    pub fn pull(&self) {
        self.docker.ok(&["pull", "--quiet", "alpine"]);
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Runs a script of the Docker SDK for Python.
#[must_use]
pub fn python(world: &World, script: &str) -> Ran {
    python_with(world, script, &[])
}

/// The same, with more in its environment.
#[must_use]
pub fn python_with(world: &World, script: &str, environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(built("SOCKERLESS_TEST_PYTHON"));
    command.arg(clients().join("python").join(script)).env("DOCKER_HOST", world.daemon.host());
    Ran::run(command.envs(environment.iter().copied()), b"")
}

/// Runs a script of Microsoft's clients, which find the emulator where they expect Azure. The script is told the emulator's
/// address and a folder.
#[must_use]
pub fn azure_python(azure: &Emulator, script: &str) -> Ran {
    let authority = azure.folder().join("authority.pem");
    let pem = azure.ask("control.emulator", "GET /ca.pem", &[], b"").body;
    std::fs::write(&authority, pem).unwrap();
    let mut command = Command::new(built("SOCKERLESS_TEST_PYTHON"));
    command.arg(clients().join("python").join(script)).arg(azure.address()).arg(azure.folder());
    command.envs(azure.environment()).env("REQUESTS_CA_BUNDLE", authority);
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(variable, azure.url());
    }
    command.env("NO_PROXY", azure.address()).env("no_proxy", azure.address());
    Ran::run(&mut command, b"")
}

/// Runs the scenario of the Docker SDK for Go; nothing where there is no Go.
#[must_use]
pub fn go(world: &World) -> Option<Ran> {
    let program = optional("SOCKERLESS_TEST_GO")?;
    Some(Ran::run(Command::new(program).env("DOCKER_HOST", world.daemon.host()), b""))
}

/// Runs the scenario of docker-java; nothing where there is no Java.
#[must_use]
pub fn java(world: &World) -> Option<Ran> {
    let libraries = optional("SOCKERLESS_TEST_JAVA")?;
    let mut command = Command::new("java");
    command.arg("-cp").arg(libraries.join("*")).arg(clients().join("java/Scenario.java"));
    Some(Ran::run(command.env("DOCKER_HOST", world.daemon.host()), b""))
}

/// Runs a script of dockerode.
#[must_use]
pub fn node(world: &World, script: &str) -> Ran {
    let mut command = Command::new(built("SOCKERLESS_TEST_NODE"));
    command
        .arg(clients().join("node").join(script))
        .env("NODE_PATH", built("SOCKERLESS_TEST_NODE_MODULES"))
        .env("DOCKER_SOCKET", world.daemon.socket());
    Ran::run(&mut command, b"")
}

impl World {
    /// A token for the resource manager, as the daemon would get one.
    #[must_use]
    pub fn azure_token(&self) -> String {
        self.azure.token(ARM_SCOPE)
    }
}
