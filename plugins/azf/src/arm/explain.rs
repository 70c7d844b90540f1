//! Failures as errors of this backend: what was attempted, what happened, what to do next.
//!
//! Branches on status, code and extended code, never on the words of a message.

use super::error::{Failure, REFERENCE_NOT_FOUND, Refusal};
use crate::bindings::http::HttpError;
use crate::bindings::types::{Error, Throttle};
use crate::config;
use crate::world::SendError;

/// The error for Docker's client. `attempt` says what was attempted: "the function app x could not be made".
pub(crate) fn explain(failure: Failure, attempt: &str) -> Error {
    match failure {
        Failure::Unsent(error) => send_error(&error, attempt),
        Failure::Refused(refusal) => refused(&refusal, attempt),
        Failure::Malformed(text) => Error::Other(format!("{attempt}: {text}")),
        Failure::Late(text) => Error::Timeout(format!("{attempt}: {text}")),
    }
}

/// The error of a request that has no answer.
pub(crate) fn send_error(error: &SendError, attempt: &str) -> Error {
    let text = format!("{attempt}: {error}");
    match error {
        SendError::ScopeDenied(_) => Error::Denied(text),
        SendError::Unsigned(_) => Error::Denied(format!(
            "{text}. Give the daemon a credential for Azure: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, a \
             workload or managed identity, or a login of the Azure CLI."
        )),
        SendError::Http(HttpError::Denied(_)) => Error::Denied(text),
        SendError::Http(HttpError::Connect(_) | HttpError::Interrupted(_) | HttpError::Exhausted(_)) => {
            Error::Unavailable(text)
        }
        SendError::Http(HttpError::Timeout(_)) => Error::Timeout(text),
        SendError::Http(HttpError::Invalid(_) | HttpError::TooLarge(_) | HttpError::Other(_)) => Error::Other(text),
    }
}

/// The text of an error.
pub(crate) fn error_text(error: &Error) -> &str {
    match error {
        Error::Throttled(throttle) => &throttle.message,
        Error::NotFound(text)
        | Error::Conflict(text)
        | Error::NameTaken(text)
        | Error::Invalid(text)
        | Error::Configuration(text)
        | Error::Denied(text)
        | Error::Unavailable(text)
        | Error::Timeout(text)
        | Error::NotSupported(text)
        | Error::Other(text) => text,
    }
}

fn refused(refusal: &Refusal, attempt: &str) -> Error {
    let text = format!("{attempt}: {}.", refusal.summary());
    let advised = |advice: &str| format!("{text} {advice}");
    let code = refusal.code.to_ascii_lowercase();
    match (refusal.status, code.as_str()) {
        (429, _) => Error::Throttled(Throttle { message: text, retry_after_ms: refusal.retry_after_ms }),
        (_, "subscriptionnotfound" | "invalidsubscriptionid") => {
            Error::Configuration(advised(&format!("Check {}.", config::SUBSCRIPTION_ID)))
        }
        (_, "resourcegroupnotfound") => Error::Configuration(advised(&format!(
            "Check {}, or make the group: az group create.",
            config::RESOURCE_GROUP
        ))),
        (_, "missingsubscriptionregistration") => Error::Configuration(advised(
            "Register the provider in the subscription: az provider register --namespace Microsoft.Web.",
        )),
        (_, "locationnotavailableforresourcetype" | "invalidlocation" | "locationrequired") => {
            Error::Configuration(advised(&format!("Check {}.", config::LOCATION)))
        }
        (_, "scopelocked") => Error::Conflict(advised("A lock on the resource or its group forbids it.")),
        _ if code.contains("quota") => Error::Unavailable(advised(
            "The subscription's quota is used up: remove function apps, or ask Azure for more.",
        )),
        (401, _) => {
            Error::Denied(advised("Azure does not take the daemon's token: check the credential and its tenant."))
        }
        (403, "invalidauthenticationtokenaudience") => {
            Error::Denied(advised(&format!("The token is for another service: check {}.", config::CLOUD)))
        }
        (403, _) => Error::Denied(advised(&format!(
            "Give the daemon's identity the role \"Website Contributor\" on the resource group of {}: az role assignment create.",
            config::RESOURCE_GROUP
        ))),
        (404, _) if refusal.extended_code.as_deref() == Some(REFERENCE_NOT_FOUND) => {
            Error::Configuration(advised(&format!("Check that the plan of {} exists.", config::APP_SERVICE_PLAN)))
        }
        (404, _) => Error::NotFound(text),
        (409 | 412, _) => Error::Conflict(text),
        (400 | 405 | 413 | 422, _) => Error::Invalid(text),
        (408 | 500..=599, _) => Error::Unavailable(text),
        _ => Error::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, code: &str, extended_code: Option<&str>) -> Error {
        let refusal = Refusal {
            status,
            code: code.to_owned(),
            extended_code: extended_code.map(str::to_owned),
            message: "words".to_owned(),
            retry_after_ms: Some(7),
            ..Refusal::default()
        };
        explain(Failure::Refused(Box::new(refusal)), "it could not be made")
    }

    #[test]
    fn each_refusal_has_its_error_and_its_advice() {
        type Is = fn(&Error) -> bool;
        let cases: [(u16, &str, Option<&str>, Is, &str); 16] = [
            (401, "ExpiredAuthenticationToken", None, |e| matches!(e, Error::Denied(_)), "token"),
            (403, "AuthorizationFailed", None, |e| matches!(e, Error::Denied(_)), "Website Contributor"),
            (403, "InvalidAuthenticationTokenAudience", None, |e| matches!(e, Error::Denied(_)), config::CLOUD),
            (404, "ResourceGroupNotFound", None, |e| matches!(e, Error::Configuration(_)), config::RESOURCE_GROUP),
            (404, "SubscriptionNotFound", None, |e| matches!(e, Error::Configuration(_)), config::SUBSCRIPTION_ID),
            (404, "NotFound", Some("51004"), |e| matches!(e, Error::Configuration(_)), config::APP_SERVICE_PLAN),
            (404, "ResourceNotFound", None, |e| matches!(e, Error::NotFound(_)), "words"),
            (409, "MissingSubscriptionRegistration", None, |e| matches!(e, Error::Configuration(_)), "az provider"),
            (409, "ScopeLocked", None, |e| matches!(e, Error::Conflict(_)), "lock"),
            (409, "Conflict", None, |e| matches!(e, Error::Conflict(_)), "words"),
            (400, "QuotaExceeded", None, |e| matches!(e, Error::Unavailable(_)), "quota"),
            (
                400,
                "LocationNotAvailableForResourceType",
                None,
                |e| matches!(e, Error::Configuration(_)),
                config::LOCATION,
            ),
            (400, "BadRequest", None, |e| matches!(e, Error::Invalid(_)), "words"),
            (503, "ServerBusy", None, |e| matches!(e, Error::Unavailable(_)), "ServerBusy"),
            (418, "", None, |e| matches!(e, Error::Other(_)), "418"),
            (0, "BadRequest", None, |e| matches!(e, Error::Other(_)), "words"),
        ];
        for (status, code, extended_code, is, advice) in cases {
            let error = error(status, code, extended_code);
            assert!(is(&error), "{status} {code}: {error:?}");
            let text = format!("{error:?}");
            assert!(text.contains(advice) && text.contains("it could not be made: "), "{text}");
        }
    }

    #[test]
    fn a_throttle_says_how_long() {
        let Error::Throttled(throttle) = error(429, "TooManyRequests", None) else { panic!() };
        assert_eq!(throttle.retry_after_ms, Some(7));
    }

    #[test]
    fn requests_without_an_answer() {
        let error = |error| send_error(&error, "it could not be made");
        assert!(
            matches!(error(SendError::Unsigned("none".into())), Error::Denied(text) if text.contains("AZURE_TENANT_ID"))
        );
        assert!(matches!(error(SendError::ScopeDenied("no".into())), Error::Denied(_)));
        assert!(matches!(error(SendError::Http(HttpError::Denied("no".into()))), Error::Denied(_)));
        assert!(matches!(error(SendError::Http(HttpError::Connect("no".into()))), Error::Unavailable(_)));
        assert!(matches!(error(SendError::Http(HttpError::Timeout("no".into()))), Error::Timeout(_)));
        assert!(matches!(error(SendError::Http(HttpError::TooLarge(1))), Error::Other(_)));
    }
}
