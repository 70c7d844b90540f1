//! Commands in a running container.
//!
//! Execs live in memory, as with the Engine: a restarted daemon knows none. A command that the agent runs ends in its
//! own time; a task watches each one and writes its exit code down before the output of an attached client ends, since
//! that is when the client asks for it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use sockerless_agent_protocol::spec::ProcessSpec;
use sockerless_backend::sessions::ExecProcess;
use sockerless_docker::{ExecCreate, ExecInspect, ExecStart, ProcessConfig};
use tokio_util::sync::CancellationToken;

use crate::agents::Begun;
use crate::attach::{Session, Stdin, output};
use crate::detach::DetachKeys;
use crate::direct::{self, DirectExec};
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::execs::{Exec, ExecLimits, Progress};
use crate::frames::{Framing, STDERR, STDOUT, Streams, put_frame};
use crate::ids;
use crate::process::{AgentProcess, Process};
use crate::record::{ContainerRecord, Status};
use crate::spec;

/// What the shell says of a command that exists and cannot be run: the code of an exec that no agent could take.
const CANNOT_RUN: i32 = 126;

impl Engine {
    /// How many commands there may be at once. To be said before the first one is prepared.
    pub fn limit_execs(&self, limits: ExecLimits) {
        self.inner.execs.limit(limits);
    }

    /// Prepares a command.
    ///
    /// # Errors
    /// The container does not run or is paused; no command; there are too many.
    pub fn create_exec(&self, reference: &str, request: ExecCreate) -> Result<String> {
        let record = self.running(reference)?;
        let command = request.cmd.clone().unwrap_or_default();
        if command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid("No exec command specified"));
        }
        DetachKeys::parse(Some(&request.detach_keys))
            .map_err(|_| Error::internal(format!("Invalid escape keys ({}) provided", request.detach_keys)))?;
        let id = ids::object()?;
        self.inner.execs.add(Exec::new(id.clone(), record.id.clone(), request))?;
        self.inner.events.container(&record, &format!("exec_create: {}", command.join(" ")), &[("execID", id.clone())]);
        Ok(id)
    }

    /// Runs a prepared command. `None` when the client does not want its streams.
    ///
    /// # Errors
    /// No such exec; it was started before; the container does not run any more. A command that cannot be executed is no
    /// error here: its session says so, and its exit code.
    pub async fn start_exec(&self, id: &str, options: &ExecStart) -> Result<Option<Session>> {
        let exec = self.inner.execs.get(id)?;
        let record = self.running(&exec.container)?;
        self.claim(&exec)?;
        let command = exec.request.cmd.clone().unwrap_or_default().join(" ");
        self.inner.events.container(&record, &format!("exec_start: {command}"), &[("execID", exec.id.clone())]);
        let begun = self.begin(&exec, &record, options).await;
        let (begun, process) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.inner.ended(&exec, CANNOT_RUN);
                if options.detach {
                    return Err(error);
                }
                let text = format!("{}: the command was not run\r\n", error.shown());
                return Ok(Some(said(&text, exec.request.tty, STDERR)));
            }
        };
        match begun {
            Begun::Failed { code, message } => {
                self.inner.ended(&exec, code);
                let message =
                    format!("OCI runtime exec failed: exec failed: unable to start container process: {message}");
                if options.detach {
                    return Err(Error::invalid(message));
                }
                Ok(Some(said(&format!("{message}\r\n"), exec.request.tty, STDOUT)))
            }
            Begun::Started { pid } => {
                exec.progress.send_replace(Progress::Running { pid });
                // Started once, so it is set once.
                let process = exec.process.get_or_init(|| process).clone();
                let session = if options.detach { None } else { Some(session(&exec, &process).await?) };
                if let Err(error) = process.release().await {
                    tracing::warn!(exec = %exec.id, %error, "the agent could not be told to let the output go");
                }
                let (engine, watched) = (self.inner.clone(), exec.clone());
                self.inner.tasks.spawn(async move {
                    tokio::select! {
                        () = engine.watch_exec(&watched, &*process) => {}
                        // The command goes on. Nobody can ask the next daemon for it.
                        () = engine.shutdown.cancelled() => {}
                    }
                });
                Ok(session)
            }
        }
    }

    fn running(&self, reference: &str) -> Result<Arc<ContainerRecord>> {
        let record = self.inner.containers.find(reference)?.record();
        match record.state.status {
            Status::Running => Ok(record),
            Status::Paused => {
                Err(Error::conflict(format!("Container {reference} is paused, unpause the container before exec")))
            }
            Status::Restarting => Err(Error::conflict(format!(
                "Container {reference} is restarting, wait until the container is running"
            ))),
            _ => Err(Error::conflict(format!("container {} is not running", record.id))),
        }
    }

    /// An exec is started once.
    fn claim(&self, exec: &Exec) -> Result<()> {
        let claimed = exec.progress.send_if_modified(|progress| {
            let fresh = *progress == Progress::Created;
            if fresh {
                *progress = Progress::Running { pid: 0 };
            }
            fresh
        });
        if claimed {
            return Ok(());
        }
        Err(match *exec.progress.borrow() {
            Progress::Exited { .. } => Error::conflict(format!("exec command {} has already run", exec.id)),
            _ => Error::conflict(format!("exec command {} is already running", exec.id)),
        })
    }

    /// Has whoever runs commands in this container run it: the backend's cloud, if it does that by itself, or else the agent.
    async fn begin(
        &self,
        exec: &Exec,
        record: &ContainerRecord,
        options: &ExecStart,
    ) -> Result<(Begun, Arc<dyn Process>)> {
        let request = &exec.request;
        let size = options.console_size.or(request.console_size);
        if let Some(backend) = self.inner.direct(record, |loaded| loaded.interfaces.exec) {
            let wanted = wanted(request, size);
            let process = DirectExec::start(&self.inner, backend, record.for_backend(), wanted).await?;
            return Ok((Begun::Started { pid: 0 }, Arc::new(process)));
        }
        let agents = self.inner.agents.clone();
        let begun = agents.start_process(&exec.container, &exec.id, &for_agent(request, size, record)).await?;
        Ok((begun, Arc::new(AgentProcess { agents, container: exec.container.clone(), id: exec.id.clone() })))
    }

    /// What is known of an exec.
    ///
    /// # Errors
    /// No such exec.
    pub fn inspect_exec(&self, id: &str) -> Result<ExecInspect> {
        let exec = self.inner.execs.get(id)?;
        let request = &exec.request;
        let command = request.cmd.clone().unwrap_or_default();
        let progress = *exec.progress.borrow();
        let (running, exit_code, pid) = match progress {
            Progress::Created => (false, None, 0),
            Progress::Running { pid } => (true, None, pid),
            Progress::Exited { code } => (false, Some(code.into()), 0),
        };
        Ok(ExecInspect {
            id: exec.id.clone(),
            running,
            exit_code,
            process_config: ProcessConfig {
                tty: request.tty,
                entrypoint: command.first().cloned().unwrap_or_default(),
                arguments: command.iter().skip(1).cloned().collect(),
                privileged: Some(request.privileged),
                user: request.user.clone(),
            },
            open_stdin: request.attach_stdin,
            open_stderr: request.attach_stderr,
            open_stdout: request.attach_stdout,
            can_remove: matches!(progress, Progress::Exited { .. }),
            container_id: exec.container.clone(),
            detach_keys: request.detach_keys.clone(),
            pid: pid.into(),
        })
    }

    /// Tells an exec's terminal its size.
    ///
    /// # Errors
    /// No such exec; it does not run.
    pub async fn resize_exec(&self, id: &str, height: u16, width: u16) -> Result<()> {
        let exec = self.inner.execs.get(id)?;
        if !matches!(*exec.progress.borrow(), Progress::Running { .. }) {
            return Err(Error::conflict(format!("exec process is not started: {id}")));
        }
        match exec.process.get() {
            Some(process) => process.resize(height, width).await,
            None => Err(Error::conflict(format!("exec process is not started: {id}"))),
        }
    }
}

impl Inner {
    async fn watch_exec(&self, exec: &Exec, process: &dyn Process) {
        let mut progress = exec.progress.subscribe();
        let over = async {
            let _ = progress.wait_for(|progress| matches!(progress, Progress::Exited { .. })).await;
        };
        let code = tokio::select! {
            code = process.exited() => match code {
                Ok(code) => code,
                Err(error) => {
                    tracing::warn!(exec = %exec.id, %error, "how the command ended is not known");
                    137
                }
            },
            // The container has ended, and the command with it.
            () = over => 137,
        };
        self.ended(exec, code);
        process.forget().await;
    }

    fn ended(&self, exec: &Exec, code: i32) {
        exec.exited(code);
        if let Some(cell) = self.containers.get(&exec.container) {
            let attributes = [("execID", exec.id.clone()), ("exitCode", code.to_string())];
            self.events.container(&cell.record(), "exec_die", &attributes);
        }
    }
}

fn or(value: &str, default: &str) -> String {
    if value.is_empty() { default } else { value }.to_owned()
}

/// A command as the agent is to run it: it knows nothing of the container's configuration.
fn for_agent(request: &ExecCreate, size: Option<[u32; 2]>, record: &ContainerRecord) -> ProcessSpec {
    let [height, width] = size.unwrap_or_default();
    let config = &record.config;
    let own = request.env.clone().unwrap_or_default();
    let inherited = config.env.clone().unwrap_or_default();
    let name = |pair: &str| pair.split_once('=').map_or(pair, |(name, _)| name).to_owned();
    let overridden: Vec<String> = own.iter().map(|pair| name(pair)).collect();
    let env = inherited.into_iter().filter(|pair| !overridden.contains(&name(pair))).chain(own).collect();
    ProcessSpec {
        argv: request.cmd.clone().unwrap_or_default(),
        tty: request.tty,
        open_stdin: request.attach_stdin,
        env,
        working_dir: or(&request.working_dir, &config.working_dir),
        user: or(&request.user, &config.user),
        console_size: spec::size(height, width),
        stop_signal: String::new(),
        hostname: Some(config.hostname.clone()).filter(|name| !name.is_empty()),
        folders: Vec::new(),
        working_dir_exists: true,
    }
}

/// A command as a backend is to run it.
fn wanted(request: &ExecCreate, size: Option<[u32; 2]>) -> ExecProcess {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    ExecProcess {
        command: request.cmd.clone().unwrap_or_default(),
        environment: request.env.clone().unwrap_or_default(),
        working_directory: given(&request.working_dir),
        user: given(&request.user),
        privileged: request.privileged,
        tty: request.tty,
        size: size.filter(|_| request.tty).map(|[height, width]| direct::size(side(height), side(width))),
        stdin: request.attach_stdin,
    }
}

async fn session(exec: &Arc<Exec>, process: &Arc<dyn Process>) -> Result<Session> {
    let request = &exec.request;
    let detached = CancellationToken::new();
    let keys = DetachKeys::parse(Some(&request.detach_keys))?;
    let stdin = request.attach_stdin.then(|| {
        let detach = request.tty.then(|| (keys, detached.clone()));
        let process = process.clone();
        Stdin::new(async move { process.input().await }, true, detach)
    });
    let streams = Streams { stdout: request.attach_stdout, stderr: request.attach_stderr };
    let output = if request.attach_stdout || request.attach_stderr {
        let blocks = process.output().await.unwrap_or_else(|error| stream::once(async { Err(error) }).boxed());
        // The client asks for the exit code when its output has ended: by then it is known.
        let mut progress = exec.progress.subscribe();
        let ended = stream::once(async move {
            let _ = progress.wait_for(|progress| matches!(progress, Progress::Exited { .. })).await;
            Ok(Bytes::new())
        });
        let until_detached = detached.clone();
        let output = output(blocks, Framing::of(request.tty), streams, detached).chain(ended);
        Some(output.take_until(async move { until_detached.cancelled().await }).boxed())
    } else {
        None
    };
    Ok(Session { tty: request.tty, output, stdin })
}

/// A session that says one thing and ends.
fn said(text: &str, tty: bool, source: u8) -> Session {
    let bytes = if tty {
        Bytes::copy_from_slice(text.as_bytes())
    } else {
        let mut framed = BytesMut::new();
        put_frame(&mut framed, source, text.as_bytes());
        framed.freeze()
    };
    Session { tty, output: Some(stream::once(async move { Ok(bytes) }).boxed()), stdin: None }
}
