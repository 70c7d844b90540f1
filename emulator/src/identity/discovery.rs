//! What a client of the directory asks before it asks for a token: which authorities there are, and where theirs gives tokens.

use http::StatusCode;
use serde_json::json;

use crate::http::{Answer, Exchange};
use crate::world::World;

const HOST: &str = "login.microsoftonline.com";

/// Answers a question about the directory; nothing if it is none.
pub(super) fn answer(world: &World, exchange: &Exchange) -> Option<Answer> {
    let segments: Vec<_> = exchange.path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["common", "discovery", "instance"] => Some(instances(world)),
        [tenant, "v2.0", ".well-known", "openid-configuration"]
            if tenant.eq_ignore_ascii_case(&world.config().identity.tenant) =>
        {
            Some(configuration(tenant))
        }
        _ => None,
    }
}

fn instances(world: &World) -> Answer {
    let tenant = &world.config().identity.tenant;
    let aliases = [HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"];
    Answer::json(
        StatusCode::OK,
        &json!({
            "tenant_discovery_endpoint": format!("https://{HOST}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": HOST, "preferred_cache": "login.windows.net", "aliases": aliases }],
        }),
    )
}

fn configuration(tenant: &str) -> Answer {
    let base = format!("https://{HOST}/{tenant}");
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
            "cloud_instance_name": "microsoftonline.com",
        }),
    )
}
