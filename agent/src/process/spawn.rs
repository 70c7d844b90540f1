//! From a specification to a process.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::unistd::{Uid, getuid, pipe2, setgid, setgroups, setsid, setuid};
use sockerless_agent_protocol::spec::ProcessSpec;
use tokio::sync::oneshot;

use super::pipes::nonblocking;
use super::reaper::Reaper;
use super::user::{self, User};
use super::{command, environment};

/// Why a process could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// 127 if there is no such command, else 126.
    pub(super) code: i32,
    /// In the words of the Engine's runtime.
    pub(super) message: String,
}

impl Failure {
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { code: 127, message: message.into() }
    }

    pub(super) fn not_executable(message: impl Into<String>) -> Self {
        Self { code: 126, message: message.into() }
    }
}

/// A process that was started, and the agent's ends of its streams.
pub(super) struct Spawned {
    pub(super) pid: u32,
    pub(super) exit: oneshot::Receiver<i32>,
    /// With the number of the stream.
    pub(super) outputs: Vec<(u8, OwnedFd)>,
    pub(super) input: Option<OwnedFd>,
    pub(super) terminal: Option<OwnedFd>,
}

/// What the process gets for its three streams, and what the agent keeps.
struct Streams {
    stdin: Stdio,
    stdout: Stdio,
    stderr: Stdio,
    outputs: Vec<(u8, OwnedFd)>,
    input: Option<OwnedFd>,
    terminal: Option<OwnedFd>,
}

/// Starts a process. Blocks for as long as the file system takes.
pub(super) fn spawn(reaper: &Reaper, spec: &ProcessSpec) -> Result<Spawned, Failure> {
    let user = if spec.user.is_empty() && !Uid::effective().is_root() { None } else { Some(user::find(&spec.user)?) };
    let home = user.as_ref().map_or("/", |user| user.home.as_str());
    let variables = environment::of(spec, home);
    let directory = working_dir(spec, user.as_ref())?;
    let (name, words) = spec.argv.split_first().ok_or_else(|| Failure::not_found("no command specified"))?;
    let program = command::resolve(name, environment::get(&variables, "PATH"), &directory)?;
    // A terminal's descriptors are open for every child for a moment: no other may be made in it.
    let _one = reaper.one_at_a_time();
    let streams =
        streams(spec).map_err(|error| Failure::not_executable(format!("no streams for the process: {error}")))?;

    let mut command = Command::new(&program);
    command.arg0(name).args(words).env_clear().envs(variables).current_dir(&directory);
    command.stdin(streams.stdin).stdout(streams.stdout).stderr(streams.stderr);
    let tty = spec.tty;
    // SAFETY: between fork and exec only calls that are safe there: no allocation, no locks. `user` was made before.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            if tty {
                controlling_terminal()?;
            }
            if let Some(user) = &user {
                become_user(user)?;
            }
            Ok(())
        });
    }
    let (pid, exit) = reaper.spawn(&mut command).map_err(|error| exec_failure(name, &error))?;
    Ok(Spawned { pid, exit, outputs: streams.outputs, input: streams.input, terminal: streams.terminal })
}

/// Standard input becomes the terminal that the new session is controlled by.
fn controlling_terminal() -> std::io::Result<()> {
    // SAFETY: an ioctl on a descriptor that is open; the argument says not to steal the terminal.
    if unsafe { nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

fn become_user(user: &User) -> std::io::Result<()> {
    if Uid::effective().is_root() {
        setgroups(&user.groups)?;
    } else if user.uid == getuid() {
        return Ok(());
    }
    setgid(user.gid)?;
    setuid(user.uid)?;
    Ok(())
}

/// What went wrong between fork and exec.
fn exec_failure(name: &str, error: &std::io::Error) -> Failure {
    match error.kind() {
        // The file is there: what it names as its interpreter is not.
        ErrorKind::NotFound => Failure::not_found(format!("exec {name}: no such file or directory")),
        ErrorKind::PermissionDenied => Failure::not_executable(format!("exec: {name:?}: permission denied")),
        _ if error.raw_os_error() == Some(nix::libc::ENOEXEC) => {
            Failure::not_executable(format!("exec {name}: exec format error"))
        }
        _ => Failure::not_executable(format!("exec {name}: {error}")),
    }
}

/// Made, with the folders above it, if it is missing and may be, as the Engine does.
fn working_dir(spec: &ProcessSpec, user: Option<&User>) -> Result<PathBuf, Failure> {
    let written = &spec.working_dir;
    let path = if written.is_empty() { Path::new("/") } else { Path::new(written) };
    let failed = |error: std::io::Error| {
        Failure::not_executable(format!("chdir to cwd ({written:?}) set in config.json failed: {error}"))
    };
    if !path.is_absolute() {
        return Err(Failure::not_executable(format!(
            "the working directory '{written}' is invalid, it needs to be an absolute path"
        )));
    }
    if !path.exists() {
        if spec.working_dir_exists {
            return Err(Failure::not_found(format!(
                "chdir to cwd ({written:?}) set in config.json failed: no such file or directory"
            )));
        }
        std::fs::create_dir_all(path).map_err(failed)?;
        if let Some(user) = user {
            // It can be used all the same when it belongs to somebody else.
            let _ = std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()));
        }
    }
    if !path.is_dir() {
        return Err(failed(std::io::Error::from(ErrorKind::NotADirectory)));
    }
    Ok(path.to_path_buf())
}

fn streams(spec: &ProcessSpec) -> std::io::Result<Streams> {
    if spec.tty {
        return terminal(spec);
    }
    let (stdout, child_stdout) = pipe2(OFlag::O_CLOEXEC)?;
    let (stderr, child_stderr) = pipe2(OFlag::O_CLOEXEC)?;
    let (stdin, input) = if spec.open_stdin {
        let (child_stdin, input) = pipe2(OFlag::O_CLOEXEC)?;
        nonblocking(&input)?;
        (child_stdin.into(), Some(input))
    } else {
        (File::open("/dev/null")?.into(), None)
    };
    nonblocking(&stdout)?;
    nonblocking(&stderr)?;
    Ok(Streams {
        stdin,
        stdout: child_stdout.into(),
        stderr: child_stderr.into(),
        outputs: vec![(1, stdout), (2, stderr)],
        input,
        terminal: None,
    })
}

fn terminal(spec: &ProcessSpec) -> std::io::Result<Streams> {
    let OpenptyResult { master, slave } = openpty(&winsize(spec.console_size), None)?;
    close_on_exec(&master)?;
    close_on_exec(&slave)?;
    nonblocking(&master)?;
    let input = if spec.open_stdin { Some(master.try_clone()?) } else { None };
    Ok(Streams {
        stdin: slave.try_clone()?.into(),
        stdout: slave.try_clone()?.into(),
        stderr: slave.into(),
        outputs: vec![(1, master.try_clone()?)],
        input,
        terminal: Some(master),
    })
}

fn winsize(size: Option<[u16; 2]>) -> Winsize {
    let [ws_row, ws_col] = size.unwrap_or_default();
    Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Tells a terminal its size.
pub(super) fn resize(terminal: &OwnedFd, height: u16, width: u16) -> std::io::Result<()> {
    let size = winsize(Some([height, width]));
    // SAFETY: an ioctl on a descriptor that is open, with a structure that lives longer than the call.
    if unsafe { nix::libc::ioctl(terminal.as_raw_fd(), nix::libc::TIOCSWINSZ, &raw const size) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

fn close_on_exec(fd: &OwnedFd) -> std::io::Result<()> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(())
}
