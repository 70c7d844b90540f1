//! Files, in and out, as tar archives. Each is a [transfer](crate::transfer), which one exchange after the other carries.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Frame, Incoming};
use sockerless_agent_protocol::headers;
use sockerless_agent_protocol::input::END;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;

use super::{Answer, Problem, Query, Result, blocking, empty, full};
use crate::archive::{self, ArchiveError, Place};
use crate::transfer::{Download, TooMany, Transfer, Transfers, Untaken, Upload};

/// Bytes of a transfer's name at most.
const ID: usize = 64;

fn problem(container: &str, error: ArchiveError) -> Problem {
    match error {
        ArchiveError::NotFound(path) => {
            Problem::not_found(format!("Could not find the file {path} in container {container}"))
        }
        ArchiveError::Invalid(message) => Problem::bad_request(message),
        ArchiveError::Forbidden(message) => Problem::new(StatusCode::FORBIDDEN, message),
        ArchiveError::Failed(message) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, message),
    }
}

async fn place(container: &str, query: &Query) -> Result<Place> {
    let path = query.get("path").ok_or_else(|| Problem::bad_request("the query names no path"))?.to_owned();
    blocking(move || Place::find(&path)).await?.map_err(|error| problem(container, error))
}

fn with_stat(place: &Place, mut answer: Answer) -> Result {
    let stat = HeaderValue::from_str(&place.stat.encode())
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    answer.headers_mut().insert(headers::PATH_STAT, stat);
    Ok(answer)
}

pub(super) async fn stat(container: &str, query: &Query) -> Result {
    with_stat(&place(container, query).await?, Response::new(full("")))
}

/// A path as an archive, from the beginning or from where a link broke.
pub(super) async fn get(transfers: &Transfers, container: &str, query: &Query) -> Result {
    if let Some(answer) = resumed(transfers, query)? {
        return Ok(answer);
    }
    let place = place(container, query).await?;
    let answer = with_stat(&place, Response::new(full("")))?;
    let (mut parts, _) = answer.into_parts();
    let archive = begun(transfers, query, move |out| archive::read(&place, out))?;
    parts.headers.extend(archive.headers().clone());
    Ok(Response::from_parts(parts, archive.into_body()))
}

/// The whole file system as an archive, likewise.
pub(super) fn export(transfers: &Transfers, query: &Query) -> Result {
    match resumed(transfers, query)? {
        Some(answer) => Ok(answer),
        None => begun(transfers, query, |out| archive::export(Path::new("/"), out)),
    }
}

fn id_of(query: &Query) -> Result<&str> {
    let id = query.get("transfer").filter(|id| !id.is_empty() && id.len() <= ID);
    id.ok_or_else(|| Problem::bad_request("the query names no transfer"))
}

/// The rest of an archive that is under way; nothing if it is to begin.
fn resumed(transfers: &Transfers, query: &Query) -> Result<Option<Answer>> {
    let (id, from) = (id_of(query)?, query.number("from")?);
    match transfers.get(id) {
        Some(Transfer::Out(download)) => match download.reaches(from) {
            Ok(()) => Ok(Some(reading(transfers, id, &download, from))),
            Err(_) => Err(gone()),
        },
        Some(Transfer::In(_)) => Err(Problem::new(StatusCode::CONFLICT, "the transfer goes the other way")),
        None if from == 0 => Ok(None),
        None => Err(gone()),
    }
}

fn begun(
    transfers: &Transfers,
    query: &Query,
    work: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Result {
    let id = id_of(query)?;
    let download = Download::begin(work);
    transfers.add(id, Transfer::Out(download.clone())).map_err(|TooMany| too_many())?;
    Ok(reading(transfers, id, &download, 0))
}

fn reading(transfers: &Transfers, id: &str, download: &Arc<Download>, from: u64) -> Answer {
    let carrying = Carrying { transfers: transfers.clone(), id: id.to_owned() };
    let pieces = download.read(from).map(move |piece| {
        let _ = &carrying;
        piece.map(Frame::data)
    });
    let mut answer = Response::new(StreamBody::new(pieces).boxed_unsync());
    answer.headers_mut().insert(headers::OUTPUT_BEGIN, HeaderValue::from(from));
    answer
}

/// An exchange that carries a transfer. Dropped, nobody does.
struct Carrying {
    transfers: Transfers,
    id: String,
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.transfers.left(&self.id);
    }
}

fn gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "the files cannot be copied on from where the link to the agent broke: it was away for too long, or the agent was started \
         again. Copy again",
    )
}

fn too_many() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many files are being copied at once: try again later")
}

/// An archive to extract, from the beginning or from where a link broke.
pub(super) async fn put(transfers: &Transfers, container: &str, id: &str, query: &Query, body: Incoming) -> Result {
    if id.len() > ID {
        return Err(Problem::bad_request("the transfer's name is too long"));
    }
    let offset: u64 = query.number("offset")?;
    let upload = match transfers.get(id) {
        Some(Transfer::In(upload)) => upload,
        Some(Transfer::Out(_)) => return Err(Problem::new(StatusCode::CONFLICT, "the transfer goes the other way")),
        None if offset > 0 => return Err(gone()),
        None => {
            let upload = extraction(query)?;
            transfers.add(id, Transfer::In(upload.clone())).map_err(|TooMany| too_many())?;
            upload
        }
    };
    let exchange = upload.take_up();
    let taken = upload.taken().await;
    if offset > taken {
        return Err(Problem::new(StatusCode::CONFLICT, format!("the archive from {taken} on is missing")));
    }
    tracing::debug!(container, id, offset, taken, "an archive comes in");
    let (sender, acknowledgements) = mpsc::unbounded_channel::<io::Result<Frame<Bytes>>>();
    let carrying = Carrying { transfers: transfers.clone(), id: id.to_owned() };
    let feeding = Feeding { upload, exchange, acknowledgements: sender, carrying };
    tokio::spawn(feeding.feed(body, offset, taken));
    Ok(Response::new(StreamBody::new(UnboundedReceiverStream::new(acknowledgements)).boxed_unsync()))
}

fn extraction(query: &Query) -> Result<Arc<Upload>> {
    let directory = query.get("path").ok_or_else(|| Problem::bad_request("the query names no path"))?.to_owned();
    let options = archive::WriteOptions {
        no_overwrite_dir_non_dir: query.is("no_overwrite_dir_non_dir"),
        keep_owners: !query.is("copy_uid_gid"),
    };
    Ok(Upload::begin(move |input| archive::write(&directory, options, input)))
}

/// One exchange that feeds an extraction.
struct Feeding {
    upload: Arc<Upload>,
    exchange: CancellationToken,
    acknowledgements: mpsc::UnboundedSender<io::Result<Frame<Bytes>>>,
    carrying: Carrying,
}

impl Feeding {
    fn tell(&self, offset: u64) {
        // The daemon may have gone.
        let _ = self.acknowledgements.send(Ok(Frame::data(Bytes::copy_from_slice(&offset.to_be_bytes()))));
    }

    async fn feed(self, body: Incoming, mut offset: u64, taken: u64) {
        self.tell(taken);
        let mut frames = BodyStream::new(body);
        while let Some(frame) = frames.next().await {
            // Broken off: the daemon comes back, or tells that nobody wants it any more.
            let Ok(frame) = frame else { return };
            let Ok(bytes) = frame.into_data() else { continue };
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            match self.upload.write(&self.exchange, offset, bytes).await {
                Ok(taken) => self.tell(taken),
                Err(Untaken::Over) => break,
                Err(Untaken::Replaced | Untaken::Gap) => return,
            }
            offset += length;
        }
        self.upload.close().await;
        // What became of it the daemon asks for.
        let _ = self.upload.outcome().await;
        self.tell(END);
        drop(self.carrying);
    }
}

/// What became of an extraction.
pub(super) async fn outcome(transfers: &Transfers, container: &str, id: &str) -> Result {
    match transfers.get(id) {
        Some(Transfer::In(upload)) => match upload.outcome().await {
            Ok(()) => Ok(empty()),
            Err(error) => Err(problem(container, error)),
        },
        _ => Err(Problem::not_found("no such transfer")),
    }
}
