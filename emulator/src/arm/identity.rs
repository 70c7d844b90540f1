//! The managed identities of a site: one of its own, and any that its owner made.
//!
//! The directory draws their ids at random; here they are derived from what they are of, so that the same identity has the same
//! ids in every app and at every start.

use std::collections::BTreeMap;

use http::StatusCode;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use uuid::{Builder, Uuid};

use super::error::ArmError;

/// What the directory knows an identity by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) client_id: String,
    pub(crate) principal_id: String,
}

impl Principal {
    fn of(what: &str) -> Self {
        Self { client_id: derived("client", what), principal_id: derived("principal", what) }
    }
}

fn derived(kind: &str, what: &str) -> String {
    let hash = digest(&SHA256, format!("{kind} {}", what.to_ascii_lowercase()).as_bytes());
    let bytes = hash.as_ref().first_chunk().copied().unwrap_or_default();
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Which identity a container wants a token of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The site's own.
    System,
    /// By its client id.
    Client(String),
    /// By its principal (object) id.
    Principal(String),
    /// By its resource id.
    Resource(String),
}

/// Everything about the identities of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteIdentity {
    system: Option<Principal>,
    /// By resource id, as the owner wrote it.
    assigned: BTreeMap<String, Principal>,
    /// What the containers of the site show when they ask for a token.
    pub(crate) secret: String,
}

impl SiteIdentity {
    /// Reads `identity` of a body; nothing if it takes all identities away. `site` is the site's path, `secret` the one that it
    /// has already.
    pub(super) fn read(value: &Value, site: &str, secret: Option<String>) -> Result<Option<Self>, ArmError> {
        let invalid = |message: String| ArmError::new(StatusCode::BAD_REQUEST, "InvalidIdentityType", message);
        if value.is_null() {
            return Ok(None);
        }
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let (mut system, mut takes_assigned) = (None, false);
        for part in kind.split(',').map(str::trim) {
            match part.to_ascii_lowercase().as_str() {
                "none" => {}
                "systemassigned" => system = Some(Principal::of(site)),
                "userassigned" => takes_assigned = true,
                _ => return Err(invalid(format!("The identity type '{kind}' is not valid."))),
            }
        }
        let listed = value.get("userAssignedIdentities").and_then(Value::as_object).into_iter().flatten();
        let assigned: BTreeMap<_, _> =
            listed.filter(|(_, value)| !value.is_null()).map(|(id, _)| (id.clone(), Principal::of(id))).collect();
        if takes_assigned == assigned.is_empty() {
            let message = "userAssignedIdentities must name identities if, and only if, the type has UserAssigned.";
            return Err(invalid(message.to_owned()));
        }
        let secret = secret.unwrap_or_else(|| Uuid::new_v4().simple().to_string().to_ascii_uppercase());
        Ok((system.is_some() || takes_assigned).then_some(Self { system, assigned, secret }))
    }

    /// As it is in the body of an answer.
    pub(super) fn view(&self, tenant: &str) -> Value {
        let kind = match (&self.system, self.assigned.is_empty()) {
            (Some(_), true) => "SystemAssigned",
            (Some(_), false) => "SystemAssigned, UserAssigned",
            (None, _) => "UserAssigned",
        };
        let mut view = json!({ "type": kind });
        if let Some(Principal { principal_id, .. }) = &self.system {
            view["principalId"] = json!(principal_id);
            view["tenantId"] = json!(tenant);
        }
        if !self.assigned.is_empty() {
            let one = |(id, Principal { client_id, principal_id }): (&String, &Principal)| {
                (id.clone(), json!({ "principalId": principal_id, "clientId": client_id }))
            };
            view["userAssignedIdentities"] = Value::Object(self.assigned.iter().map(one).collect::<Map<_, _>>());
        }
        view
    }

    /// The identity that a container means, if the site has it.
    pub(crate) fn choose(&self, choice: &Choice) -> Option<&Principal> {
        let all = || self.system.iter().chain(self.assigned.values());
        match choice {
            Choice::System => self.system.as_ref(),
            Choice::Client(id) => all().find(|principal| principal.client_id.eq_ignore_ascii_case(id)),
            Choice::Principal(id) => all().find(|principal| principal.principal_id.eq_ignore_ascii_case(id)),
            Choice::Resource(id) => {
                self.assigned.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, principal)| principal)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Result<Option<SiteIdentity>, ArmError> {
        SiteIdentity::read(value, "/sites/a", None)
    }

    #[test]
    fn each_is_found_by_what_it_is_known_by() {
        let body = json!({ "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": { "/ids/One": {}, "/ids/two": {} } });
        let identity = read(&body).unwrap().unwrap();
        let view = identity.view("t");
        assert_eq!((&view["type"], &view["tenantId"]), (&json!("SystemAssigned, UserAssigned"), &json!("t")));
        let shown = &view["userAssignedIdentities"]["/ids/One"];
        let one = identity.choose(&Choice::Resource("/IDS/one".to_owned())).unwrap();
        assert_eq!((&shown["clientId"], &shown["principalId"]), (&json!(one.client_id), &json!(one.principal_id)));
        assert_eq!(identity.choose(&Choice::Client(one.client_id.to_uppercase())), Some(one));
        assert_eq!(identity.choose(&Choice::Principal(one.principal_id.clone())), Some(one));
        assert_ne!(identity.choose(&Choice::System), Some(one));
        assert_eq!(identity.choose(&Choice::Client("other".to_owned())), None);

        let only =
            read(&json!({ "type": "UserAssigned", "userAssignedIdentities": { "/ids/one": {} } })).unwrap().unwrap();
        assert_eq!(only.choose(&Choice::System), None);
        assert_eq!(only.choose(&Choice::Resource("/ids/one".to_owned())), Some(one));
    }

    #[test]
    fn type_and_list_belong_together() {
        assert_eq!(read(&json!({ "type": "None" })).unwrap(), None);
        assert_eq!(read(&Value::Null).unwrap(), None);
        for body in [
            json!({ "type": "Own" }),
            json!({}),
            json!({ "type": "UserAssigned" }),
            json!({ "type": "UserAssigned", "userAssignedIdentities": { "/id": null } }),
            json!({ "type": "SystemAssigned", "userAssignedIdentities": { "/id": {} } }),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }
}
