//! How registries say no, and how the Engine words it.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sockerless_docker::ImageReference;
use sockerless_engine::{Error, ErrorKind};

use crate::challenge::challenges;
use crate::transport::Answer;

/// As much of a body that is not understood as an error shows, in characters.
const SHOWN: usize = 300;

/// A no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// By one of the codes of the specification.
    Coded {
        /// `MANIFEST_UNKNOWN`
        code: String,
        message: String,
        status: u16,
    },
    /// In any other way.
    Other(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<crate::transport::Broken> for Refusal {
    fn from(broken: crate::transport::Broken) -> Self {
        Self::Other(broken.error)
    }
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<Item>,
    /// Docker's endpoint of tokens says it so.
    #[serde(default)]
    details: String,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Refusal {
    /// Reads an answer that is no success.
    pub(crate) fn read(answer: &Answer) -> Self {
        let status = answer.status;
        if !status.is_client_error() {
            return Self::Other(Error::internal(format!("received unexpected HTTP status: {status}")));
        }
        if let Some(refusal) = by_challenge(status, &answer.headers) {
            return refusal;
        }
        let coded = |code: &str, message: &str| Self::Coded {
            code: code.to_owned(),
            message: if message.is_empty() { default_message(code) } else { message.to_owned() },
            status: status.as_u16(),
        };
        match serde_json::from_slice::<Errors>(&answer.body) {
            Ok(Errors { details, .. }) if !details.is_empty() => {
                let code = match status {
                    StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
                    StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
                    _ => "UNKNOWN",
                };
                coded(code, &details)
            }
            Ok(Errors { errors, .. }) if !errors.is_empty() => {
                errors.first().map_or_else(|| coded("UNKNOWN", ""), |item| coded(&item.code, &item.message))
            }
            _ if status == StatusCode::UNAUTHORIZED => coded("UNAUTHORIZED", ""),
            _ if status == StatusCode::TOO_MANY_REQUESTS => coded("TOOMANYREQUESTS", ""),
            _ => {
                let body = String::from_utf8_lossy(&answer.body);
                let body: String = body.chars().take(SHOWN).collect();
                Self::Other(Error::internal(format!("error parsing HTTP {} response body: {body:?}", status.as_u16())))
            }
        }
    }

    /// As an error of a pull: what is not there, and what may not be seen, are not found.
    pub(crate) fn of_pull(self, reference: &ImageReference) -> Error {
        let text = self.text();
        match self {
            Self::Coded { code, .. } if code == "DENIED" => Error::not_found(format!(
                "pull access denied for {}, repository does not exist or may require 'docker login': {text}",
                reference.familiar_name()
            )),
            Self::Coded { code, .. } if code == "MANIFEST_UNKNOWN" => {
                Error::not_found(format!("manifest for {} not found: {text}", reference.familiar()))
            }
            Self::Coded { code, .. } if code == "NAME_UNKNOWN" => {
                Error::not_found(format!("repository {} not found: {text}", reference.familiar_name()))
            }
            other => other.into_error(),
        }
    }

    /// As an error of anything else.
    pub(crate) fn into_error(self) -> Error {
        let message = self.text();
        match self {
            Self::Other(error) => error,
            Self::Coded { code, status, .. } => {
                let kind = match (code.as_str(), status) {
                    ("UNAUTHORIZED", _) => ErrorKind::Unauthorized,
                    ("DENIED", _) => ErrorKind::Forbidden,
                    ("MANIFEST_UNKNOWN" | "NAME_UNKNOWN" | "BLOB_UNKNOWN", _) => ErrorKind::NotFound,
                    ("TOOMANYREQUESTS", _) | (_, 429) => ErrorKind::TooManyRequests,
                    (_, 400) => ErrorKind::InvalidParameter,
                    (_, 401) => ErrorKind::Unauthorized,
                    (_, 403) => ErrorKind::Forbidden,
                    (_, 404) => ErrorKind::NotFound,
                    _ => ErrorKind::Internal,
                };
                Error { kind, message, fault: false }
            }
        }
    }

    /// `manifest unknown: manifest unknown`
    fn text(&self) -> String {
        match self {
            Self::Other(error) => error.message.clone(),
            Self::Coded { code, message, .. } => format!("{}: {message}", words(code)),
        }
    }
}

/// What the header says of a token that was sent: it is more exact than the body.
fn by_challenge(status: StatusCode, headers: &HeaderMap) -> Option<Refusal> {
    challenges(headers).into_iter().filter(|challenge| challenge.scheme == "bearer").find_map(|challenge| {
        let code = match challenge.get("error")? {
            "invalid_token" => "UNAUTHORIZED",
            "insufficient_scope" => "DENIED",
            _ => return None,
        };
        let message = challenge.get("error_description").map_or_else(|| default_message(code), str::to_owned);
        Some(Refusal::Coded { code: code.to_owned(), message, status: status.as_u16() })
    })
}

fn words(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', " ")
}

fn default_message(code: &str) -> String {
    match code {
        "UNAUTHORIZED" => "authentication required".to_owned(),
        "DENIED" => "requested access to the resource is denied".to_owned(),
        "TOOMANYREQUESTS" => "too many requests".to_owned(),
        "NAME_UNKNOWN" => "repository name not known to registry".to_owned(),
        "" | "UNKNOWN" => "unknown error".to_owned(),
        code => words(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, challenge: &str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        if !challenge.is_empty() {
            headers.insert(http::header::WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned().into() }
    }

    fn pull(status: u16, challenge: &str, body: &str) -> (ErrorKind, String) {
        let reference = ImageReference::parse("r.example.com/a:1").unwrap();
        let error = Refusal::read(&answer(status, challenge, body)).of_pull(&reference);
        (error.kind, error.message)
    }

    #[test]
    fn in_the_engines_words() {
        use ErrorKind::{Internal, NotFound, TooManyRequests, Unauthorized};
        let denied = "pull access denied for r.example.com/a, repository does not exist or may require 'docker login': \
                      denied: requested access to the resource is denied";
        for (status, challenge, body, kind, message) in [
            (
                404,
                "",
                r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#,
                NotFound,
                "manifest for r.example.com/a:1 not found: manifest unknown: manifest unknown",
            ),
            (
                404,
                "",
                r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#,
                NotFound,
                "repository r.example.com/a not found: name unknown: repository name not known to registry",
            ),
            (403, "", r#"{"errors":[{"code":"DENIED"}]}"#, NotFound, denied),
            (
                401,
                r#"Bearer realm="x",error="insufficient_scope""#,
                r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#,
                NotFound,
                denied,
            ),
            (
                401,
                r#"Bearer realm="x",error="invalid_token""#,
                "",
                Unauthorized,
                "unauthorized: authentication required",
            ),
            (401, "", "", Unauthorized, "unauthorized: authentication required"),
            (
                401,
                "",
                r#"{"details":"incorrect username or password"}"#,
                Unauthorized,
                "unauthorized: incorrect username or password",
            ),
            (
                429,
                "",
                r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#,
                TooManyRequests,
                "toomanyrequests: slow down",
            ),
            (404, "", "<html>", Internal, "error parsing HTTP 404 response body: \"<html>\""),
            (503, "", "", Internal, "received unexpected HTTP status: 503 Service Unavailable"),
        ] {
            assert_eq!(pull(status, challenge, body), (kind, message.to_owned()), "{status} {challenge} {body}");
        }
    }

    #[test]
    fn what_is_denied_is_forbidden_where_nothing_is_pulled() {
        let error = Refusal::read(&answer(403, "", r#"{"errors":[{"code":"DENIED"}]}"#)).into_error();
        assert_eq!(error.kind, ErrorKind::Forbidden);
    }
}
