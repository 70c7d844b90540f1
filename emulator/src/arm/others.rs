//! The few resources of other providers that a client looks at.

use http::{Method, StatusCode};
use serde_json::json;

use super::error::ArmError;
use super::gate::Reply;
use crate::http::{Answer, Exchange};
use crate::world::World;

pub(super) fn subscription(world: &World, _: &Exchange) -> Reply {
    let config = world.config();
    let id = &config.arm.subscription;
    let body = json!({
        "id": format!("/subscriptions/{id}"),
        "subscriptionId": id,
        "tenantId": config.identity.tenant,
        "displayName": "Azure emulator",
        "state": "Enabled",
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

pub(super) fn group(world: &World, exchange: &Exchange, group: &str) -> Reply {
    match exchange.method {
        Method::HEAD => Ok(Answer::empty(StatusCode::NO_CONTENT)),
        Method::GET => Ok(Answer::json(
            StatusCode::OK,
            &json!({
                "id": format!("/subscriptions/{}/resourceGroups/{group}", world.config().arm.subscription),
                "name": group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": world.config().arm.location,
                "properties": { "provisioningState": "Succeeded" },
            }),
        )),
        _ => Err(ArmError::method_not_allowed()),
    }
}

pub(super) fn workspace(world: &World, exchange: &Exchange, group: &str, name: &str) -> Reply {
    let config = world.config();
    if exchange.method != Method::GET {
        return Err(ArmError::method_not_allowed());
    }
    if !name.eq_ignore_ascii_case(&config.logs.workspace_name) {
        return Err(ArmError::not_found("Microsoft.OperationalInsights/workspaces", name, group));
    }
    let id = format!(
        "/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/{}",
        config.arm.subscription, config.logs.workspace_name
    );
    let body = json!({
        "id": id,
        "name": config.logs.workspace_name,
        "type": "Microsoft.OperationalInsights/workspaces",
        "location": config.arm.location,
        "properties": { "customerId": config.logs.workspace, "provisioningState": "Succeeded" },
    });
    Ok(Answer::json(StatusCode::OK, &body))
}
