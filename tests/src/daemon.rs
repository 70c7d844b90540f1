//! The daemon under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::judge::{Judgement, Proxy};
use crate::passed::Passed;
use crate::program::Program;
use crate::{Ran, built, eventually};

/// A daemon, and how it was started: it can be killed and started again.
#[derive(Debug)]
pub struct Daemon {
    program: Option<Program>,
    /// Where it listens, and where clients find it: the same, unless its answers are looked at.
    own_socket: PathBuf,
    socket: PathBuf,
    proxy: Option<Proxy>,
    state: PathBuf,
    log: PathBuf,
    agents_listen: String,
    /// Sockets that are opened for it.
    passed: Option<Passed>,
    components: Vec<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Daemon {
    pub(crate) fn new(folder: &Path, components: Vec<PathBuf>, environment: Vec<(String, String)>) -> Self {
        // The agents must find a daemon that was started again where the first one was.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let socket = folder.join("docker.sock");
        let own_socket = if Judgement::is_possible() { folder.join("own.sock") } else { socket.clone() };
        let proxy = Judgement::is_possible().then(|| Proxy::start(&socket, own_socket.clone()));
        Self {
            program: None,
            own_socket,
            socket,
            proxy,
            state: folder.join("state"),
            log: folder.join("daemon.log"),
            agents_listen: format!("127.0.0.1:{port}"),
            passed: None,
            components,
            arguments: Vec::new(),
            environment,
        }
    }

    /// Has it take sockets that the test has opened, from the next start on, instead of opening its own: as systemd does it.
    pub fn pass(&mut self, passed: Passed) {
        self.passed = Some(passed);
    }

    /// Another daemon with the same configuration, not yet started: the next one, while this one still runs.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            program: None,
            own_socket: self.own_socket.clone(),
            socket: self.socket.clone(),
            proxy: None,
            state: self.state.clone(),
            log: self.log.clone(),
            agents_listen: self.agents_listen.clone(),
            passed: self.passed.clone(),
            components: self.components.clone(),
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// What it said when it ended before it was ready.
    pub fn start(&mut self) -> Result<(), String> {
        let components = self.components.clone();
        self.start_with(&components)
    }

    /// Starts it with no backend in it.
    ///
    /// # Errors
    /// What it said when it ended before it was ready.
    pub fn start_without_backends(&mut self) -> Result<(), String> {
        self.start_with(&[])
    }

    /// Has it looked whether it would work: `sockerless doctor` with its configuration.
    #[must_use]
    pub fn doctor(&self) -> Ran {
        Ran::run(&mut self.command("doctor", &self.components), b"")
    }

    /// Has the agent put into its share: `sockerless azure push-agent` with its settings.
    #[must_use]
    pub fn push_agent(&self, file: &Path) -> Ran {
        let mut command = Command::new(built("SOCKERLESS_TEST_DAEMON"));
        command.args(["azure", "push-agent"]).arg(file).env_clear();
        Ran::run(command.envs(self.environment.iter().cloned()), b"")
    }

    /// The same with a copy of the program, which is to find the agent by itself.
    #[must_use]
    pub fn push_own_agent(&self, program: &Path) -> Ran {
        let mut command = Command::new(program);
        command.args(["azure", "push-agent"]).env_clear();
        Ran::run(command.envs(self.environment.iter().cloned()), b"")
    }

    fn start_with(&mut self, components: &[PathBuf]) -> Result<(), String> {
        let mut command = self.command("serve", components);
        if let Some(passed) = &self.passed {
            command = passed.to(&command);
        }
        self.program = Some(Program::start(&mut command, &self.log)?);
        Ok(())
    }

    /// The program, to do something by its configuration.
    fn command(&self, what: &str, components: &[PathBuf]) -> Command {
        let mut command = Command::new(built("SOCKERLESS_TEST_DAEMON"));
        command
            .arg(what)
            .arg("--host")
            .arg(match self.passed {
                Some(_) => "fd://".to_owned(),
                None => format!("unix://{}", self.own_socket.display()),
            })
            .arg("--state-dir")
            .arg(&self.state);
        command
            .arg("--cache-dir")
            .arg(built("SOCKERLESS_TEST_CACHE"))
            .args(["--agents-listen", if self.passed.is_some() { "fd://agents" } else { &self.agents_listen }]);
        for component in components {
            command.arg("--backend").arg(component);
        }
        command.args(&self.arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().cloned());
        command
    }

    /// Where agents dial in, if they do: address and port.
    #[must_use]
    pub fn agents_listen(&self) -> &str {
        &self.agents_listen
    }

    /// Sets one of its environment variables, for the next start.
    pub fn set(&mut self, name: &str, value: String) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value));
    }

    /// Gives it one more option with its value, for the next start.
    pub fn option(&mut self, name: &str, value: impl Into<String>) {
        self.arguments.extend([name.to_owned(), value.into()]);
    }

    /// The address of its Docker API.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The path of the socket by which clients find it.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The path of the socket on which it listens.
    #[must_use]
    pub fn own_socket(&self) -> &Path {
        &self.own_socket
    }

    /// Its process id.
    ///
    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.program.as_ref().expect("a running daemon").pid()
    }

    /// The folder of what it must not forget.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// What it has of the machine's memory now, in KiB.
    ///
    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most that it ever had, in KiB.
    ///
    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn peak_memory(&self) -> usize {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        value.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Everything it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The address of its listener for operators, if it was told to have one.
    #[must_use]
    pub fn operator_address(&self) -> String {
        eventually("the operator's listener", || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains("/healthz, /readyz and /metrics are served"))?;
            line.split_once("address=").map(|(_, address)| address.trim().to_owned())
        })
    }

    /// SIGKILL: it has no time for anything.
    pub fn kill(&mut self) {
        let mut program = self.program.take().expect("a running daemon");
        program.signal(Signal::SIGKILL);
        program.wait();
    }

    /// SIGTERM, and waits for its end.
    pub fn terminate(&mut self) {
        self.signal(Signal::SIGTERM);
        self.wait();
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// It does not run.
    pub fn signal(&self, signal: Signal) {
        self.program.as_ref().expect("a running daemon").signal(signal);
    }

    /// Waits for its end, and answers its exit code, if it was no signal.
    ///
    /// # Panics
    /// It does not end.
    pub fn wait(&mut self) -> Option<i32> {
        self.program.take().expect("a running daemon").wait()
    }

    /// Runs the `sockerless` command line against it.
    #[must_use]
    pub fn sockerless(&self, arguments: &[&str]) -> Ran {
        self.sockerless_with(arguments, b"")
    }

    /// The same with this standard input.
    #[must_use]
    pub fn sockerless_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        Ran::run(&mut self.sockerless_command(arguments), stdin)
    }

    /// The same, not yet started.
    #[must_use]
    pub fn sockerless_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("SOCKERLESS_TEST_DAEMON"));
        command.args(arguments).env("DOCKER_HOST", self.host());
        command
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let wrong = self.proxy.as_ref().map(|proxy| proxy.judgement.wrong()).unwrap_or_default();
        assert!(
            wrong.is_empty() || std::thread::panicking(),
            "answers that the description of the API does not allow:\n{}",
            wrong.join("\n")
        );
    }
}
