//! What the client may do: told by Microsoft.Authorization, and held against what it does with sites.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::error::ArmError;
use super::gate::Reply;
use super::path::Target;
use crate::config::PermissionConfig;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// `GET {scope}/providers/Microsoft.Authorization/permissions`.
pub(super) fn list(world: &World, _: &Exchange) -> Reply {
    let config = world.config();
    let value: Vec<Value> = config
        .arm
        .permissions
        .iter()
        .map(|PermissionConfig { actions, not_actions }| {
            json!({ "actions": actions, "notActions": not_actions, "dataActions": [], "notDataActions": [] })
        })
        .collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "value": value })))
}

/// Refuses what nobody has granted. Only what is done with sites is held against it.
pub(super) fn check(world: &World, exchange: &Exchange, target: &Target) -> Result<(), ArmError> {
    let Target::Site { rest, .. } = target else { return Ok(()) };
    let action = site_action(&exchange.method, rest);
    let config = world.config();
    if config.arm.permissions.iter().any(|permission| grants(permission, &action)) {
        return Ok(());
    }
    let client = &config.identity.client_id;
    let message = format!(
        "The client '{client}' with object id '{client}' does not have authorization to perform action '{action}' over scope '{}' \
         or the scope is invalid. If access was recently granted, please refresh your credentials.",
        exchange.path
    );
    Err(ArmError::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message))
}

/// The action behind a request to a site, or to what is below it.
fn site_action(method: &Method, rest: &str) -> String {
    let verb = match *method {
        Method::GET | Method::HEAD => "read",
        Method::DELETE => "delete",
        Method::POST => "action",
        _ => "write",
    };
    let below = match rest.strip_prefix("config/") {
        None => rest.to_owned(),
        // The name of what is configured is not part of the action, but what is done with it is.
        Some(config) => match config.split_once('/') {
            None => "config".to_owned(),
            Some((_, below)) => format!("config/{below}"),
        },
    };
    ["Microsoft.Web/sites", &below, verb].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn grants(permission: &PermissionConfig, action: &str) -> bool {
    let fits = |patterns: &[String]| patterns.iter().any(|pattern| is_match(pattern, action));
    fits(&permission.actions) && !fits(&permission.not_actions)
}

/// Whether a pattern, in which `*` stands for anything, fits the whole text. Case is of no matter.
fn is_match(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(text),
        Some((front, rest)) => {
            let has_front = text.get(..front.len()).is_some_and(|start| start.eq_ignore_ascii_case(front));
            has_front && (front.len()..=text.len()).any(|at| text.get(at..).is_some_and(|end| is_match(rest, end)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_with_a_site_has_a_name() {
        for (method, rest, action) in [
            (Method::PUT, "", "Microsoft.Web/sites/write"),
            (Method::DELETE, "", "Microsoft.Web/sites/delete"),
            (Method::POST, "config/appsettings/list", "Microsoft.Web/sites/config/list/action"),
            (Method::PUT, "config/appsettings", "Microsoft.Web/sites/config/write"),
            (Method::POST, "containerlogs", "Microsoft.Web/sites/containerlogs/action"),
        ] {
            assert_eq!(site_action(&method, rest), action);
        }
    }

    #[test]
    fn patterns() {
        assert!(is_match("microsoft.web/sites/*", "Microsoft.Web/sites/config/list/action"));
        assert!(is_match("*/read", "Microsoft.Web/sites/read"));
        assert!(!is_match("*/read", "Microsoft.Web/sites/write"));
        assert!(!is_match("Microsoft.Web/sites", "Microsoft.Web/sites/write"));
        let but = PermissionConfig { actions: vec!["*".to_owned()], not_actions: vec!["*/delete".to_owned()] };
        assert!(grants(&but, "a/write") && !grants(&but, "a/delete"));
    }
}
