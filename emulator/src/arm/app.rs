//! A site as the control API shows it: whole, with what Azure keeps to itself.

use serde_json::{Value, json};

use super::state::Site;

pub(super) fn view(site: &Site) -> Value {
    let draft = &site.draft;
    json!({
        "name": draft.name,
        "resourceGroup": draft.group,
        "location": draft.location,
        "kind": draft.kind,
        "tags": draft.tags,
        "plan": draft.plan_id,
        "host": draft.host(),
        "stopped": site.is_stopped,
        "properties": draft.properties,
        "siteConfig": draft.site_config,
        "settings": draft.settings,
        "mounts": draft.mounts,
        "container": site.handle.as_ref().map(|handle| json!(handle.status())),
        "platformLog": site.handle.as_ref().map(|handle| handle.log().text()),
    })
}
