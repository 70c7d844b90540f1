//! Requests to the cloud.

use crate::sockerless::backend::http::{self, Authorization, HttpError, Request, Response};
use crate::sockerless::backend::types::Error;

pub fn request(method: &str, path: &str) -> Request<'static> {
    Request {
        method: method.into(),
        url: format!("https://cloud.example/{path}"),
        headers: vec![],
        body: None,
        timeout_ms: Some(10_000),
        authorization: None,
    }
}

pub fn ask(method: &str, path: &str) -> Result<Response, Error> {
    http::send(&request(method, path)).map_err(|error| failed(&error))
}

/// Makes something of this JSON.
pub fn put(path: &str, body: &str) -> Result<Response, Error> {
    let request = Request { body: Some(body.as_bytes().to_vec()), ..request("PUT", path) };
    http::send(&request).map_err(|error| failed(&error))
}

/// Starts the command of a container.
pub fn invoke(path: &str, container: &str, run: &str) -> Result<(), Error> {
    let authorization = Some(Authorization::Agent(container.to_owned()));
    let request = Request { authorization, ..request("POST", &format!("{path}/run")) };
    http::dispatch(&request, container, run).map_err(|error| failed(&error))
}

pub fn failed(error: &HttpError) -> Error {
    Error::Unavailable(format!("the cloud was asked, and has not answered: {error:?}"))
}

pub fn refused(status: u16) -> Error {
    Error::Unavailable(format!("the cloud was asked, and answered {status}"))
}

/// An answer that is one: a success in JSON.
pub fn json(response: Response) -> Result<String, Error> {
    match response.status {
        200..=299 if response.body.starts_with(b"{") => Ok(String::from_utf8_lossy(&response.body).into_owned()),
        status => Err(refused(status)),
    }
}
