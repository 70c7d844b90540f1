//! What stands below a site's `config`.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::error::ArmError;
use super::gate::Reply;
use super::state::Site;
use crate::container::{Order, strip_setting_name};
use crate::http::{Answer, Exchange};
use crate::world::World;

/// `POST config/appsettings/list`: the only way to read the settings back.
pub(super) fn list(world: &World, site: &Site) -> Reply {
    Ok(Answer::json(StatusCode::OK, &resource(world, site, "appsettings", json!(site.draft.settings))))
}

/// `PUT config/appsettings`: replaces the whole map and restarts the app.
pub(super) fn replace(world: &World, exchange: &Exchange, site: &mut Site) -> Reply {
    #[derive(serde::Deserialize)]
    struct Body {
        properties: BTreeMap<String, Option<String>>,
    }
    let body: Body =
        serde_json::from_slice(&exchange.body).map_err(|error| ArmError::invalid_body(error.to_string()))?;
    site.draft.settings = body.properties.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect();
    for name in site.draft.settings.keys().filter(|name| strip_setting_name(name) != **name) {
        tracing::debug!(site = site.draft.name, "the container sees setting '{name}' under a stripped name");
    }
    site.modified = jiff::Timestamp::now();
    if let Some(handle) = &site.handle {
        handle.order(Order::Replace(site.draft.launch(&world.config().platform)));
    }
    list(world, site)
}

/// `GET config/web`.
pub(super) fn web(world: &World, site: &Site) -> Reply {
    Ok(Answer::json(StatusCode::OK, &resource(world, site, "web", Value::Object(site.draft.site_config.clone()))))
}

/// `PATCH config/web`.
pub(super) fn configure(world: &World, exchange: &Exchange, site: &mut Site) -> Reply {
    #[derive(serde::Deserialize)]
    struct Body {
        properties: Value,
    }
    let body: Body =
        serde_json::from_slice(&exchange.body).map_err(|error| ArmError::invalid_body(error.to_string()))?;
    let mut draft = site.draft.clone();
    draft.configure(&body.properties)?;
    draft.check()?;
    change(world, site, draft);
    web(world, site)
}

/// Puts a checked draft into effect. A container that it does not concern runs on.
pub(super) fn change(world: &World, site: &mut Site, draft: super::draft::Draft) {
    let config = world.config();
    let platform = &config.platform;
    let launch = draft.launch(platform);
    let concerns_container = launch != site.draft.launch(platform);
    site.draft = draft;
    site.modified = jiff::Timestamp::now();
    if let Some(handle) = site.handle.as_ref().filter(|_| concerns_container) {
        handle.order(Order::Replace(launch));
    }
}

/// A resource below a site's `config`.
pub(super) fn resource(world: &World, site: &Site, name: &str, properties: Value) -> Value {
    json!({
        "id": format!("{}/config/{name}", site.draft.id(&world.config().arm.subscription)),
        "name": name,
        "type": "Microsoft.Web/sites/config",
        "location": site.draft.location,
        "properties": properties,
    })
}
