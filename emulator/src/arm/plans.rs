//! App Service plans.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::error::ArmError;
use super::gate::Reply;
use super::state::{State, plan_key};
use crate::config::PlanConfig;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// A plan that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    name: String,
    group: String,
    location: String,
    sku: String,
    tags: BTreeMap<String, String>,
}

impl Plan {
    pub(super) fn from_config(config: &PlanConfig) -> Self {
        Self {
            name: config.name.clone(),
            group: config.resource_group.clone(),
            location: config.location.clone(),
            sku: config.sku.clone(),
            tags: BTreeMap::new(),
        }
    }

    /// Whether it runs custom containers.
    pub(super) fn runs_containers(&self) -> bool {
        !matches!(self.tier(), "Dynamic" | "FlexConsumption" | "Free" | "Shared")
    }

    pub(super) fn tier(&self) -> &'static str {
        let sku = self.sku.to_ascii_uppercase();
        match sku.as_bytes() {
            [b'Y', ..] => "Dynamic",
            [b'F', b'C', ..] => "FlexConsumption",
            [b'F', ..] => "Free",
            [b'D', ..] => "Shared",
            [b'E', b'P', ..] => "ElasticPremium",
            [b'B', ..] => "Basic",
            [b'S', ..] => "Standard",
            [b'I', ..] => "IsolatedV2",
            [b'P', .., b'V', b'2'] => "PremiumV2",
            _ => "PremiumV3",
        }
    }

    /// The body of an answer.
    pub(super) fn view(&self, subscription: &str) -> Value {
        let Self { name, group, location, sku, tags } = self;
        let tier = self.tier();
        json!({
            "id": format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/serverfarms/{name}"),
            "name": name,
            "type": "Microsoft.Web/serverfarms",
            "kind": if tier == "ElasticPremium" { "elastic" } else { "linux" },
            "location": location,
            "tags": tags,
            "sku": { "name": sku, "tier": tier, "size": sku, "family": sku.get(..1), "capacity": 1 },
            "properties": {
                "status": "Ready", "reserved": true, "provisioningState": "Succeeded", "resourceGroup": group,
            },
        })
    }
}

/// The plans of the subscription or of one group, on one page.
pub(super) fn list(world: &World, exchange: &Exchange, group: Option<&str>) -> Reply {
    if exchange.method != Method::GET {
        return Err(ArmError::method_not_allowed());
    }
    let subscription = &world.config().arm.subscription;
    let state = world.arm.state();
    let plans = state.plans.values().filter(|plan| group.is_none_or(|group| plan.group.eq_ignore_ascii_case(group)));
    let value: Vec<_> = plans.map(|plan| plan.view(subscription)).collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "value": value, "nextLink": null })))
}

/// GET, PUT and DELETE of one plan.
pub(super) fn handle(world: &World, exchange: &Exchange, group: &str, name: &str) -> Reply {
    let config = world.config();
    let subscription = &config.arm.subscription;
    let key = plan_key(group, name);
    let mut state = world.arm.state();
    match exchange.method {
        Method::GET => match state.plans.get(&key) {
            Some(plan) => Ok(Answer::json(StatusCode::OK, &plan.view(subscription))),
            None => Err(ArmError::not_found("Microsoft.Web/serverFarms", name, group)),
        },
        Method::PUT => {
            let plan = read(exchange, group, name)?;
            let view = plan.view(subscription);
            state.plans.insert(key, plan);
            Ok(Answer::json(StatusCode::OK, &view))
        }
        Method::DELETE => {
            if let Some(site) = site_on(&state, group, name) {
                return Err(ArmError::conflict(format!(
                    "Server farm '{name}' cannot be deleted because it has web app(s) {site} assigned to it."
                )));
            }
            let was_there = state.plans.remove(&key).is_some();
            Ok(Answer::empty(if was_there { StatusCode::OK } else { StatusCode::NO_CONTENT }))
        }
        _ => Err(ArmError::method_not_allowed()),
    }
}

fn read(exchange: &Exchange, group: &str, name: &str) -> Result<Plan, ArmError> {
    #[derive(serde::Deserialize)]
    struct Sku {
        name: String,
    }
    #[derive(serde::Deserialize)]
    struct Body {
        location: String,
        sku: Sku,
        #[serde(default)]
        tags: BTreeMap<String, String>,
    }
    let body: Body =
        serde_json::from_slice(&exchange.body).map_err(|error| ArmError::invalid_body(error.to_string()))?;
    Ok(Plan {
        name: name.to_owned(),
        group: group.to_owned(),
        location: body.location,
        sku: body.sku.name,
        tags: body.tags,
    })
}

/// The name of a site on a plan.
fn site_on(state: &State, group: &str, name: &str) -> Option<String> {
    let key = plan_key(group, name);
    let mut sites = state.sites.values();
    sites.find(|site| key_of_id(&site.draft.plan_id, &site.draft.group) == key).map(|site| site.draft.name.clone())
}

/// The key of the plan that a `serverFarmId` names: a whole id, or a name in the site's own group.
pub(super) fn key_of_id(id: &str, group: &str) -> (String, String) {
    let segments: Vec<_> = id.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        [_, _, _, group, _, _, _, name] => plan_key(group, name),
        [name] => plan_key(group, name),
        _ => (String::new(), id.to_ascii_lowercase()),
    }
}

/// Takes a plan away when no site is left on it.
pub(super) fn remove_if_empty(state: &mut State, plan_id: &str, group: &str) {
    let key = key_of_id(plan_id, group);
    if site_on(state, &key.0, &key.1).is_none() {
        state.plans.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_plans_run_containers() {
        let runs = |sku: &str| {
            Plan {
                name: String::new(),
                group: String::new(),
                location: String::new(),
                sku: sku.to_owned(),
                tags: BTreeMap::new(),
            }
            .runs_containers()
        };
        assert!(["EP1", "P1v3", "B1", "S1", "p0v3"].into_iter().all(runs));
        assert!(!["Y1", "FC1", "F1", "D1"].into_iter().any(runs));
    }

    #[test]
    fn a_plan_is_named_by_id_or_name() {
        let id = "/subscriptions/s/resourceGroups/G/providers/Microsoft.Web/serverfarms/P";
        assert_eq!(key_of_id(id, "other"), plan_key("g", "p"));
        assert_eq!(key_of_id("P", "g"), plan_key("g", "p"));
    }
}
