//! Errors in the form of the storage services: XML, with the code in a header as well.

use std::io;

use http::StatusCode;
use uuid::Uuid;

use crate::http::Answer;

/// An error on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StorageError {
    status: StatusCode,
    code: String,
    message: String,
    challenge: Option<String>,
}

impl StorageError {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), challenge: None }
    }

    pub(super) fn internal(detail: impl std::fmt::Display) -> Self {
        let message = format!("Server encountered an internal error. Please try again after some time. ({detail})");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// Nobody says who asks.
    pub(super) fn anonymous(tenant: &str) -> Self {
        let mut error = Self::new(
            StatusCode::UNAUTHORIZED,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        );
        error.challenge = Some(format!(
            "Bearer authorization_uri=https://login.microsoftonline.com/{tenant}/oauth2/authorize \
             resource_id=https://storage.azure.com"
        ));
        error
    }

    /// Who asks is not who they say to be.
    pub(super) fn unauthenticated(detail: &str) -> Self {
        let message = format!(
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly \
             including the signature. ({detail})"
        );
        Self::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message)
    }

    pub(super) fn missing_header(name: &str) -> Self {
        let message = format!("An HTTP header that's mandatory for this request is not specified. ({name})");
        Self::new(StatusCode::BAD_REQUEST, "MissingRequiredHeader", message)
    }

    pub(super) fn invalid_header(name: &str) -> Self {
        let message = format!("The value for one of the HTTP headers is not in the correct format. ({name})");
        Self::new(StatusCode::BAD_REQUEST, "InvalidHeaderValue", message)
    }

    pub(super) fn invalid_name() -> Self {
        let message = "The specified resource name contains invalid characters.";
        Self::new(StatusCode::BAD_REQUEST, "InvalidResourceName", message)
    }

    pub(super) fn no_share() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ShareNotFound", "The specified share does not exist.")
    }

    pub(super) fn no_parent() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ParentNotFound", "The specified parent path does not exist.")
    }

    pub(super) fn no_file() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", "The specified resource does not exist.")
    }

    pub(super) fn exists() -> Self {
        Self::new(StatusCode::CONFLICT, "ResourceAlreadyExists", "The specified resource already exists.")
    }

    pub(super) fn in_use() -> Self {
        let message = "The specified resource may be in use by an SMB client.";
        Self::new(StatusCode::CONFLICT, "SharingViolation", message)
    }

    pub(super) fn invalid_range() -> Self {
        let message = "The range specified is invalid for the current size of the resource.";
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
    }

    /// What the file system says of a file.
    pub(super) fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::no_file(),
            // A program that runs is open for whoever runs it, and cannot be written to.
            io::ErrorKind::ExecutableFileBusy => Self::in_use(),
            _ => Self::internal(error),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let Self { status, code, message, challenge } = self;
        let id = Uuid::new_v4();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}\nRequestId:{id}\nTime:{:.7}</Message></Error>",
            escaped(code),
            escaped(message),
            jiff::Timestamp::now(),
        );
        let mut answer = Answer::empty(*status)
            .with_header("content-type", "application/xml")
            .with_header("x-ms-error-code", code)
            .with_header("x-ms-request-id", id.to_string());
        if let Some(challenge) = challenge {
            answer = answer.with_header("www-authenticate", challenge);
        }
        answer.body = body.into();
        answer
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_in_the_body_and_in_a_header() {
        let answer = StorageError::new(StatusCode::CONFLICT, "A<B", "x & y").answer();
        assert_eq!(answer.headers["x-ms-error-code"], "A<B");
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(body.contains("<Code>A&lt;B</Code><Message>x &amp; y\n"), "{body}");
    }
}
