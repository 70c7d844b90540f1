//! `streams`: exchanges that are begun for a backend, and go to the host.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sockerless_backend::sessions::{self, BodyStream};
use sockerless_backend::types::{Outcome, Response};
use sockerless_backend::{HttpError as Error, Stream, Upgrade};
use wasmtime::component::Resource;

use crate::bindings::sockerless::backend::http::{HttpError, Request};
use crate::bindings::sockerless::backend::streams::{
    Connected, Downloading, Host, HostConnection, HostDownload, HostUpload,
};
use crate::egress::{self, Waiting, ask_for, connect, download};
use crate::state::CallState;
use crate::tape::{self, taped};

/// So many exchanges one call may begin: it can give one away, and may have been mistaken in others.
const MAX_OPENED: u32 = 4;

type Headers = Vec<(String, String)>;

/// Bytes both ways. Closed when it is dropped.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Connection {
    headers: Headers,
    pub(crate) stream: Box<dyn Stream>,
}

/// A body that is still to come.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Download {
    headers: Headers,
    pub(crate) body: BodyStream,
}

/// A request that waits for its body.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Upload {
    pub(crate) waiting: Box<dyn sessions::Upload>,
}

impl CallState {
    fn opens(&mut self) -> Result<(), Error> {
        if self.spent.opened >= MAX_OPENED {
            return Err(Error::Exhausted(format!("the call has begun {MAX_OPENED} streams, as many as it may")));
        }
        self.spent.opened += 1;
        Ok(())
    }

    async fn connected(&mut self, request: Request, protocol: &str) -> Result<Upgrade, Error> {
        let mut exchange = self.exchange_of(request, false).await?;
        self.opens()?;
        ask_for(protocol, &mut exchange)?;
        let client = Arc::clone(&self.context.shared.upgrade_http);
        let answer = connect(&client, &exchange).await;
        self.spend_received(&exchange);
        answer
    }

    async fn downloading(&mut self, request: Request) -> Result<egress::Downloading, Error> {
        let exchange = self.exchange_of(request, false).await?;
        self.opens()?;
        let client = Arc::clone(&self.context.shared.http);
        let answer = download(&client, &exchange).await;
        self.spend_received(&exchange);
        answer
    }

    async fn uploading(&mut self, request: Request) -> Result<Waiting, Error> {
        if request.body.is_some() {
            return Err(Error::Invalid("the body of an upload is what Docker's client sends".into()));
        }
        let exchange = self.exchange_of(request, true).await?;
        self.opens()?;
        Ok(Waiting { client: Arc::clone(&self.context.shared.dispatch_http), exchange })
    }
}

/// What a request for a stream has brought, without the stream: what a component sees of it.
#[derive(Serialize, Deserialize)]
enum Begun {
    Headers(Headers),
    Declined(Response),
}

/// In the place of an upload that is played back.
struct NoNetwork;

#[async_trait]
impl sessions::Upload for NoNetwork {
    async fn send(self: Box<Self>, _: BodyStream) -> Outcome {
        Err(Error::Other("a call that is played back has no network".to_owned()))
    }
}

impl Host for CallState {
    async fn connect(&mut self, request: Request, protocol: String) -> wasmtime::Result<Result<Connected, HttpError>> {
        let mut opened = None;
        let begun: Result<Begun, Error> = taped!(
            self,
            "streams.connect",
            json!({ "request": tape::request(&request, &self.table), "protocol": protocol }),
            self.connected(request, &protocol).await.map(|answer| match answer {
                Upgrade::Switched(headers, stream) => {
                    opened = Some(stream);
                    Begun::Headers(headers)
                }
                Upgrade::Declined(response) => Begun::Declined(response),
            })
        );
        Ok(match begun {
            Ok(Begun::Headers(headers)) => {
                // A component does not read it: what is played back need not be there.
                let stream = opened.unwrap_or_else(|| Box::new(tokio::io::empty()));
                Ok(Connected::Switched(self.table.push(Connection { headers, stream })?))
            }
            Ok(Begun::Declined(response)) => Ok(Connected::Declined(response.into())),
            Err(error) => Err(error.into()),
        })
    }

    async fn begin_download(&mut self, request: Request) -> wasmtime::Result<Result<Downloading, HttpError>> {
        let mut opened = None;
        let begun: Result<Begun, Error> = taped!(
            self,
            "streams.begin-download",
            json!({ "request": tape::request(&request, &self.table) }),
            self.downloading(request).await.map(|answer| match answer {
                egress::Downloading::Begun(headers, body) => {
                    opened = Some(body);
                    Begun::Headers(headers)
                }
                egress::Downloading::Declined(response) => Begun::Declined(response),
            })
        );
        Ok(match begun {
            Ok(Begun::Headers(headers)) => {
                let body = opened.unwrap_or_else(|| futures_util::stream::empty().boxed());
                Ok(Downloading::Begun(self.table.push(Download { headers, body })?))
            }
            Ok(Begun::Declined(response)) => Ok(Downloading::Declined(response.into())),
            Err(error) => Err(error.into()),
        })
    }

    async fn prepare_upload(&mut self, request: Request) -> wasmtime::Result<Result<Resource<Upload>, HttpError>> {
        let mut prepared: Option<Box<dyn sessions::Upload>> = None;
        let answer: Result<(), Error> = taped!(
            self,
            "streams.prepare-upload",
            json!({ "request": tape::request(&request, &self.table) }),
            self.uploading(request).await.map(|waiting| prepared = Some(Box::new(waiting)))
        );
        Ok(match answer {
            Ok(()) => Ok(self.table.push(Upload { waiting: prepared.unwrap_or_else(|| Box::new(NoNetwork)) })?),
            Err(error) => Err(error.into()),
        })
    }
}

impl HostConnection for CallState {
    async fn headers(&mut self, connection: Resource<Connection>) -> wasmtime::Result<Headers> {
        self.host_call()?;
        Ok(self.table.get(&connection)?.headers.clone())
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl HostDownload for CallState {
    async fn headers(&mut self, download: Resource<Download>) -> wasmtime::Result<Headers> {
        self.host_call()?;
        Ok(self.table.get(&download)?.headers.clone())
    }

    async fn drop(&mut self, download: Resource<Download>) -> wasmtime::Result<()> {
        self.table.delete(download)?;
        Ok(())
    }
}

impl HostUpload for CallState {
    async fn drop(&mut self, upload: Resource<Upload>) -> wasmtime::Result<()> {
        self.table.delete(upload)?;
        Ok(())
    }
}
