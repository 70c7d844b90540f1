//! `cargo xtask dev`: the emulator and the daemon, until Ctrl-C.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::build;
use crate::say::say;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The unix socket of the Docker API; by default one in a temporary folder.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// How long a program may take to say that it is ready.
const READY: Duration = Duration::from_secs(60);

/// How long a program may take to end after it was asked to.
const END: Duration = Duration::from_secs(10);

/// Builds, starts, tells how to use it, and stays.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = build::everything()?;
    // Blocked before any thread exists, so that only `wait` below takes them.
    let mut stop = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
        stop.add(signal);
    }
    stop.thread_block().context("cannot block signals")?;

    let folder =
        tempfile::Builder::new().prefix("sockerless-dev-").tempdir().context("cannot make a temporary folder")?;
    let socket = options.socket.clone().unwrap_or_else(|| folder.path().join("docker.sock"));
    say("starting the Azure emulator");
    let mut emulator =
        Program::start(Command::new(&built.emulator).args(["--listen", "127.0.0.1:0", "--agent"]).arg(&built.agent))?;
    let environment = announced_environment(&emulator.ready()?)?;
    say(format_args!("starting the daemon with {}", built.component.display()));
    let mut daemon = Program::start(
        Command::new(&built.daemon)
            .arg("serve")
            .arg("--backend")
            .arg(&built.component)
            .arg("--host")
            .arg(format!("unix://{}", socket.display()))
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .arg("--cache-dir")
            .arg(build::target().join("component-cache"))
            .envs(environment)
            .env("RUST_BACKTRACE", "1"),
    )?;
    daemon.ready()?;
    say(
        "ready: in another shell, type the next line, and then for example `docker run --rm alpine echo hello`; Ctrl-C ends it",
    );
    println!("export DOCKER_HOST=unix://{}", socket.display());

    while stop.wait().context("cannot wait for signals")? == Signal::SIGCHLD {
        for program in [&mut emulator, &mut daemon] {
            if let Some(status) = program.child.try_wait()? {
                bail!("{} has ended ({status}): its last lines are above", program.name);
            }
        }
    }
    say("stopping");
    // The daemon first: it may still have something to say to Azure. What they do not do in time the drop does.
    daemon.stop();
    emulator.stop();
    Ok(())
}

/// What the emulator announces as its first line, as far as a daemon needs it.
#[derive(serde::Deserialize)]
struct Announcement {
    environment: BTreeMap<String, String>,
}

/// The environment in which a daemon uses the emulator.
fn announced_environment(line: &str) -> Result<BTreeMap<String, String>> {
    let announcement: Announcement =
        serde_json::from_str(line).with_context(|| format!("the emulator's first line is not understood: {line}"))?;
    Ok(announcement.environment)
}

/// A program that was started here, and does not outlive this one.
struct Program {
    name: String,
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Program {
    fn start(command: &mut Command) -> Result<Self> {
        let path = PathBuf::from(command.get_program());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        // SAFETY: between fork and exec only calls that are safe after a fork: `prctl` and `sigprocmask`.
        unsafe {
            command.pre_exec(|| {
                nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
                SigSet::all().thread_unblock()?;
                Ok(())
            });
        }
        let mut child = command.spawn().with_context(|| format!("cannot start {}", path.display()))?;
        let output = child.stdout.take().ok_or_else(|| anyhow!("{name} has no standard output"))?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { name, child, lines })
    }

    /// What the program says when it is ready: its first line.
    fn ready(&mut self) -> Result<String> {
        match self.lines.recv_timeout(READY) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.child.wait()?;
                bail!("{} ended before it was ready ({status}): it says above why", self.name)
            }
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("{} was not ready within {} s", self.name, READY.as_secs()),
        }
    }

    fn signal(&self, signal: Signal) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            // It may have ended already.
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let begin = Instant::now();
        while begin.elapsed() < END {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        say(format_args!("{} does not end: killed", self.name));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}
