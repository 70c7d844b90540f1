//! A program that runs beside a test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Tests run many at once on small machines: a limit is there to end a test that hangs, not to measure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running program. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    first_line: Option<String>,
}

impl Program {
    /// Starts it and waits for its first line on standard output; its standard error goes to a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = spawn(command.stdout(Stdio::piped()), log)?;
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Read to the end, also when nobody wants the lines any more: the program shall not wait for a reader.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut program = Self { child, log: log.to_path_buf(), first_line: None };
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => program.first_line = Some(line),
            Err(_) => {
                let _ = program.child.kill();
                let status = program.child.wait().unwrap();
                return Err(format!("{name} ended before it was ready ({status}):\n{}", program.log()));
            }
        }
        Ok(program)
    }

    /// Starts a program that says in its log when it is ready, and waits for that: `ready` reads the log so far.
    pub(crate) fn start_until<T>(
        command: &mut Command,
        log: &Path,
        ready: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = spawn(command.stdout(Stdio::null()), log)?;
        let mut program = Self { child, log: log.to_path_buf(), first_line: None };
        let found = eventually(&format!("{name} is ready"), || match ready(&program.log()) {
            Some(found) => Some(Some(found)),
            None => (!program.is_running()).then_some(None),
        });
        match found {
            Some(found) => Ok((program, found)),
            None => Err(format!("{name} ended before it was ready:\n{}", program.log())),
        }
    }

    pub(crate) fn first_line(&self) -> &str {
        self.first_line.as_deref().unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, and answers its exit code, if it was no signal.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        eventually("the program ends", || self.child.try_wait().unwrap()).code()
    }
}

/// Starts a program with its standard error in a file.
fn spawn(command: &mut Command, log: &Path) -> Result<Child, String> {
    let stderr = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stderr(stderr);
    // SAFETY: `prctl` is safe between fork and exec. The program ends with the test's thread, however that ends.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?));
    }
    command.spawn().map_err(|error| format!("cannot start {}: {error}", command.get_program().to_string_lossy()))
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}

/// Asks until there is an answer. Fails the test when there is none for a long time.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "this did not happen within {} s: {what}", PATIENCE.as_secs());
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}
