//! All processes, by run id or exec id.
//!
//! One of them is the container's own, the *main* one, of the run that the platform's invocation asked for. When it ends, everything
//! else in the container ends with it.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use sockerless_agent_protocol::process::ProcessState;
use sockerless_agent_protocol::spec::ProcessSpec;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reaper::Reaper;
use super::spawn::{Failure, Spawned, resize, spawn};
use super::stdin::Stdin;
use super::{descendants, pipes, signals};
use crate::changes::Changes;
use crate::spool::{Disk, Spool, Unwanted};
use crate::telemetry::Sink;

/// How long output may still come from others that hold the pipes, once the process has ended: the Engine's limit.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// How long the command may take to end when the platform stops the container, before it is killed.
const GRACE: Duration = Duration::from_secs(4);

/// A process that is asked for something that it cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not run.
    NotRunning,
    /// It has no terminal.
    NoTerminal,
    /// There is no such signal.
    NoSuchSignal,
    /// The system refused.
    System(String),
}

/// One process.
pub(crate) struct Process {
    pub(crate) spool: Arc<Spool>,
    state: watch::Sender<ProcessState>,
    io: Mutex<Io>,
    /// Cancelled when the daemon has asked what becomes of it.
    expected: CancellationToken,
}

#[derive(Default)]
struct Io {
    stdin: Option<Arc<Stdin>>,
    terminal: Option<OwnedFd>,
    forgotten: bool,
}

impl Process {
    fn new(unwanted: Unwanted, disk: &Disk) -> Arc<Self> {
        Arc::new(Self {
            spool: Spool::new(unwanted, disk.clone()),
            state: watch::Sender::new(ProcessState::Starting),
            io: Mutex::default(),
            expected: CancellationToken::new(),
        })
    }

    fn io(&self) -> MutexGuard<'_, Io> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> ProcessState {
        self.state.borrow().clone()
    }

    /// The daemon waits for it: it may begin.
    pub(crate) fn expect(&self) {
        self.expected.cancel();
    }

    /// Waits until it exists, or is known not to.
    pub(crate) async fn begun(&self) -> ProcessState {
        self.wait(|state| !matches!(state, ProcessState::Starting)).await
    }

    /// Waits until it has ended, and its output is complete.
    pub(crate) async fn ended(&self) -> ProcessState {
        self.wait(is_over).await
    }

    async fn wait(&self, reached: impl Fn(&ProcessState) -> bool) -> ProcessState {
        let mut states = self.state.subscribe();
        // The sender lives as long as this.
        states.wait_for(|state| reached(state)).await.map_or(ProcessState::Starting, |state| state.clone())
    }

    /// It will never begin.
    fn give_up(&self, why: &str) {
        self.spool.close();
        self.state.send_replace(ProcessState::Failed { code: 126, message: why.to_owned() });
        self.expected.cancel();
    }

    /// Its input; nothing if it has none.
    pub(crate) fn stdin(&self) -> Option<Arc<Stdin>> {
        self.io().stdin.clone()
    }

    /// Sends a signal to it and its group.
    pub(crate) fn signal(&self, written: &str) -> Result<(), Refusal> {
        let signal = signals::parse(written).ok_or(Refusal::NoSuchSignal)?;
        self.send(signal)
    }

    fn send(&self, signal: Signal) -> Result<(), Refusal> {
        match self.state() {
            ProcessState::Running { pid } => {
                signals::send_to_group(pid, signal).map_err(|error| Refusal::System(error.to_string()))
            }
            _ => Err(Refusal::NotRunning),
        }
    }

    /// Tells its terminal its size.
    pub(crate) fn resize(&self, height: u16, width: u16) -> Result<(), Refusal> {
        match &self.io().terminal {
            Some(terminal) => resize(terminal, height, width).map_err(|error| Refusal::System(error.to_string())),
            None if is_over(&self.state()) => Err(Refusal::NotRunning),
            None => Err(Refusal::NoTerminal),
        }
    }
}

fn is_over(state: &ProcessState) -> bool {
    matches!(state, ProcessState::Exited { .. } | ProcessState::Failed { .. })
}

#[derive(Default)]
struct Table {
    by_id: HashMap<String, Arc<Process>>,
    /// The run of the main process, over or not.
    main: Option<String>,
}

struct Inner {
    table: Mutex<Table>,
    /// Counts processes that were added: tells those who wait for one.
    added: watch::Sender<u64>,
    reaper: Reaper,
    main: ProcessSpec,
    telemetry: Option<Sink>,
    disk: Disk,
    /// Told before any process begins.
    changes: Changes,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// All processes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Processes {
    inner: Arc<Inner>,
}

/// Why a run does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Busy {
    /// Another run is under way.
    OtherRun(String),
    /// The platform stops the container.
    Stopping,
}

impl Processes {
    /// Begins to look after processes. `main` is what each run is.
    pub(crate) fn start(main: ProcessSpec, telemetry: Option<Sink>, changes: Changes) -> std::io::Result<Self> {
        let inner = Inner {
            table: Mutex::default(),
            added: watch::Sender::new(0),
            reaper: Reaper::start()?,
            main,
            telemetry,
            disk: Disk::new(),
            changes,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Process>> {
        self.table().by_id.get(id).cloned()
    }

    /// The run of the main process, over or not.
    pub(crate) fn main_run(&self) -> Option<String> {
        self.table().main.clone()
    }

    /// The process of this id, once there is one.
    pub(crate) async fn awaited(&self, id: &str) -> Arc<Process> {
        let mut added = self.inner.added.subscribe();
        loop {
            if let Some(process) = self.get(id) {
                return process;
            }
            // The sender lives as long as this.
            let _ = added.changed().await;
        }
    }

    /// Starts the container's command for a run; the second time for the same run, tells of the first one.
    pub(crate) fn run(&self, run: &str) -> Result<Arc<Process>, Busy> {
        let mut table = self.table();
        if let Some(process) = table.by_id.get(run) {
            return Ok(process.clone());
        }
        if self.inner.stopping.is_cancelled() {
            return Err(Busy::Stopping);
        }
        if let Some(main) = table.main.clone()
            && let Some(process) = table.by_id.get(&main)
        {
            if !is_over(&process.state()) {
                if process.expected.is_cancelled() {
                    return Err(Busy::OtherRun(main));
                }
                process.give_up("the daemon did not ask for the run");
            }
            table.by_id.remove(&main);
        }
        table.main = Some(run.to_owned());
        let process = Process::new(Unwanted::Stays, &self.inner.disk);
        table.by_id.insert(run.to_owned(), process.clone());
        drop(table);
        self.inner.added.send_modify(|count| *count += 1);
        // An invocation may arrive long after its daemon has given it up, as a request that waited in the platform's queue: the
        // command begins when the daemon says that it still wants the run, by asking for it.
        let (this, run, begun) = (self.clone(), run.to_owned(), process.clone());
        self.inner.tasks.spawn(async move {
            begun.expected.cancelled().await;
            if !is_over(&begun.state()) {
                tracing::info!(run, "the command is started");
                this.launch(&run, begun, this.inner.main.clone(), true);
            }
        });
        Ok(process)
    }

    /// Starts another process; the second time with the same id, tells of the first one.
    pub(crate) fn exec(&self, id: &str, spec: ProcessSpec) -> Arc<Process> {
        let mut table = self.table();
        if let Some(process) = table.by_id.get(id) {
            return process.clone();
        }
        let process = Process::new(Unwanted::Goes, &self.inner.disk);
        table.by_id.insert(id.to_owned(), process.clone());
        drop(table);
        self.inner.added.send_modify(|count| *count += 1);
        self.launch(id, process.clone(), spec, false);
        process
    }

    /// Forgets a process that has ended, once nobody reads its output any more.
    pub(crate) fn forget(&self, id: &str) {
        if let Some(process) = self.get(id) {
            process.io().forgotten = true;
            self.sweep(id);
        }
    }

    /// A reader of a process's output has left.
    pub(crate) fn sweep(&self, id: &str) {
        let mut table = self.table();
        let unwanted = table
            .by_id
            .get(id)
            .is_some_and(|process| process.io().forgotten && is_over(&process.state()) && !process.spool.is_read());
        if unwanted && table.main.as_deref() != Some(id) {
            table.by_id.remove(id);
        }
    }

    fn launch(&self, id: &str, process: Arc<Process>, spec: ProcessSpec, is_main: bool) {
        self.inner.changes.about_to_write();
        let (this, id) = (self.clone(), id.to_owned());
        self.inner.tasks.spawn(async move {
            let reaper = this.inner.reaper.clone();
            let spawned =
                tokio::task::spawn_blocking(move || spawn(&reaper, &spec).map(|spawned| (spawned, spec.tty))).await;
            let failure = match spawned {
                Ok(Ok((spawned, tty))) => {
                    this.look_after(&process, spawned, tty, is_main.then_some(&*id)).await;
                    this.sweep(&id);
                    return;
                }
                Ok(Err(failure)) => failure,
                Err(error) => Failure { code: 126, message: format!("the process could not be started: {error}") },
            };
            let Failure { code, message } = failure;
            process.spool.close();
            process.state.send_replace(ProcessState::Failed { code, message });
        });
    }

    /// From when a process exists until it has ended and its output is complete.
    async fn look_after(&self, process: &Process, spawned: Spawned, tty: bool, run: Option<&str>) {
        let Spawned { pid, exit, outputs, input, terminal } = spawned;
        let stdin = input.and_then(|fd| match Stdin::new(fd, tty) {
            Ok(stdin) => Some(Arc::new(stdin)),
            Err(error) => {
                tracing::error!(pid, %error, "the process has no input");
                None
            }
        });
        {
            let mut io = process.io();
            io.stdin.clone_from(&stdin);
            io.terminal = terminal;
        }
        let collecting = TaskTracker::new();
        for (stream, fd) in outputs {
            let lines = match (run, &self.inner.telemetry) {
                (Some(run), Some(sink)) => Some(sink.lines(run, stream)),
                _ => None,
            };
            collecting.spawn(pipes::collect(fd, stream, process.spool.clone(), lines));
        }
        collecting.close();
        process.state.send_replace(ProcessState::Running { pid });
        // The reaper lives as long as the agent.
        let code = exit.await.unwrap_or(255);
        if let Some(stdin) = stdin {
            stdin.end();
        }
        if run.is_some() {
            descendants::kill_all().await;
        }
        // What holds up the collectors may also be a spool that nobody reads: the process has ended all the same, but its
        // output goes on until it is read.
        if timeout(LAST_OUTPUT, collecting.wait()).await.is_err() {
            while self.is_held_up(process) {
                if timeout(LAST_OUTPUT, collecting.wait()).await.is_ok() {
                    break;
                }
            }
        }
        process.spool.close();
        {
            let mut io = process.io();
            io.stdin = None;
            io.terminal = None;
        }
        if let Some(run) = run {
            tracing::info!(run, code, "the command has ended");
        }
        process.state.send_replace(ProcessState::Exited { code });
    }

    /// Whether output waits in the pipes because the spool has no room.
    fn is_held_up(&self, process: &Process) -> bool {
        process.spool.is_full() && !self.inner.stopping.is_cancelled()
    }

    /// The platform stops the container: so does the command, by its signal, then by SIGKILL.
    pub(crate) async fn stop(&self, signal: &str) {
        self.inner.stopping.cancel();
        let main = {
            let table = self.table();
            table.main.as_ref().and_then(|main| table.by_id.get(main)).cloned()
        };
        if let Some(main) = main
            && !is_over(&main.state())
        {
            let signal = signals::parse(signal).unwrap_or(Signal::SIGTERM);
            let _ = main.send(signal);
            if timeout(GRACE, main.ended()).await.is_err() {
                let _ = main.send(Signal::SIGKILL);
                let _ = timeout(Duration::from_secs(1), main.ended()).await;
            }
        }
        descendants::kill_all().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockerless_agent_protocol::frame::{From, frames};
    use tokio::sync::RwLock;

    /// When a run ends, everything that descends from this process is killed, what other tests have started included: they
    /// share the lock, and tests of runs have it alone.
    static CONTAINER: RwLock<()> = RwLock::const_new(());

    fn spec(words: &[&str]) -> ProcessSpec {
        ProcessSpec { argv: words.iter().map(|word| (*word).to_owned()).collect(), ..ProcessSpec::default() }
    }

    async fn output(process: &Process) -> (String, String) {
        let mut reader = process.spool.read(From::Offset(0)).await.unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(whole) = reader.next().await.unwrap() {
            for frame in frames(whole) {
                if frame.stream == 1 { &mut out } else { &mut err }.extend_from_slice(&frame.payload);
            }
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[tokio::test]
    async fn output_and_exit_code_of_a_process() {
        let _shared = CONTAINER.read().await;
        let processes = Processes::start(ProcessSpec::default(), None, Changes::unknown("a test")).unwrap();
        let process = processes.exec("x", spec(&["sh", "-c", "echo out; echo err >&2; exit 7"]));
        assert_eq!(output(&process).await, ("out\n".into(), "err\n".into()));
        assert_eq!(process.ended().await, ProcessState::Exited { code: 7 });
        processes.forget("x");
        assert!(processes.get("x").is_some(), "a reader has not left");
    }

    #[tokio::test]
    async fn a_signal_is_128_and_its_number_and_reaches_the_group() {
        let _shared = CONTAINER.read().await;
        let processes = Processes::start(ProcessSpec::default(), None, Changes::unknown("a test")).unwrap();
        let process = processes.exec("x", spec(&["sh", "-c", "sleep 1000 & wait"]));
        process.begun().await;
        process.signal("KILL").unwrap();
        assert_eq!(process.ended().await, ProcessState::Exited { code: 137 });
        assert_eq!(process.signal("KILL"), Err(Refusal::NotRunning));
    }

    #[tokio::test]
    async fn a_terminal_has_its_size_and_is_controlled_by_the_process() {
        let _shared = CONTAINER.read().await;
        let processes = Processes::start(ProcessSpec::default(), None, Changes::unknown("a test")).unwrap();
        let spec = ProcessSpec {
            tty: true,
            console_size: Some([33, 101]),
            ..spec(&["sh", "-c", "stty size; tty; test -t 0"])
        };
        let process = processes.exec("x", spec);
        let (out, _) = output(&process).await;
        assert!(out.starts_with("33 101\r\n/dev/pts/"), "{out:?}");
        assert_eq!(process.ended().await, ProcessState::Exited { code: 0 });
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_fails_and_says_so() {
        let _shared = CONTAINER.read().await;
        let processes = Processes::start(ProcessSpec::default(), None, Changes::unknown("a test")).unwrap();
        let state = processes.exec("x", spec(&["no-such-command"])).ended().await;
        let message = "exec: \"no-such-command\": executable file not found in $PATH".to_owned();
        assert_eq!(state, ProcessState::Failed { code: 127, message });
    }

    #[tokio::test]
    async fn the_environment_is_the_given_one() {
        let _shared = CONTAINER.read().await;
        let processes = Processes::start(ProcessSpec::default(), None, Changes::unknown("a test")).unwrap();
        let env = vec!["A=b c".to_owned(), "odd.name=ü".to_owned()];
        let process = processes.exec("x", ProcessSpec { env, ..spec(&["env"]) });
        let (out, _) = output(&process).await;
        let mut names: Vec<&str> = out.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["A", "HOME", "PATH", "odd.name"]);
    }

    #[tokio::test]
    async fn a_run_begins_once_and_another_only_after_it() {
        let _alone = CONTAINER.write().await;
        let processes = Processes::start(spec(&["sh", "-c", "sleep 1000"]), None, Changes::unknown("a test")).unwrap();
        let process = processes.run("one").unwrap();
        assert!(Arc::ptr_eq(&process, &processes.run("one").unwrap()));
        // Nobody has asked for it yet, so it has not begun, and gives way.
        assert_eq!(process.state(), ProcessState::Starting);
        let two = processes.run("two").unwrap();
        assert!(matches!(process.state(), ProcessState::Failed { .. }));
        let process = two;
        process.expect();
        process.begun().await;
        assert_eq!(processes.run("three").err(), Some(Busy::OtherRun("two".into())));
        process.signal("TERM").unwrap();
        assert_eq!(process.ended().await, ProcessState::Exited { code: 143 });
    }
}
