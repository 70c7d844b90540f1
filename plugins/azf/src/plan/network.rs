//! The fields of a container's ends of networks, of which a body has any number.

use serde_json::Value;

use super::value::{is_empty, member};

/// Whether an end of any network has a member that asks for something.
pub(super) fn any(spec: &Value, name: &str) -> bool {
    endpoints(spec).any(|endpoint| match name {
        "MacAddress" => has_own_mac(endpoint),
        // Its members are empty where the client left them so.
        "IPAMConfig" => {
            member(endpoint, name).as_object().is_some_and(|config| config.values().any(|value| !is_empty(value)))
        }
        name => !is_empty(member(endpoint, name)),
    })
}

/// Whether there is more than one network.
pub(super) fn several(spec: &Value) -> bool {
    endpoints(spec).count() > 1
}

fn endpoints(spec: &Value) -> impl Iterator<Item = &Value> {
    let endpoints = spec.pointer("/NetworkingConfig/EndpointsConfig").and_then(Value::as_object);
    endpoints.into_iter().flat_map(|endpoints| endpoints.values())
}

/// Whether the client chose the MAC address: one that Docker derives from the IP address was not chosen.
fn has_own_mac(endpoint: &Value) -> bool {
    let mac = member(endpoint, "MacAddress").as_str().unwrap_or_default();
    let address = member(endpoint, "IPAddress").as_str().unwrap_or_default();
    let parts: Vec<u8> = address.split('.').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [a, b, c, d] => !mac.is_empty() && !mac.eq_ignore_ascii_case(&format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")),
        _ => !mac.is_empty(),
    }
}
