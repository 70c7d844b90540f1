//! `streams`: exchanges that are begun for a backend, and go to the host.

use std::sync::Arc;

use sockerless_backend::sessions::BodyStream;
use sockerless_backend::{HttpError as Error, Stream, Upgrade};
use wasmtime::component::Resource;

use crate::bindings::sockerless::backend::http::{HttpError, Request};
use crate::bindings::sockerless::backend::streams::{
    Connected, Downloading, Host, HostConnection, HostDownload, HostUpload,
};
use crate::egress::{self, Waiting, ask_for, connect, download};
use crate::state::CallState;

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
    pub(crate) waiting: Waiting,
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
        Ok(answer?)
    }

    async fn downloading(&mut self, request: Request) -> Result<egress::Downloading, Error> {
        let exchange = self.exchange_of(request, false).await?;
        self.opens()?;
        let client = Arc::clone(&self.context.shared.http);
        let answer = download(&client, &exchange).await;
        self.spend_received(&exchange);
        Ok(answer?)
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

impl Host for CallState {
    async fn connect(&mut self, request: Request, protocol: String) -> wasmtime::Result<Result<Connected, HttpError>> {
        Ok(match self.connected(request, &protocol).await {
            Ok(Upgrade::Switched(headers, stream)) => {
                Ok(Connected::Switched(self.table.push(Connection { headers, stream })?))
            }
            Ok(Upgrade::Declined(response)) => Ok(Connected::Declined(response.into())),
            Err(error) => Err(error.into()),
        })
    }

    async fn begin_download(&mut self, request: Request) -> wasmtime::Result<Result<Downloading, HttpError>> {
        Ok(match self.downloading(request).await {
            Ok(egress::Downloading::Begun(headers, body)) => {
                Ok(Downloading::Begun(self.table.push(Download { headers, body })?))
            }
            Ok(egress::Downloading::Declined(response)) => Ok(Downloading::Declined(response.into())),
            Err(error) => Err(error.into()),
        })
    }

    async fn prepare_upload(&mut self, request: Request) -> wasmtime::Result<Result<Resource<Upload>, HttpError>> {
        Ok(match self.uploading(request).await {
            Ok(waiting) => Ok(self.table.push(Upload { waiting })?),
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
