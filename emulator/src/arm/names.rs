//! Names of sites.

use http::StatusCode;
use serde_json::json;

use super::error::ArmError;
use super::gate::Reply;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// Why a name cannot be that of a site; `None` when it can.
pub(super) fn fault(name: &str) -> Option<&'static str> {
    if !(2..=60).contains(&name.len()) {
        return Some("The name must have between 2 and 60 characters.");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Some("The name can contain letters, numbers, and hyphens only.");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Some("The name cannot start or end with a hyphen.");
    }
    None
}

/// `checknameavailability`.
pub(super) fn check(world: &World, exchange: &Exchange) -> Reply {
    #[derive(serde::Deserialize)]
    struct Body {
        name: String,
    }
    let body: Body =
        serde_json::from_slice(&exchange.body).map_err(|error| ArmError::invalid_body(error.to_string()))?;
    let answer = if let Some(reason) = fault(&body.name) {
        json!({ "nameAvailable": false, "reason": "Invalid", "message": reason })
    } else if is_taken(world, &body.name) {
        let message = format!("Hostname '{}' already exists. Please select a different name.", body.name);
        json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": message })
    } else {
        json!({ "nameAvailable": true, "reason": "", "message": "" })
    };
    Ok(Answer::json(StatusCode::OK, &answer))
}

/// Whether a site of this name exists: here, or with somebody else.
fn is_taken(world: &World, name: &str) -> bool {
    taken_elsewhere(world, name) || world.arm.state().sites.contains_key(&name.to_ascii_lowercase())
}

/// Whether somebody else in Azure has the name.
pub(super) fn taken_elsewhere(world: &World, name: &str) -> bool {
    world.config().arm.taken_names.iter().any(|taken| taken.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_inner_hyphens() {
        for name in ["a1", "skls-0123456789ab", &"x".repeat(60)] {
            assert_eq!(fault(name), None, "{name}");
        }
        for name in ["", "a", "-ab", "ab-", "a_b", "a.b", "ü1", &"x".repeat(61)] {
            assert!(fault(name).is_some(), "{name}");
        }
    }
}
