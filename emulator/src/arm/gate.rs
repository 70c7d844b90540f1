//! What every request to the resource manager passes: token, rate limit, API version, subscription,
//! group; then the way to the resource.

use http::{Method, StatusCode};
use uuid::Uuid;

use super::error::ArmError;
use super::path::{ResourcePath, Target};
use super::{names, operations, others, permissions, plans, sites};
use crate::http::query::parameter;
use crate::http::{Answer, Exchange};
use crate::identity::{Audience, Refusal};
use crate::world::World;

/// What a handler gives.
pub(super) type Reply = Result<Answer, ArmError>;

/// Answers a request to the resource manager.
pub(crate) fn handle(world: &World, exchange: &Exchange) -> Answer {
    let (answer, remaining) = match authorize(world, exchange) {
        Err(error) => (error.answer(), None),
        Ok(()) => match world.arm.throttle(&world.config().arm.throttle, &exchange.method) {
            Err(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let error = ArmError::too_many_requests().with_header("retry-after", seconds.to_string());
                (error.answer(), None)
            }
            Ok(remaining) => (route(world, exchange).unwrap_or_else(|error| error.answer()), Some(remaining)),
        },
    };
    let id = Uuid::new_v4().to_string();
    let answer = answer.with_header("x-ms-request-id", &id).with_header("x-ms-correlation-request-id", &id);
    match remaining {
        Some((header, left)) => answer.with_header(header, left.to_string()),
        None => answer,
    }
}

fn authorize(world: &World, exchange: &Exchange) -> Result<(), ArmError> {
    world.tokens.check(exchange.bearer(), Audience::Arm).map_err(|refusal| {
        let unauthorized = |code: &str, message: &str| {
            let challenge = format!(
                "Bearer authorization_uri=\"https://{}/{}\", error=\"invalid_token\", \
                 error_description=\"{message}\"",
                world.names().login[0],
                world.config().identity.tenant
            );
            ArmError::new(StatusCode::UNAUTHORIZED, code, message).with_header("www-authenticate", challenge)
        };
        match refusal {
            Refusal::Missing => unauthorized(
                "InvalidAuthenticationToken",
                "The authentication failed because of missing 'Authorization' header.",
            ),
            Refusal::Invalid => unauthorized("InvalidAuthenticationToken", "The access token is invalid."),
            Refusal::Expired => unauthorized("ExpiredAuthenticationToken", "The access token has expired."),
            Refusal::Audience => ArmError::new(
                StatusCode::FORBIDDEN,
                "InvalidAuthenticationTokenAudience",
                format!(
                    "The access token has been obtained for wrong audience or resource. It should exactly match one of \
                     the allowed audiences {}.",
                    world
                        .names()
                        .arm_resources
                        .iter()
                        .rev()
                        .map(|name| format!("'{name}/'"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
        }
    })
}

fn route(world: &World, exchange: &Exchange) -> Reply {
    let path = ResourcePath::parse(&exchange.path).ok_or_else(|| {
        let message = format!(
            "The emulator has no resource at '{}'. It has sites, plans, operations and a workspace.",
            exchange.path
        );
        ArmError::new(StatusCode::NOT_FOUND, "InvalidResourceType", message)
    })?;
    check_version(world, exchange, &path.target)?;
    if !path.subscription.eq_ignore_ascii_case(&world.config().arm.subscription) {
        let message = format!("The subscription '{}' could not be found.", path.subscription);
        return Err(ArmError::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", message));
    }
    let get = |answer: fn(&World, &Exchange) -> Reply| match exchange.method {
        Method::GET => answer(world, exchange),
        _ => Err(ArmError::method_not_allowed()),
    };
    if !is_others(&path.target) && !world.arm.provider_passes(&world.config().arm.throttle) {
        return Err(ArmError::provider_throttled());
    }
    permissions::check(world, exchange, &path.target)?;
    match path.target {
        Target::Subscription => get(others::subscription),
        Target::Group { group } => others::group(world, exchange, &group_of(world, &group)?),
        Target::Workspace { group, name } => others::workspace(world, exchange, &group_of(world, &group)?, &name),
        Target::Permissions { group } => {
            group_of(world, &group)?;
            get(permissions::list)
        }
        Target::Sites { group } => {
            let group = group.map(|group| group_of(world, &group)).transpose()?;
            sites::list(world, exchange, group.as_deref())
        }
        Target::Site { group, name, rest } => sites::handle(world, exchange, &group_of(world, &group)?, &name, &rest),
        Target::Plans { group } => {
            let group = group.map(|group| group_of(world, &group)).transpose()?;
            plans::list(world, exchange, group.as_deref())
        }
        Target::Plan { group, name } => plans::handle(world, exchange, &group_of(world, &group)?, &name),
        Target::CheckName if exchange.method == Method::POST => names::check(world, exchange),
        Target::CheckName => Err(ArmError::method_not_allowed()),
        Target::Operation { id, result } => operations::poll(world, exchange, &id, result),
    }
}

/// The group as it is written in the subscription.
fn group_of(world: &World, name: &str) -> Result<String, ArmError> {
    let config = world.config();
    let groups = &config.arm.resource_groups;
    let group = groups.iter().find(|group| group.eq_ignore_ascii_case(name));
    group.cloned().ok_or_else(|| ArmError::no_group(name))
}

fn check_version(world: &World, exchange: &Exchange, target: &Target) -> Result<(), ArmError> {
    let Some(version) = parameter(&exchange.query, "api-version") else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(ArmError::new(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message));
    };
    let config = world.config();
    let versions = &config.arm.api_versions;
    let is_known = match target {
        target if is_others(target) => is_version(&version),
        _ => versions.contains(&version),
    };
    if is_known {
        return Ok(());
    }
    let message = format!(
        "The api-version '{version}' is invalid. The supported versions are '{}'.",
        versions.iter().rev().map(String::as_str).collect::<Vec<_>>().join(",")
    );
    Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", message))
}

/// Whether it is another provider's than Microsoft.Web's.
fn is_others(target: &Target) -> bool {
    matches!(
        target,
        Target::Subscription | Target::Group { .. } | Target::Workspace { .. } | Target::Permissions { .. }
    )
}

/// Whether it has the form of a version; those of other providers are not listed here.
fn is_version(version: &str) -> bool {
    version.get(..10).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok())
}
