//! Execs, streams and files of the cloud, and runs that are taken up again.

use crate::exports::sockerless::backend::archive::{Content, Extraction, Guest as Archive, PathStat};
use crate::exports::sockerless::backend::attach::{Attached, Guest as Attach, StreamsWanted};
use crate::exports::sockerless::backend::exec::{Guest as Exec, Process, Started, State};
use crate::exports::sockerless::backend::runs::Guest as Runs;
use crate::sockerless::backend::http::{HttpError, Response};
use crate::sockerless::backend::streams::{
    Connected, Connection, Download, Downloading, Framing, TerminalSize, Upload, begin_download, connect,
    prepare_upload,
};
use crate::sockerless::backend::types::{Container, Error};
use crate::{Guest, breaks, cloud, handle};

fn place(container: &Container) -> Result<String, Error> {
    handle::path(container)?.ok_or_else(|| Error::Conflict(format!("{} was never made", container.name)))
}

/// A connection that speaks frames, or, if this is the point, something else.
fn connection(container: &Container, what: &str, point: &str) -> Result<Connection, Error> {
    let what = if breaks(point) { "text" } else { what };
    let request = cloud::request("POST", &format!("{}/{what}", place(container)?));
    match connect(&request, "tcp").map_err(|error| cloud::failed(&error))? {
        Connected::Switched(connection) => Ok(connection),
        Connected::Declined(response) => Err(cloud::refused(response.status)),
    }
}

impl Exec for Guest {
    fn start(container: Container, _process: Process) -> Result<Started, Error> {
        assert!(!breaks("exec-traps") || container.handle.is_some(), "never made");
        let connection = connection(&container, "exec", "exec-frames")?;
        Ok(Started { id: "exec".into(), connection, framing: Framing::Multiplexed })
    }

    fn inspect(container: Container, _id: String) -> Result<State, Error> {
        if breaks("exec-runs-on") {
            return Ok(State::Running);
        }
        let answer = cloud::ask("GET", &place(&container)?).and_then(cloud::json);
        if breaks("exec-guesses") {
            return Ok(State::Exited(0));
        }
        answer.map(|_| State::Exited(0))
    }

    fn resize(_: Container, _: String, _: TerminalSize) -> Result<(), Error> {
        Ok(())
    }
}

impl Attach for Guest {
    fn open(container: Container, _wanted: StreamsWanted) -> Result<Attached, Error> {
        assert!(!breaks("attach-traps") || container.handle.is_some(), "never made");
        if breaks("attach-late") {
            return Err(Error::Conflict("it does not run".into()));
        }
        if breaks("attach-deletes") {
            cloud::ask("DELETE", "leftovers")?;
        }
        Ok(Attached { connection: connection(&container, "attach", "attach-frames")?, framing: Framing::Multiplexed })
    }

    fn resize(_: Container, _: TerminalSize) -> Result<(), Error> {
        Ok(())
    }
}

/// What is at a path, as the cloud says in a header.
fn stat(path: &str, headers: &[(String, String)]) -> Result<PathStat, Error> {
    let size = headers.iter().find(|(name, _)| name == "x-size").and_then(|(_, value)| value.parse().ok());
    let size = match size {
        Some(size) => size,
        None if breaks("archive-babbles") => 0,
        None => return Err(Error::Unavailable("the cloud does not say what there is".into())),
    };
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(PathStat { name, size, mode: 0o644, modified: "2026-01-01T00:00:00Z".into(), link_target: String::new() })
}

fn download(container: &Container) -> Result<Download, Error> {
    let request = cloud::request("GET", &format!("{}/files", place(container)?));
    match begin_download(&request).map_err(|error| cloud::failed(&error))? {
        Downloading::Begun(download) => Ok(download),
        Downloading::Declined(response) => Err(cloud::refused(response.status)),
    }
}

impl Archive for Guest {
    fn stat(container: Container, path: String) -> Result<PathStat, Error> {
        assert!(!breaks("archive-traps") || path.starts_with('/'), "no path");
        let answer = cloud::ask("GET", &format!("{}/files", place(&container)?))?;
        match answer.status {
            200 => stat(&path, &answer.headers),
            status => Err(cloud::refused(status)),
        }
    }

    fn get(container: Container, path: String) -> Result<Content, Error> {
        if breaks("archive-deletes") {
            cloud::ask("DELETE", "leftovers")?;
        }
        let archive = download(&container)?;
        let path = if breaks("archive-renames") { "/other" } else { &path };
        Ok(Content { stat: stat(path, &archive.headers())?, archive })
    }

    fn put(container: Container, _directory: String, _: Extraction) -> Result<Upload, Error> {
        let request = cloud::request("PUT", &format!("{}/files", place(&container)?));
        prepare_upload(&request).map_err(|error| cloud::failed(&error))
    }

    fn extracted(_: Container, _: String, answer: Result<Response, HttpError>) -> Result<(), Error> {
        if breaks("archive-believes") {
            return Ok(());
        }
        match answer {
            Ok(response) if response.status == 200 && !breaks("archive-doubts") => Ok(()),
            Ok(response) => Err(cloud::refused(response.status)),
            Err(error) => Err(cloud::failed(&error)),
        }
    }

    fn file_system(container: Container) -> Result<Download, Error> {
        download(&container)
    }
}

impl Runs for Guest {
    fn resume(container: Container, run: String) -> Result<(), Error> {
        let path = place(&container)?;
        if !breaks("runs-hopes") && cloud::ask("GET", &path)?.status == 404 {
            return Err(Error::NotFound("it is gone".into()));
        }
        if breaks("runs-removes") {
            cloud::ask("DELETE", &path)?;
        }
        if breaks("runs-forgets") { Ok(()) } else { cloud::invoke(&path, &container.id, &run) }
    }
}
