//! Bodies, of requests and of answers.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::ready;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Full, LengthLimitError, Limited, StreamBody};
use serde::de::DeserializeOwned;
use sockerless_engine::{ByteStream, Error};

use super::content_type::check_json;
use crate::places::Places;

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Error>;

/// As large as a JSON body may be.
const JSON_LIMIT: usize = 4 << 20;

/// A body that is there already.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that comes by and by.
pub(crate) fn streamed(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Body {
    StreamBody::new(stream.map_ok(Frame::data)).boxed_unsync()
}

/// Reads a JSON body that may be absent.
pub(crate) async fn read_json_or_default<T, B>(headers: &HeaderMap, body: B) -> Result<T, Error>
where
    T: DeserializeOwned + Default,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(T::default());
    }
    // `null` is as good as nothing.
    Ok(read_json::<Option<T>, B>(headers, body).await?.unwrap_or_default())
}

/// Reads a JSON body.
pub(crate) async fn read_json<T, B>(headers: &HeaderMap, body: B) -> Result<T, Error>
where
    T: DeserializeOwned,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const NOTHING: &str = "invalid JSON: got EOF while reading request body";
    if body.is_end_stream() {
        return Err(Error::invalid(NOTHING));
    }
    check_json(headers)?;
    let bytes = match Limited::new(body, JSON_LIMIT).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Error::invalid(format!(
                "invalid JSON: http: request body too large: it may have {JSON_LIMIT} bytes"
            )));
        }
        Err(_) => return Err(Error::invalid("invalid JSON: unexpected EOF")),
    };
    if bytes.trim_ascii().is_empty() {
        return Err(Error::invalid(NOTHING));
    }
    sockerless_docker::decode(&bytes).map_err(|error| Error::invalid(error.to_string()))
}

/// Reads a body that is no JSON whole, up to a limit in bytes.
pub(crate) async fn collect<B>(body: B, limit: usize) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = || Error::invalid(format!("http: request body too large: it may have {limit} bytes"));
    // Where its size is announced, nothing of it need be read.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Error::invalid(format!("the body of the request broke off: {error}"))),
    }
}

/// Reads what is as large as a component, if there is a place for it.
pub(crate) async fn upload<B>(places: &Places, body: B, limit: usize) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match places.take() {
        Ok(_place) => collect(body, limit).await,
        Err(error) => {
            discard(body).await;
            Err(error)
        }
    }
}

/// How long a client whose request is refused may be silent in the middle of its body.
const SILENCE: Duration = Duration::from_secs(10);

/// Reads a body that nobody wants to its end. A client that is answered and cut off in the middle of sending reports the
/// broken connection, and not the answer.
pub(crate) async fn discard<B>(body: B)
where
    B: http_body::Body<Data = Bytes>,
{
    let mut body = pin!(body);
    while let Ok(Some(Ok(_))) = tokio::time::timeout(SILENCE, body.frame()).await {}
}

/// A body as the engine takes it.
pub(crate) fn byte_stream<B>(body: B) -> ByteStream
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    BodyStream::new(body)
        .filter_map(|frame| {
            ready(match frame {
                Ok(frame) => frame.into_data().ok().map(Ok),
                Err(error) => Some(Err(Error::invalid(format!("the body of the request broke off: {error}")))),
            })
        })
        .boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_without_an_end_is_read_up_to_its_limit() {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let endless = stream::repeat_with(move || {
            counter.fetch_add(1000, Ordering::Relaxed);
            Ok::<_, Error>(Frame::data(Bytes::from_static(&[0; 1000])))
        });
        let error = collect(StreamBody::new(endless), 10_000).await.unwrap_err();
        assert!(error.message.contains("it may have 10000 bytes"), "{error}");
        assert_eq!(read.load(Ordering::Relaxed), 11_000);
        let whole = Full::new(Bytes::from_static(b"1234"));
        assert_eq!(collect(whole.clone(), 4).await.unwrap(), "1234");
        assert!(collect(whole, 3).await.is_err());
    }
}
