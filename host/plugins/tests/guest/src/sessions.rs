//! Streams, used and misused: the container's name says how, its command is method and URL.

use crate::Guest;
use crate::behaviour::{misbehave, misbehave_everywhere, request};
use crate::exports::sockerless::backend::archive::{Content, Extraction, Guest as Archive, PathStat};
use crate::exports::sockerless::backend::attach::{Attached, Guest as Attach, StreamsWanted};
use crate::exports::sockerless::backend::exec::{Guest as Exec, Process, Started, State};
use crate::exports::sockerless::backend::runs::Guest as Runs;
use crate::sockerless::backend::http::{HttpError, Request, Response};
use crate::sockerless::backend::streams::{
    Connected, Connection, Download, Downloading, Framing, TerminalSize, Upload, begin_download, connect,
    prepare_upload,
};
use crate::sockerless::backend::types::{Container, Error};

fn failed(error: HttpError) -> Error {
    Error::Unavailable(format!("{error:?}"))
}

fn connection(request: &Request<'_>, protocol: &str) -> Result<Connection, Error> {
    match connect(request, protocol).map_err(failed)? {
        Connected::Switched(connection) => Ok(connection),
        Connected::Declined(response) => Err(Error::Conflict(format!(
            "declined with {}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        ))),
    }
}

impl Exec for Guest {
    fn start(container: Container, process: Process) -> Result<Started, Error> {
        misbehave_everywhere(&container.name);
        let request = request(&container, None);
        let connection = match container.name.as_str() {
            "twice" => {
                let first = connection(&request, "tcp")?;
                let second = connection(&request, "tcp")?;
                drop(first);
                second
            }
            "unused" => {
                connection(&request, "tcp")?;
                return Err(Error::Conflict("nobody wants it".into()));
            }
            "forgotten" => {
                std::mem::forget(connection(&request, "tcp")?);
                return Err(Error::Conflict("nobody has it".into()));
            }
            "trap" => {
                let _held = connection(&request, "tcp")?;
                misbehave("trap");
                unreachable!();
            }
            "many" => {
                let mut held = Vec::new();
                loop {
                    held.push(connection(&request, "tcp")?);
                }
            }
            "protocol" => connection(&request, "tcp\r\nx: y")?,
            _ => connection(&request, "tcp")?,
        };
        let id = if container.name == "long-id" { "x".repeat(1025) } else { process.command.join(" ") };
        Ok(Started { id, connection, framing: Framing::Raw })
    }

    fn inspect(container: Container, id: String) -> Result<State, Error> {
        misbehave_everywhere(&container.name);
        id.parse().map(State::Exited).map_err(|_| Error::NotFound(format!("no command {id}")))
    }

    fn resize(container: Container, _: String, size: TerminalSize) -> Result<(), Error> {
        misbehave_everywhere(&container.name);
        Err(Error::Other(format!("{} by {}", size.rows, size.columns)))
    }
}

impl Attach for Guest {
    fn open(container: Container, wanted: StreamsWanted) -> Result<Attached, Error> {
        misbehave_everywhere(&container.name);
        let connection = connection(&request(&container, None), "tcp")?;
        Ok(Attached { connection, framing: if wanted.stderr { Framing::Multiplexed } else { Framing::Raw } })
    }

    fn resize(container: Container, size: TerminalSize) -> Result<(), Error> {
        misbehave_everywhere(&container.name);
        Err(Error::Other(format!("{} by {}", size.rows, size.columns)))
    }
}

fn download(container: &Container) -> Result<Download, Error> {
    misbehave_everywhere(&container.name);
    match begin_download(&request(container, None)).map_err(failed)? {
        Downloading::Begun(download) => Ok(download),
        Downloading::Declined(response) => Err(Error::NotFound(format!("declined with {}", response.status))),
    }
}

impl Archive for Guest {
    fn stat(container: Container, path: String) -> Result<PathStat, Error> {
        misbehave_everywhere(&container.name);
        Ok(PathStat { name: path, size: 1, mode: 2, modified: "then".into(), link_target: "there".into() })
    }

    fn get(container: Container, path: String) -> Result<Content, Error> {
        let archive = download(&container)?;
        let size = archive.headers().len() as i64;
        Ok(Content { stat: PathStat { size, ..Self::stat(container, path)? }, archive })
    }

    fn put(container: Container, _directory: String, _: Extraction) -> Result<Upload, Error> {
        misbehave_everywhere(&container.name);
        prepare_upload(&request(&container, None)).map_err(failed)
    }

    fn extracted(container: Container, _: String, answer: Result<Response, HttpError>) -> Result<(), Error> {
        misbehave_everywhere(&container.name);
        Err(Error::Other(match answer {
            Ok(response) => format!("{} {}", response.status, String::from_utf8_lossy(&response.body)),
            Err(error) => format!("{error:?}"),
        }))
    }

    fn file_system(container: Container) -> Result<Download, Error> {
        download(&container)
    }
}

impl Runs for Guest {
    fn resume(container: Container, run: String) -> Result<(), Error> {
        misbehave_everywhere(&container.name);
        Err(Error::NotFound(run))
    }
}
