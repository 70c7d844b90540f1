//! Managed identity: the metadata service of a virtual machine, and the endpoint of App Service. Both give tokens of the one
//! application, and both answer times as **strings**.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::tokens::Audience;
use crate::http::query::parameter;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// The path of App Service's endpoint on the emulator's own address: what `IDENTITY_ENDPOINT` names.
pub(crate) const APP_SERVICE_PATH: &str = "/msi/token";

const MACHINE_PATH: &str = "/metadata/identity/oauth2/token";

/// Answers a request to either.
pub(crate) fn handle(world: &World, exchange: &Exchange) -> Answer {
    token(world, exchange).unwrap_or_else(|refusal| *refusal)
}

fn token(world: &World, exchange: &Exchange) -> Result<Answer, Box<Answer>> {
    let config = world.config();
    let identity = &config.identity;
    let is_allowed = match exchange.path.trim_end_matches('/') {
        MACHINE_PATH => exchange.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        APP_SERVICE_PATH if exchange.header("x-identity-header") == Some(&identity.identity_header) => true,
        APP_SERVICE_PATH => {
            return Err(refusal(StatusCode::UNAUTHORIZED, "unauthorized", "The X-IDENTITY-HEADER is not the secret."));
        }
        _ => return Err(refusal(StatusCode::NOT_FOUND, "not_found", "The emulator has no such metadata.")),
    };
    if exchange.method != Method::GET {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Tokens are asked for with GET."));
    }
    if !is_allowed {
        return Err(invalid("Required metadata header not specified"));
    }
    let versions = ["2018-02-01", "2019-08-01", "2020-06-01"];
    if !parameter(&exchange.query, "api-version").is_some_and(|version| versions.contains(&version.as_str())) {
        return Err(invalid("Required query variable 'api-version' is missing, or is not a version of it"));
    }
    let Some(resource) = parameter(&exchange.query, "resource") else {
        return Err(invalid("Required query variable 'resource' is missing"));
    };
    if parameter(&exchange.query, "client_id").is_some_and(|id| !id.eq_ignore_ascii_case(&identity.client_id)) {
        return Err(invalid("Identity not found"));
    }
    let Some(audience) = Audience::of_resource(&resource) else {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "invalid_resource",
            &format!("AADSTS500011: The resource principal named {resource} was not found in the tenant."),
        ));
    };
    let lifetime = Duration::from_millis(identity.token_lifetime_ms);
    let token = world.tokens.issue(audience, lifetime).map_err(|error| {
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "unknown", &format!("A transient error has occurred: {error}."))
    })?;
    let now = Timestamp::now().as_second();
    let expiry = now.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
    Ok(Answer::json(
        StatusCode::OK,
        &json!({
            "access_token": token,
            "client_id": identity.client_id,
            "expires_in": lifetime.as_secs().to_string(),
            "expires_on": expiry.to_string(),
            "not_before": now.to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }),
    ))
}

fn invalid(message: &str) -> Box<Answer> {
    refusal(StatusCode::BAD_REQUEST, "invalid_request", message)
}

fn refusal(status: StatusCode, error: &str, message: &str) -> Box<Answer> {
    Box::new(Answer::json(status, &json!({ "error": error, "error_description": message })))
}
