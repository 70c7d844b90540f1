//! Whether there is a registry at an address, whoever asks.

use http::StatusCode;
use sockerless_engine::Error;

use crate::hosts;
use crate::session::{Purpose, Session};
use crate::transport::Transport;

pub(crate) async fn reach(transport: &Transport, address: &str) -> Result<(), Error> {
    let host = hosts::of_address(address)?;
    let session = Session::open(transport, &host, None, Purpose::default()).await?;
    match session.status() {
        // It is open, or wants to know who asks.
        StatusCode::OK | StatusCode::UNAUTHORIZED => Ok(()),
        status => Err(Error::internal(format!(
            "no registry answers at {}, but somebody with status {status}",
            session.shown()
        ))),
    }
}
