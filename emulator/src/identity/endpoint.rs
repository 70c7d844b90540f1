//! `POST /{tenant}/oauth2/v2.0/token` with client credentials: a secret, or the assertion of a workload's platform.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::discovery;
use super::tokens::Audience;
use crate::http::query::parameter;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// An error in the form of the directory.
struct DirectoryError {
    status: StatusCode,
    error: &'static str,
    code: u32,
    message: String,
}

impl DirectoryError {
    fn bad_request(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, code, message: message.into() }
    }

    fn answer(&self, host: &str) -> Answer {
        let (trace, correlation, time) = (Uuid::new_v4(), Uuid::new_v4(), Timestamp::now());
        let Self { status, error, code, message } = self;
        Answer::json(
            *status,
            &json!({
                "error": error,
                "error_description": format!(
                    "AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time:.0}"
                ),
                "error_codes": [code],
                "timestamp": format!("{time:.0}"),
                "trace_id": trace.to_string(),
                "correlation_id": correlation.to_string(),
                "error_uri": format!("https://{host}/error?code={code}"),
            }),
        )
    }
}

/// Answers a request to the login host.
pub(crate) fn handle(world: &World, exchange: &Exchange) -> Answer {
    if let Some(answer) = discovery::answer(world, exchange) {
        return answer;
    }
    match token(world, exchange) {
        Ok(answer) => answer,
        Err(error) => error.answer(world.names().login[0]),
    }
}

fn token(world: &World, exchange: &Exchange) -> Result<Answer, DirectoryError> {
    let config = world.config();
    let identity = &config.identity;
    let segments: Vec<_> = exchange.path.trim_matches('/').split('/').collect();
    let [tenant, "oauth2", "v2.0", "token"] = segments.as_slice() else {
        return Ok(Answer::text(
            StatusCode::NOT_FOUND,
            "the emulator's directory only has POST /{tenant}/oauth2/v2.0/token\n",
        ));
    };
    if exchange.method != Method::POST {
        return Err(DirectoryError::bad_request(
            "invalid_request",
            900_561,
            "The endpoint only accepts POST requests.",
        ));
    }
    if !tenant.eq_ignore_ascii_case(&identity.tenant) {
        let message = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        return Err(DirectoryError::bad_request("invalid_request", 90_002, message));
    }
    let form = std::str::from_utf8(&exchange.body).unwrap_or_default();
    let field = |name: &str| {
        parameter(form, name).ok_or_else(|| {
            let message = format!("The request body must contain the following parameter: '{name}'.");
            DirectoryError::bad_request("invalid_request", 900_144, message)
        })
    };
    let grant = field("grant_type")?;
    if grant != "client_credentials" {
        let message = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(DirectoryError::bad_request("unsupported_grant_type", 70_003, message));
    }
    let client = field("client_id")?;
    if !client.eq_ignore_ascii_case(&identity.client_id) {
        let message = format!("Application with identifier '{client}' was not found in the directory '{tenant}'.");
        return Err(DirectoryError::bad_request("unauthorized_client", 700_016, message));
    }
    if let Some(kind) = parameter(form, "client_assertion_type") {
        assertion(&kind, &field("client_assertion")?, &identity.federated_token)?;
    } else if field("client_secret")? != identity.client_secret {
        return Err(DirectoryError {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            code: 7_000_215,
            message: format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                 value, not the client secret ID, for a secret added to app '{client}'."
            ),
        });
    }
    let scope = field("scope")?;
    let Some(audience) = Audience::of_scope(world.names(), &scope) else {
        return Err(if scope.ends_with("/.default") {
            let message = format!("The resource principal named {scope} was not found in the tenant.");
            DirectoryError::bad_request("invalid_resource", 500_011, message)
        } else {
            let message = format!(
                "The provided value for scope {scope} is not valid. Client credential flows must \
                 have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            );
            DirectoryError::bad_request("invalid_scope", 1_002_012, message)
        });
    };
    let lifetime = Duration::from_millis(identity.token_lifetime_ms);
    let token = world.tokens.issue(audience, lifetime).map_err(|error| DirectoryError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error: "server_error",
        code: 90_033,
        message: format!("A transient error has occurred: {error}."),
    })?;
    let seconds = lifetime.as_secs();
    Ok(Answer::json(
        StatusCode::OK,
        &json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token }),
    )
    .with_header("cache-control", "no-store, no-cache"))
}

/// Whether a workload is the application.
fn assertion(kind: &str, assertion: &str, expected: &str) -> Result<(), DirectoryError> {
    if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
        let message = format!("The client assertion type '{kind}' is not supported.");
        return Err(DirectoryError::bad_request("invalid_request", 900_144, message));
    }
    if assertion.trim() == expected {
        return Ok(());
    }
    Err(DirectoryError {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        code: 700_213,
        message: "No matching federated identity record found for the presented assertion.".to_owned(),
    })
}

/// An error that somebody wanted, in the form of the directory.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": code, "error_description": message, "error_codes": [] }))
}
