//! What a client of the directory asks before it asks for a token: which authorities there are, and where theirs gives tokens.

use http::StatusCode;
use serde_json::json;

use crate::config::Names;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// Answers a question about the directory; nothing if it is none.
pub(super) fn answer(world: &World, exchange: &Exchange) -> Option<Answer> {
    let segments: Vec<_> = exchange.path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["common", "discovery", "instance"] => Some(instances(world)),
        [tenant, "v2.0", ".well-known", "openid-configuration"]
            if tenant.eq_ignore_ascii_case(&world.config().identity.tenant) =>
        {
            Some(configuration(world.names(), tenant))
        }
        _ => None,
    }
}

fn instances(world: &World) -> Answer {
    let tenant = &world.config().identity.tenant;
    let Names { login, login_cache, .. } = world.names();
    let host = login[0];
    Answer::json(
        StatusCode::OK,
        &json!({
            "tenant_discovery_endpoint": format!("https://{host}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": host, "preferred_cache": login_cache, "aliases": login }],
        }),
    )
}

fn configuration(cloud: &Names, tenant: &str) -> Answer {
    let base = format!("https://{}/{tenant}", cloud.login[0]);
    Answer::json(
        StatusCode::OK,
        &json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "issuer": format!("{base}/v2.0"),
            "response_types_supported": ["code", "id_token", "token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": null,
            "cloud_instance_name": cloud.instance,
        }),
    )
}
