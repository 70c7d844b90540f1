//! The exports by which a backend's cloud does what clients do inside a container: `exec`, `attach`, `archive`, and `runs`.
//!
//! What a call has opened is taken out of its store before that goes: from then on it is the host's.

use serde_json::json;
use sockerless_backend::BackendError;
use sockerless_backend::sessions::{
    BodyStream, Connection, ExecProcess, ExecStarted, ExecState, Extraction, FileStat, Framing, StreamsWanted,
    TerminalSize, Upload,
};
use sockerless_backend::types::{Container, Outcome};

use super::Generation;
use crate::bindings::exports::sockerless::backend::{archive, attach, exec};
use crate::bindings::sockerless::backend::{streams, types as wit};
use crate::call::Work;
use crate::fault;
use crate::limits::Export;
use crate::prepared::Guest;

/// Longest name by which a cloud may call a command: as the WIT package has it.
const MAX_EXEC_ID: usize = 1024;

/// Calls a function of an optional interface. A component that has it not is not called at all; the inner answer is for the compiler.
macro_rules! optional {
    ($self:ident, $has:ident, $cannot:literal, $export:expr, $container:ident, { $($name:ident),* }, |$exports:ident, $guest:ident| $work:expr) => {{
        if !$self.loaded.interfaces.$has {
            return Err(BackendError::NotSupported(format!("the backend `{}` {}", $self.context.backend, $cannot)));
        }
        let arguments = $self.context.recorded(|| {
            json!({ "container": $container, $(stringify!($name): $name),* })
        });
        let $container: wit::Container = $container.into();
        let container_id = $container.id.clone();
        $self
            .call($export, Some(&container_id), arguments, move |mut $guest: Guest<'_>| -> Work<'_, _> {
                Box::pin(async move {
                    let Some($exports) = $guest.$has()? else {
                        return Ok(Err(wit::Error::NotSupported($cannot.into())));
                    };
                    $work
                })
            })
            .await
    }};
}

impl Generation {
    pub(crate) async fn exec_start(
        &self,
        container: Container,
        process: ExecProcess,
    ) -> Result<ExecStarted, BackendError> {
        let started =
            optional!(self, exec, "runs no commands", Export::ExecStart, container, { process }, |exports, guest| {
                match exports.call_start(&mut *guest.store, &container, &process.into()).await? {
                    Ok(exec::Started { id, connection, framing }) => {
                        let connection = taken(&mut guest, connection, framing)?;
                        Ok(Ok(ExecStarted { id, connection }))
                    }
                    Err(error) => Ok(Err(error)),
                }
            })?;
        if started.id.len() <= MAX_EXEC_ID {
            return Ok(started);
        }
        let label = self.context.label(Export::ExecStart, None);
        let bytes = started.id.len();
        Err(fault::fault(&label, &format!("its id has {bytes} bytes, more than the {MAX_EXEC_ID} that are allowed")))
    }

    pub(crate) async fn exec_inspect(&self, container: Container, id: String) -> Result<ExecState, BackendError> {
        let state =
            optional!(self, exec, "runs no commands", Export::ExecInspect, container, { id }, |exports, guest| {
                exports.call_inspect(guest.store, &container, &id).await
            })?;
        Ok(state.into())
    }

    pub(crate) async fn exec_resize(
        &self,
        container: Container,
        id: String,
        size: TerminalSize,
    ) -> Result<(), BackendError> {
        optional!(self, exec, "runs no commands", Export::ExecResize, container, { id, size }, |exports, guest| {
            exports.call_resize(guest.store, &container, &id, size.into()).await
        })
    }

    pub(crate) async fn attach(&self, container: Container, wanted: StreamsWanted) -> Result<Connection, BackendError> {
        optional!(self, attach, "attaches nobody", Export::Attach, container, { wanted }, |exports, guest| {
            match exports.call_open(&mut *guest.store, &container, wanted.into()).await? {
                Ok(attach::Attached { connection, framing }) => Ok(Ok(taken(&mut guest, connection, framing)?)),
                Err(error) => Ok(Err(error)),
            }
        })
    }

    pub(crate) async fn attach_resize(&self, container: Container, size: TerminalSize) -> Result<(), BackendError> {
        optional!(self, attach, "attaches nobody", Export::AttachResize, container, { size }, |exports, guest| {
            exports.call_resize(guest.store, &container, size.into()).await
        })
    }

    pub(crate) async fn archive_stat(&self, container: Container, path: String) -> Result<FileStat, BackendError> {
        let stat =
            optional!(self, archive, "copies no files", Export::ArchiveStat, container, { path }, |exports, guest| {
                exports.call_stat(guest.store, &container, &path).await
            })?;
        Ok(stat.into())
    }

    pub(crate) async fn archive_get(
        &self,
        container: Container,
        path: String,
    ) -> Result<(FileStat, BodyStream), BackendError> {
        optional!(self, archive, "copies no files", Export::ArchiveGet, container, { path }, |exports, guest| {
            match exports.call_get(&mut *guest.store, &container, &path).await? {
                Ok(archive::Content { stat, archive }) => {
                    let download = guest.store.data_mut().table.delete(archive)?;
                    Ok(Ok((stat.into(), download.body)))
                }
                Err(error) => Ok(Err(error)),
            }
        })
    }

    pub(crate) async fn archive_put(
        &self,
        container: Container,
        directory: String,
        extraction: Extraction,
    ) -> Result<Box<dyn Upload>, BackendError> {
        optional!(self, archive, "copies no files", Export::ArchivePut, container, { directory, extraction }, |exports, guest| {
            match exports.call_put(&mut *guest.store, &container, &directory, extraction.into()).await? {
                Ok(upload) => {
                    let upload = guest.store.data_mut().table.delete(upload)?;
                    Ok(Ok(upload.waiting))
                }
                Err(error) => Ok(Err(error)),
            }
        })
    }

    pub(crate) async fn archive_extracted(
        &self,
        container: Container,
        directory: String,
        answer: Outcome,
    ) -> Result<(), BackendError> {
        optional!(self, archive, "copies no files", Export::ArchiveExtracted, container, { directory, answer }, |exports, guest| {
            let answer = answer.map(Into::into).map_err(Into::into);
            exports.call_extracted(guest.store, &container, &directory, answer.as_ref()).await
        })
    }

    pub(crate) async fn archive_file_system(&self, container: Container) -> Result<BodyStream, BackendError> {
        optional!(self, archive, "copies no files", Export::ArchiveFileSystem, container, {}, |exports, guest| {
            match exports.call_file_system(&mut *guest.store, &container).await? {
                Ok(download) => Ok(Ok(guest.store.data_mut().table.delete(download)?.body)),
                Err(error) => Ok(Err(error)),
            }
        })
    }

    pub(crate) async fn resume(&self, container: Container, run: String) -> Result<(), BackendError> {
        optional!(self, runs, "takes up no runs again", Export::Resume, container, { run }, |exports, guest| {
            exports.call_resume(guest.store, &container, &run).await
        })
    }
}

/// What the guest has given away.
fn taken(
    guest: &mut Guest<'_>,
    connection: wasmtime::component::Resource<streams::Connection>,
    framing: streams::Framing,
) -> wasmtime::Result<Connection> {
    let connection = guest.store.data_mut().table.delete(connection)?;
    let framing = match framing {
        streams::Framing::Raw => Framing::Raw,
        streams::Framing::Multiplexed => Framing::Multiplexed,
    };
    Ok(Connection { stream: connection.stream, framing })
}

impl From<ExecProcess> for exec::Process {
    fn from(process: ExecProcess) -> Self {
        Self {
            command: process.command,
            environment: process.environment,
            working_directory: process.working_directory,
            user: process.user,
            privileged: process.privileged,
            tty: process.tty,
            size: process.size.map(Into::into),
            stdin: process.stdin,
        }
    }
}

impl From<exec::State> for ExecState {
    fn from(state: exec::State) -> Self {
        match state {
            exec::State::Running => Self::Running,
            exec::State::Exited(code) => Self::Exited(code),
        }
    }
}

impl From<StreamsWanted> for attach::StreamsWanted {
    fn from(StreamsWanted { stdin, stdout, stderr, logs, follow }: StreamsWanted) -> Self {
        Self { stdin, stdout, stderr, logs, follow }
    }
}

impl From<Extraction> for archive::Extraction {
    fn from(Extraction { no_overwrite_dir_non_dir, copy_uid_gid }: Extraction) -> Self {
        Self { no_overwrite_dir_non_dir, copy_uid_gid }
    }
}

impl From<TerminalSize> for streams::TerminalSize {
    fn from(TerminalSize { rows, columns }: TerminalSize) -> Self {
        Self { rows, columns }
    }
}

impl From<archive::PathStat> for FileStat {
    fn from(stat: archive::PathStat) -> Self {
        let archive::PathStat { name, size, mode, modified, link_target } = stat;
        Self { name, size, mode, modified, link_target }
    }
}
