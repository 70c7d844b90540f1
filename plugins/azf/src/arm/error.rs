//! What Azure says when it does not do something, in both of its forms.

use serde_json::Value;

use super::retry::wait_asked;
use crate::bindings::http::Response;
use crate::bindings::types::Timestamp;
use crate::world::{SendError, header};

/// Extended code of a name that somebody else in Azure has.
pub(crate) const NAME_TAKEN: &str = "54001";
/// Extended code of the provider's own throttle.
pub(crate) const THROTTLED_BY_PROVIDER: &str = "51025";
/// Extended code of something that the request refers to and that is not there.
pub(crate) const REFERENCE_NOT_FOUND: &str = "51004";

/// Longest part of a message or body that is shown.
const EXCERPT: usize = 600;

/// Why a request has no useful answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    /// There is no answer.
    Unsent(SendError),
    /// The answer is an error.
    Refused(Box<Refusal>),
    /// The answer is not understood.
    Malformed(String),
    /// An operation has not ended in time.
    Late(String),
}

/// An answer that is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// 0 when an operation failed that was accepted with a success.
    pub(crate) status: u16,
    /// Empty when the answer has none.
    pub(crate) code: String,
    /// Microsoft.Web's own, finer code.
    pub(crate) extended_code: Option<String>,
    pub(crate) message: String,
    /// Codes further in, outermost first.
    pub(crate) inner_codes: Vec<String>,
    /// How long to wait, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// By which Azure's support finds the request.
    pub(crate) request_id: Option<String>,
}

impl Refusal {
    /// Reads an answer.
    pub(crate) fn parse(response: &Response, now: Timestamp) -> Self {
        let parsed = serde_json::from_slice::<Value>(&response.body).ok();
        let mut refusal = parsed.as_ref().map(Self::of_body).unwrap_or_default();
        if refusal.message.is_empty() && refusal.code.is_empty() {
            refusal.message = excerpt(&String::from_utf8_lossy(&response.body));
        }
        refusal.status = response.status;
        refusal.retry_after_ms = wait_asked(response, now);
        refusal.request_id = header(response, "x-ms-correlation-request-id")
            .or_else(|| header(response, "x-ms-request-id"))
            .map(str::to_owned);
        refusal
    }

    /// Reads an error: `{"error":{…}}`, what is inside of that, or Microsoft.Web's own form.
    pub(crate) fn of_body(body: &Value) -> Self {
        let error = field(body, "error").filter(|error| error.is_object()).unwrap_or(body);
        let mut refusal =
            Self { code: text(error, "code"), message: excerpt(&text(error, "message")), ..Self::default() };
        let details = field(error, "details").and_then(Value::as_array);
        for detail in details.into_iter().flatten() {
            if let Some(entity) = field(detail, "errorentity") {
                refusal.extended_code = Some(text(entity, "extendedcode")).filter(|code| !code.is_empty());
            }
            refusal.inner_codes.push(text(detail, "code"));
        }
        let mut inner = field(error, "innererror");
        while let Some(error) = inner.filter(|error| error.is_object()) {
            refusal.inner_codes.push(text(error, "code"));
            inner = field(error, "innererror");
        }
        refusal.inner_codes.retain(|code| !code.is_empty());
        refusal
    }

    /// The name of the app is somebody else's.
    pub(crate) fn is_name_taken(&self) -> bool {
        self.extended_code.as_deref() == Some(NAME_TAKEN)
    }

    /// The resource is not there, be it that its group is not.
    pub(crate) fn is_absent(&self) -> bool {
        self.status == 404 && !self.is("SubscriptionNotFound")
    }

    /// Whether this is its code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.eq_ignore_ascii_case(code)
    }

    /// Status, code and message, for people.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::from("Azure answered");
        if self.status != 0 {
            text.push_str(&format!(" {}", self.status));
        }
        for code in
            [Some(&self.code).filter(|code| !code.is_empty()), self.extended_code.as_ref()].into_iter().flatten()
        {
            text.push_str(&format!(" {code}"));
        }
        if !self.message.is_empty() {
            text.push_str(&format!(": {}", self.message.trim_end_matches('.')));
        }
        if let Some(id) = &self.request_id {
            text.push_str(&format!(" (request {id})"));
        }
        text
    }
}

/// A member by its name, which one form writes `code` and the other `Code`.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text(value: &Value, name: &str) -> String {
    match field(value, name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The beginning of a text, on one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::response;

    const NOW: Timestamp = Timestamp { seconds: 0, nanoseconds: 0 };

    #[test]
    fn the_resource_managers_form() {
        let body = r#"{"error":{"code":"ResourceGroupNotFound","message":"Resource group 'x' could not be found.",
            "details":[{"code":"Deeper"}]}}"#;
        let refusal = Refusal::parse(&response(404, &[("x-ms-request-id", "r")], body), NOW);
        assert_eq!((refusal.status, refusal.code.as_str()), (404, "ResourceGroupNotFound"));
        assert_eq!(refusal.inner_codes, ["Deeper"]);
        assert_eq!(
            refusal.summary(),
            "Azure answered 404 ResourceGroupNotFound: Resource group 'x' could not be found (request r)"
        );
        assert!(refusal.is_absent());
    }

    #[test]
    fn the_providers_form() {
        let body = r#"{"Code":"Conflict","Message":"Website with given name X already exists.","Target":null,
            "Details":[{"Message":"…"},{"Code":"Conflict"},
            {"ErrorEntity":{"ExtendedCode":"54001","MessageTemplate":"…","Parameters":["X"],"Code":"Conflict"}}],
            "Innererror":null}"#;
        let refusal = Refusal::parse(&response(409, &[], body), NOW);
        assert_eq!((refusal.code.as_str(), refusal.extended_code.as_deref()), ("Conflict", Some("54001")));
        assert_eq!(refusal.message, "Website with given name X already exists.");
        assert!(refusal.is_name_taken());
        // The same words without the code mean nothing.
        let body = r#"{"Code":"Conflict","Message":"Website with given name X already exists."}"#;
        assert!(!Refusal::parse(&response(409, &[], body), NOW).is_name_taken());
    }

    #[test]
    fn nested_inner_errors_of_the_log_service() {
        let body = r#"{"error":{"code":"BadArgumentError","message":"m","innererror":{"code":"SemanticError",
            "innererror":{"code":"SEM0100","message":"Failed to resolve"}}}}"#;
        assert_eq!(Refusal::parse(&response(400, &[], body), NOW).inner_codes, ["SemanticError", "SEM0100"]);
    }

    #[test]
    fn what_is_no_error_document_is_shown_as_it_is() {
        let refusal = Refusal::parse(&response(502, &[], "<html>\nBad   Gateway</html>"), NOW);
        assert_eq!(refusal.summary(), "Azure answered 502: <html> Bad Gateway</html>");
        assert_eq!(Refusal::parse(&response(500, &[], ""), NOW).summary(), "Azure answered 500");
        assert_eq!(Refusal::parse(&response(500, &[], "[1]"), NOW).message, "[1]");
        let long = Refusal::parse(&response(500, &[], &"ü".repeat(5_000)), NOW);
        assert_eq!(long.message.chars().count(), EXCERPT + 1);
    }
}
