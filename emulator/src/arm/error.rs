//! Errors in both forms that Azure has: the resource manager's, and Microsoft.Web's own in PascalCase.

use http::StatusCode;
use serde_json::{Value, json};

use crate::http::Answer;

/// The long-known numbers of Microsoft.Web.
mod extended {
    pub(super) const NAME_TAKEN: &str = "54001";
    pub(super) const NOT_FOUND: &str = "51004";
    pub(super) const INVALID_PARAMETER: &str = "51008";
    pub(super) const THROTTLED: &str = "51025";
}

/// An error on its way to the client. Small, since every result has room for one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ArmError(Box<Parts>);

#[derive(Debug, Clone, PartialEq)]
struct Parts {
    status: StatusCode,
    code: String,
    message: String,
    web: Option<Web>,
    headers: Vec<(&'static str, String)>,
}

/// What Microsoft.Web adds.
#[derive(Debug, Clone, PartialEq)]
struct Web {
    extended_code: &'static str,
    template: &'static str,
    parameters: Vec<String>,
}

impl ArmError {
    /// An error of the resource manager.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let parts = Parts { status, code: code.to_owned(), message: message.into(), web: None, headers: Vec::new() };
        Self(Box::new(parts))
    }

    fn web(
        status: StatusCode,
        code: &str,
        extended_code: &'static str,
        template: &'static str,
        parameters: &[&str],
    ) -> Self {
        let message = parameters
            .iter()
            .enumerate()
            .fold(template.to_owned(), |text, (index, parameter)| text.replace(&format!("{{{index}}}"), parameter));
        let parameters = parameters.iter().map(|&parameter| parameter.to_owned()).collect();
        let mut error = Self::new(status, code, message);
        error.0.web = Some(Web { extended_code, template, parameters });
        error
    }

    pub(crate) fn not_found(kind: &str, name: &str, group: &str) -> Self {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go \
             to https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    pub(crate) fn no_group(group: &str) -> Self {
        let message = format!("Resource group '{group}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message)
    }

    pub(crate) fn invalid_body(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", reason)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "The requested resource does not support this http method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(crate) fn too_many_requests() -> Self {
        let message = "The request is being throttled as the limit has been reached for this operation type.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
    }

    pub(crate) fn provider_throttled() -> Self {
        let template = "Rate limit is exceeded. Try again later.";
        let error = Self::web(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", extended::THROTTLED, template, &[]);
        // Always this, however long it really takes.
        error.with_header("retry-after", "5")
    }

    pub(crate) fn name_taken(name: &str) -> Self {
        let template = "Website with given name {0} already exists.";
        Self::web(StatusCode::CONFLICT, "Conflict", extended::NAME_TAKEN, template, &[name])
    }

    pub(crate) fn no_plan(name: &str) -> Self {
        let template = "Cannot find {0} with name {1}.";
        Self::web(StatusCode::NOT_FOUND, "NotFound", extended::NOT_FOUND, template, &["ServerFarm", name])
    }

    pub(crate) fn invalid_parameter(name: &str, reason: &str) -> Self {
        let template = "The parameter {0} has an invalid value. {1}";
        Self::web(StatusCode::BAD_REQUEST, "BadRequest", extended::INVALID_PARAMETER, template, &[name, reason])
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    /// What the error's envelope holds, for the answer of an operation that failed.
    pub(crate) fn body(&self) -> Value {
        json!({ "code": self.0.code, "message": self.0.message })
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    pub(crate) fn answer(&self) -> Answer {
        let Parts { status, code, message, web, headers } = &*self.0;
        let body = match web {
            None => json!({ "error": self.body() }),
            Some(web) => json!({
                "Code": code,
                "Message": message,
                "Target": null,
                "Details": [
                    { "Message": message },
                    { "Code": code },
                    { "ErrorEntity": {
                        "ExtendedCode": web.extended_code,
                        "MessageTemplate": web.template,
                        "Parameters": web.parameters,
                        "Code": code,
                        "Message": message,
                    } },
                ],
                "Innererror": null,
            }),
        };
        let answer = Answer::json(*status, &body);
        headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_has_the_envelope_of_the_provider() {
        let answer = ArmError::name_taken("x1").answer();
        assert_eq!(answer.status, StatusCode::CONFLICT);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["Message"], "Website with given name x1 already exists.");
        assert_eq!(body["Details"][2]["ErrorEntity"]["ExtendedCode"], "54001");
        assert_eq!(body["Details"][2]["ErrorEntity"]["Parameters"], json!(["x1"]));
    }

    #[test]
    fn others_have_that_of_the_resource_manager() {
        let body: Value = serde_json::from_slice(&ArmError::no_group("g").answer().body).unwrap();
        assert_eq!(body["error"]["code"], "ResourceGroupNotFound");
    }
}
