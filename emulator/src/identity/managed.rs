//! Managed identity: the metadata service of a virtual machine, and the endpoint of App Service. Both give tokens of the one
//! application, the latter also those of a site's identities to its containers. Times are answered as **strings**.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::tokens::Audience;
use crate::arm::{Choice, SiteIdentity};
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
    let asker = asker(world, exchange)?;
    if exchange.method != Method::GET {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Tokens are asked for with GET."));
    }
    let versions = ["2018-02-01", "2019-08-01", "2020-06-01"];
    if !parameter(&exchange.query, "api-version").is_some_and(|version| versions.contains(&version.as_str())) {
        return Err(invalid("Required query variable 'api-version' is missing, or is not a version of it"));
    }
    let Some(resource) = parameter(&exchange.query, "resource") else {
        return Err(invalid("Required query variable 'resource' is missing"));
    };
    let choice = choice(&exchange.query)?;
    let client_id = match asker {
        Asker::Application => match choice {
            Choice::System => identity.client_id.clone(),
            Choice::Client(id) if id.eq_ignore_ascii_case(&identity.client_id) => id,
            Choice::Client(_) | Choice::Principal(_) | Choice::Resource(_) => {
                return Err(invalid("Identity not found"));
            }
        },
        Asker::Site(site) => match site.choose(&choice) {
            Some(principal) => principal.client_id.clone(),
            None => {
                return Err(invalid(
                    "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
                ));
            }
        },
    };
    let Some(audience) = Audience::of_resource(world.names(), &resource) else {
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
            "client_id": client_id,
            "expires_in": lifetime.as_secs().to_string(),
            "expires_on": expiry.to_string(),
            "not_before": now.to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }),
    ))
}

/// Who asks.
enum Asker {
    /// The one application of the directory, as whatever machine or service has its identity.
    Application,
    /// A container of a site.
    Site(SiteIdentity),
}

/// Finds out who asks, by the header that each of the endpoints wants.
fn asker(world: &World, exchange: &Exchange) -> Result<Asker, Box<Answer>> {
    match exchange.path.trim_end_matches('/') {
        MACHINE_PATH if exchange.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) => {
            Ok(Asker::Application)
        }
        MACHINE_PATH => Err(invalid("Required metadata header not specified")),
        APP_SERVICE_PATH => {
            let secret = exchange.header("x-identity-header").unwrap_or_default();
            if !secret.is_empty() && secret == world.config().identity.identity_header {
                return Ok(Asker::Application);
            }
            world.arm.identity_of(secret).map(Asker::Site).ok_or_else(|| {
                refusal(StatusCode::UNAUTHORIZED, "unauthorized", "The X-IDENTITY-HEADER is not the secret.")
            })
        }
        _ => Err(refusal(StatusCode::NOT_FOUND, "not_found", "The emulator has no such metadata.")),
    }
}

/// Which identity is meant. Only one of the parameters may say so.
fn choice(query: &str) -> Result<Choice, Box<Answer>> {
    let named = [
        ("client_id", Choice::Client as fn(String) -> Choice),
        ("principal_id", Choice::Principal),
        ("object_id", Choice::Principal),
        ("mi_res_id", Choice::Resource),
    ];
    let mut given = named.into_iter().filter_map(|(name, choice)| parameter(query, name).map(choice));
    match (given.next(), given.next()) {
        (None, _) => Ok(Choice::System),
        (Some(choice), None) => Ok(choice),
        (Some(_), Some(_)) => {
            Err(invalid("Only one of client_id, principal_id, object_id and mi_res_id may be specified"))
        }
    }
}

fn invalid(message: &str) -> Box<Answer> {
    refusal(StatusCode::BAD_REQUEST, "invalid_request", message)
}

fn refusal(status: StatusCode, error: &str, message: &str) -> Box<Answer> {
    Box::new(Answer::json(status, &json!({ "error": error, "error_description": message })))
}
