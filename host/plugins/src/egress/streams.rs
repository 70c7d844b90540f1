//! Exchanges that go on after the call which began them: the host has what they carry, and the backend does not.

use std::io::{self, Cursor};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode};
use reqwest::Body;
use sockerless_backend::sessions::{BodyStream, Upload};
use sockerless_backend::types::{Outcome, Response};
use sockerless_backend::{HttpError, Upgrade};
use std::sync::Arc;
use tokio::io::{join, sink};

use super::client::HttpClient;
use super::exchange::{Answer, Exchange, Signature, broken, failed, head_of, in_time, signed, whole};
use super::request::{invalid, origin};
use crate::observe;

/// Longest name of a protocol.
const MAX_PROTOCOL: usize = 64;

/// A response whose body is still to come, or one that is no success, whole.
pub(crate) enum Downloading {
    Begun(Vec<(String, String)>, BodyStream),
    Declined(Response),
}

/// Makes a request one for another protocol.
pub(crate) fn ask_for(protocol: &str, exchange: &mut Exchange) -> Result<(), HttpError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-./_+".contains(&byte);
    if protocol.is_empty() || protocol.len() > MAX_PROTOCOL || !protocol.bytes().all(is_name) {
        return Err(invalid("the protocol is not a name such as `tcp`"));
    }
    let value = HeaderValue::from_str(protocol).map_err(|error| invalid(error.to_string()))?;
    let headers = &mut exchange.request.headers;
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, value);
    Ok(())
}

/// Asks for another protocol, and answers when the server has.
pub(crate) async fn connect(client: &HttpClient, exchange: &Exchange) -> Result<Upgrade, HttpError> {
    in_time(exchange, async {
        let answer = signed(client, exchange).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS.as_u16() {
            return whole(answer, exchange).await.map(Upgrade::Declined);
        }
        match answer {
            Answer::Begun(response) => {
                let (_, headers) = head_of(&response);
                let switched = response.upgrade().await;
                let stream = switched
                    .map_err(|error| HttpError::Interrupted(format!("{}: {error}", origin(&exchange.request.url))))?;
                Ok(Upgrade::Switched(headers, Box::new(stream)))
            }
            // What stands in the place of the network says all that it has to say at once.
            Answer::Whole(Response { headers, body, .. }) => {
                Ok(Upgrade::Switched(headers, Box::new(join(Cursor::new(body), sink()))))
            }
        }
    })
    .await
}

/// Asks for a body, and answers when its head is there.
pub(crate) async fn download(client: &HttpClient, exchange: &Exchange) -> Result<Downloading, HttpError> {
    in_time(exchange, async {
        let answer = signed(client, exchange).await?;
        if !(200..300).contains(&answer.status()) {
            return whole(answer, exchange).await.map(Downloading::Declined);
        }
        Ok(match answer {
            Answer::Begun(response) => {
                let (_, headers) = head_of(&response);
                let url = exchange.request.url.clone();
                let body = response.bytes_stream().map_err(move |error| broken(&url, &error));
                Downloading::Begun(headers, body.boxed())
            }
            Answer::Whole(Response { headers, body, .. }) => {
                Downloading::Begun(headers, stream::once(async { Ok(Bytes::from(body)) }).boxed())
            }
        })
    })
    .await
}

/// A request that has passed the policy, and waits for its body.
pub(crate) struct Waiting {
    pub(crate) client: Arc<HttpClient>,
    pub(crate) exchange: Exchange,
}

#[async_trait]
impl Upload for Waiting {
    async fn send(self: Box<Self>, body: BodyStream) -> Outcome {
        let Self { client, mut exchange } = *self;
        let request = async {
            let authorization = match &exchange.signature {
                Signature::None => None,
                Signature::Fixed(value) => Some(value.clone()),
                // A body is sent once: a token that is refused cannot be replaced by another.
                Signature::Scope { scope, tokens } => {
                    let token = tokens.get(scope).await;
                    Some(token.map_err(|error| HttpError::Other(format!("no token for {scope}: {error}")))?.bearer()?)
                }
            };
            Ok::<_, HttpError>(authorization)
        };
        let authorization = request.await?;
        if client.transport.is_some() {
            let whole: Vec<Bytes> = body.try_collect().await?;
            exchange.request.body = Some(whole.concat().into());
            return super::exchange::exchange(&client, &exchange).await;
        }
        in_time(&exchange, async {
            let body = Body::wrap_stream(body.map_err(|error| io::Error::other(error.to_string())));
            let span = observe::request(&exchange.request);
            let response = span.run(client.send_body(&exchange.request, authorization, Some(body))).await;
            let head = response.as_ref().ok().map(|answer| (answer.status().as_u16(), answer.headers()));
            observe::answered(&span, &exchange.request, head);
            whole(Answer::Begun(response.map_err(|error| failed(&error, &exchange))?), &exchange).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::client::Outgoing;
    use crate::policy::Route;

    #[test]
    fn a_protocol_is_a_name() {
        let request = Outgoing {
            method: http::Method::POST,
            url: "https://a.net/".parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: None,
            route: Route::Public,
            rule: "a.net".into(),
        };
        let mut exchange =
            Exchange { request, signature: Signature::None, max_response: 1, timeout: None, received: Arc::default() };
        for protocol in ["", "a b", "tcp\r\nx: y", "tcp,h2c", &"a".repeat(65)] {
            assert!(ask_for(protocol, &mut exchange).is_err(), "{protocol:?}");
        }
        ask_for("tcp", &mut exchange).unwrap();
        assert_eq!(exchange.request.headers[UPGRADE], "tcp");
    }
}
