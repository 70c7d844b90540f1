//! Logins: whether a registry knows who somebody says to be.

use http::{Method, StatusCode};
use sockerless_docker::{LoginAnswer, RegistryAuth};
use sockerless_engine::Error;

use crate::hosts;
use crate::refusal::Refusal;
use crate::session::{Purpose, Session};
use crate::transport::Transport;

/// As large as the answer may be, in bytes.
const LIMIT: usize = 64 << 10;

pub(crate) async fn login(transport: &Transport, auth: &RegistryAuth) -> Result<LoginAnswer, Error> {
    let host = hosts::of_address(&auth.serveraddress)?;
    let purpose = Purpose { scope: None, lasting: true };
    let mut session = Session::open(transport, &host, Some(auth), purpose).await?;
    let answer = session.send(Method::GET, "", None, LIMIT).await.map_err(Refusal::into_error)?;
    if answer.status == StatusCode::OK {
        let identity_token = session.identity().unwrap_or_default().to_owned();
        return Ok(LoginAnswer { identity_token, status: "Login Succeeded".to_owned() });
    }
    let text = format!("login attempt to {} failed with status: {}", session.shown(), answer.status);
    // The Engine answers 500 to both; that these are not the user's credentials is worth a status of its own.
    Err(if answer.status == StatusCode::UNAUTHORIZED { Error::unauthorized(text) } else { Error::internal(text) })
}
