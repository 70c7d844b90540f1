//! Blobs: what manifests name by its digest, down and up.

use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, StatusCode};
use sockerless_docker::is_digest;
use sockerless_engine::Error;
use url::Url;

use crate::digest;
use crate::refusal::Refusal;
use crate::session::{Session, join};
use crate::transport::{Answer, Ask, Content};

/// For one blob, to the end of its bytes: a component may have tens of megabytes, and the line be slow.
const TRANSFER_TIME: Duration = Duration::from_mins(10);
/// As large as the answer to an upload may be, in bytes: nobody reads it.
const ANSWER_LIMIT: usize = 64 << 10;

/// A blob of a repository, whole, of at most `limit` bytes. `what` it is stands in errors.
pub(crate) async fn download(
    session: &mut Session<'_>,
    repository: &str,
    wanted: &str,
    limit: usize,
    what: &str,
) -> Result<Bytes, Refusal> {
    if !is_digest(wanted) {
        return Err(Error::internal(format!("invalid digest of the {what}: {wanted:?}")).into());
    }
    let ask = session.ask(Method::GET, &format!("{repository}/blobs/{wanted}"), limit)?;
    let answer = session.exchange(Ask { time: TRANSFER_TIME, ..ask }).await?;
    if !answer.status.is_success() {
        return Err(Refusal::read(&answer));
    }
    if !digest::matches(&answer.body, wanted) {
        return Err(Error::internal(format!("{what} verification failed for digest {wanted}")).into());
    }
    Ok(answer.body)
}

/// Puts a blob into a repository. Answers whether it was not there yet.
pub(crate) async fn upload(session: &mut Session<'_>, repository: &str, bytes: Bytes) -> Result<bool, Refusal> {
    let digest = digest::sha256(&bytes);
    let there = session.ask(Method::HEAD, &format!("{repository}/blobs/{digest}"), ANSWER_LIMIT)?;
    if session.exchange(there).await?.status == StatusCode::OK {
        return Ok(false);
    }
    let begin = session.ask(Method::POST, &format!("{repository}/blobs/uploads/"), ANSWER_LIMIT)?;
    let begun = session.exchange(Ask { body: Some(Content::none()), ..begin }).await?;
    if begun.status != StatusCode::ACCEPTED {
        return Err(Refusal::read(&begun));
    }
    let mut target = location(session, &begun)?;
    target.query_pairs_mut().append_pair("digest", &digest);
    let body = Some(Content { media_type: "application/octet-stream", bytes });
    let put = Ask { method: Method::PUT, body, time: TRANSFER_TIME, ..Ask::get(target, ANSWER_LIMIT) };
    let answer = session.exchange(put).await?;
    if answer.status == StatusCode::CREATED { Ok(true) } else { Err(Refusal::read(&answer)) }
}

/// Where the registry wants to have the bytes.
fn location(session: &Session<'_>, begun: &Answer) -> Result<Url, Error> {
    let location = begun.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| Error::internal("the registry does not say where an upload is to go"))?;
    let target = join(session.base(), location)?;
    if target.scheme() == "http" && session.base().scheme() != "http" {
        return Err(Error::internal(format!("nothing is sent to {target}: the registry is https, and that is not")));
    }
    Ok(target)
}
