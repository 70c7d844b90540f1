//! Who may ask: whoever has the account's key, or a token for storage.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::rfc2822;

use super::error::StorageError;
use super::signature;
use crate::config::StorageAccountConfig;
use crate::http::Exchange;
use crate::identity::{Audience, Refusal};
use crate::world::World;

/// How far the date of a signed request may be from now.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// The first version in which a token opens files, and that in which it opens shares as well.
const TOKENS_FOR_FILES: Date = Date::constant(2022, 11, 2);
const TOKENS_FOR_SHARES: Date = Date::constant(2024, 11, 4);

/// Checks who asks. `is_share` says whether it is for the share itself.
pub(super) fn check(
    world: &World,
    account: &StorageAccountConfig,
    exchange: &Exchange,
    is_share: bool,
) -> Result<(), StorageError> {
    let tenant = || world.config().identity.tenant.clone();
    let authorization = exchange.header("authorization").ok_or_else(|| StorageError::anonymous(&tenant()))?;
    let version = version(exchange)?;
    let (scheme, proof) = authorization.split_once(' ').unwrap_or((authorization, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "sharedkey" => shared_key(account, exchange, proof),
        "bearer" => {
            let first = if is_share { TOKENS_FOR_SHARES } else { TOKENS_FOR_FILES };
            if version < first {
                let detail = format!("Authentication scheme Bearer is not supported in this version before {first}.");
                return Err(StorageError::unauthenticated(&detail));
            }
            token(world, exchange)
        }
        _ => {
            let message = "Authentication information is not given in the correct format. Check the value of Authorization header.";
            Err(StorageError::new(StatusCode::BAD_REQUEST, "InvalidAuthenticationInfo", message))
        }
    }
}

/// The version of the service that the client speaks.
pub(super) fn version(exchange: &Exchange) -> Result<Date, StorageError> {
    let version = exchange.header("x-ms-version").ok_or_else(|| StorageError::missing_header("x-ms-version"))?;
    version.parse().map_err(|_| StorageError::invalid_header("x-ms-version"))
}

fn shared_key(account: &StorageAccountConfig, exchange: &Exchange, proof: &str) -> Result<(), StorageError> {
    let (name, signature) = proof.split_once(':').unwrap_or((proof, ""));
    if name != account.name {
        return Err(StorageError::unauthenticated("The account is another one than that of the host."));
    }
    let date = exchange.header("x-ms-date").or_else(|| exchange.header("date"));
    let date = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp());
    let is_recent = date.is_some_and(|date| Timestamp::now().duration_since(date).unsigned_abs() <= SKEW);
    if !is_recent {
        return Err(StorageError::unauthenticated("Request date header too old, too far in the future, or missing."));
    }
    if !signature::is_valid(exchange, &account.name, &account.key, signature) {
        return Err(StorageError::unauthenticated(
            "The MAC signature found in the HTTP request is not the same as any computed signature.",
        ));
    }
    Ok(())
}

fn token(world: &World, exchange: &Exchange) -> Result<(), StorageError> {
    world.tokens.check(exchange.bearer(), Audience::Storage).map_err(|refusal| match refusal {
        Refusal::Audience => StorageError::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationInfo",
            "Server failed to authenticate the request. Audience validation failed.",
        ),
        Refusal::Missing | Refusal::Invalid | Refusal::Expired => StorageError::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationInfo",
            "Server failed to authenticate the request. The token is invalid or has expired.",
        ),
    })?;
    match exchange.header("x-ms-file-request-intent") {
        Some("backup") => Ok(()),
        Some(_) => Err(StorageError::invalid_header("x-ms-file-request-intent")),
        None => Err(StorageError::missing_header("x-ms-file-request-intent")),
    }
}
