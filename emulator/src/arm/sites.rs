//! Sites: made, changed, listed, started, stopped, deleted.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::draft::Draft;
use super::error::ArmError;
use super::gate::Reply;
use super::state::{Site, State};
use super::{container_log, mounts, names, operations, plans, settings};
use crate::container::{AppHandle, Order};
use crate::http::query::parameter;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// A site, or what is below it.
pub(super) fn handle(world: &World, exchange: &Exchange, group: &str, name: &str, rest: &str) -> Reply {
    match (&exchange.method, rest) {
        (&Method::PUT, "") => return put(world, exchange, group, name),
        (&Method::DELETE, "") => return delete(world, exchange, group, name),
        _ => {}
    }
    let mut state = world.arm.state();
    let site = find(&mut state, group, name)?;
    match (&exchange.method, rest) {
        (&Method::GET, "") => Ok(Answer::json(StatusCode::OK, &view(world, site))),
        (&Method::PATCH, "") => {
            let mut draft = site.draft.clone();
            draft.apply(&exchange.body, true)?;
            check(&state, &draft)?;
            let site = find(&mut state, group, name)?;
            settings::change(world, site, draft);
            Ok(Answer::json(StatusCode::OK, &view(world, site)))
        }
        (&Method::POST, "start") => {
            site.is_stopped = false;
            Ok(order(site, Order::Start))
        }
        (&Method::POST, "stop") => {
            site.is_stopped = true;
            Ok(order(site, Order::Stop))
        }
        (&Method::POST, "restart") => Ok(order(site, Order::Restart)),
        (&Method::POST, "containerlogs") => container_log::read(site),
        (&Method::POST, "config/appsettings/list") => settings::list(world, site),
        (&Method::PUT, "config/appsettings") => settings::replace(world, exchange, site),
        (&Method::GET, "config/web") => settings::web(world, site),
        (&Method::PATCH | &Method::PUT, "config/web") => settings::configure(world, exchange, site),
        (&Method::PUT, "config/azurestorageaccounts") => mounts::replace(world, exchange, site),
        (&Method::POST, "config/azurestorageaccounts/list") => mounts::list(world, site),
        _ => Err(ArmError::method_not_allowed()),
    }
}

fn order(site: &Site, order: Order) -> Answer {
    if let Some(handle) = &site.handle {
        handle.order(order);
    }
    Answer::empty(StatusCode::OK)
}

/// The sites of the subscription or of one group, in pages.
pub(super) fn list(world: &World, exchange: &Exchange, group: Option<&str>) -> Reply {
    if exchange.method != Method::GET {
        return Err(ArmError::method_not_allowed());
    }
    let after = parameter(&exchange.query, "$skipToken").unwrap_or_default();
    let size = world.config().arm.page_size.max(1);
    let state = world.arm.state();
    let mut sites =
        state.sites.iter().filter(|(key, site)| **key > after && group.is_none_or(|group| site.draft.group == group));
    let page: Vec<_> = sites.by_ref().take(size).collect();
    let next = match (page.last(), sites.next()) {
        (Some((key, _)), Some(_)) => {
            let version = parameter(&exchange.query, "api-version").unwrap_or_default();
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("api-version", &version)
                .append_pair("$skipToken", key)
                .finish();
            json!(format!("{}{}?{query}", exchange.base_url(), exchange.path))
        }
        _ => Value::Null,
    };
    let value: Vec<_> = page.into_iter().map(|(_, site)| view(world, site)).collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "value": value, "nextLink": next })))
}

fn put(world: &World, exchange: &Exchange, group: &str, name: &str) -> Reply {
    let mut state = world.arm.state();
    let existing = state.sites.get(&name.to_ascii_lowercase());
    let is_new = existing.is_none();
    let mut draft = match existing {
        Some(site) if site.draft.group == group => site.draft.clone(),
        Some(_) => return Err(ArmError::name_taken(name)),
        None => Draft {
            name: name.to_owned(),
            host_suffix: world.config().arm.host_suffix.clone(),
            domain: world.names().sites,
            group: group.to_owned(),
            ..Draft::default()
        },
    };
    draft.apply(&exchange.body, false)?;
    check(&state, &draft)?;
    if is_new && (names::taken_elsewhere(world, name) || world.faults.name_taken()) {
        return Err(ArmError::name_taken(name));
    }
    operations::begin(world, exchange, &mut state, draft, is_new)
}

/// Makes or changes the site that a draft describes.
pub(super) fn commit(world: &World, state: &mut State, draft: Draft) -> Value {
    let key = draft.name.to_ascii_lowercase();
    if let Some(site) = state.sites.get_mut(&key).filter(|site| site.handle.is_some()) {
        settings::change(world, site, draft);
        return view(world, site);
    }
    let is_stopped = state.sites.get(&key).is_some_and(|site| site.is_stopped);
    let handle = AppHandle::spawn(&world.runtime, draft.launch(&world.config().platform));
    if is_stopped {
        handle.order(Order::Stop);
    }
    let site = Site { draft, modified: jiff::Timestamp::now(), is_stopped, handle: Some(handle) };
    let view = view(world, &site);
    state.sites.insert(key, site);
    view
}

fn delete(world: &World, exchange: &Exchange, group: &str, name: &str) -> Reply {
    let mut state = world.arm.state();
    if find(&mut state, group, name).is_err() {
        return Ok(Answer::empty(StatusCode::NO_CONTENT));
    }
    if let Some(site) = state.sites.remove(&name.to_ascii_lowercase()) {
        if let Some(handle) = &site.handle {
            handle.order(Order::Delete);
        }
        let keeps_plan = parameter(&exchange.query, "deleteEmptyServerFarm")
            .is_some_and(|value| value.eq_ignore_ascii_case("false"));
        if !keeps_plan {
            plans::remove_if_empty(&mut state, &site.draft.plan_id, &site.draft.group);
        }
    }
    Ok(Answer::empty(StatusCode::OK))
}

/// Whether Azure would take the draft.
fn check(state: &State, draft: &Draft) -> Result<(), ArmError> {
    draft.check()?;
    let (group, name) = plans::key_of_id(&draft.plan_id, &draft.group);
    if name.is_empty() {
        let reason = "The emulator makes no plan of its own: name one that exists in properties.serverFarmId.";
        return Err(ArmError::invalid_parameter("serverFarmId", reason));
    }
    let plan = state.plans.get(&(group, name.clone())).ok_or_else(|| ArmError::no_plan(&name))?;
    if !plan.runs_containers() {
        let reason = format!("A {} plan does not run custom containers.", plan.tier());
        return Err(ArmError::invalid_parameter("LinuxFxVersion", &reason));
    }
    Ok(())
}

fn find<'a>(state: &'a mut State, group: &str, name: &str) -> Result<&'a mut Site, ArmError> {
    state
        .sites
        .get_mut(&name.to_ascii_lowercase())
        .filter(|site| site.draft.group == group)
        .ok_or_else(|| ArmError::not_found("Microsoft.Web/sites", name, group))
}

pub(super) fn view(world: &World, site: &Site) -> Value {
    site.draft.view(&world.config(), site.is_stopped, site.modified)
}
