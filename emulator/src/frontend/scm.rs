//! The deployment site of an app, `<site>.scm.azurewebsites.net` in the public cloud: of it there is the log only.

use http::{Method, StatusCode};
use serde_json::json;

use crate::http::{Answer, Exchange};
use crate::identity::Audience;
use crate::world::World;

/// Answers a request to a deployment site.
pub(crate) fn handle(world: &World, site: &str, exchange: &Exchange) -> Answer {
    if !world.arm.exists(site) {
        return Answer::text(StatusCode::NOT_FOUND, "404 Web Site not found.\n");
    }
    if world.tokens.check(exchange.bearer(), Audience::Arm).is_err() {
        return Answer::text(StatusCode::UNAUTHORIZED, "401 - Unauthorized\n")
            .with_header("www-authenticate", format!("Bearer realm=\"{}\"", exchange.host));
    }
    let text = world.arm.handle_of(site).map(|app| app.log().text()).unwrap_or_default();
    match (&exchange.method, exchange.path.trim_end_matches('/')) {
        (&Method::GET, "/api/logs/docker") => {
            let href = format!("{}/api/vfs/LogFiles/docker.log", exchange.base_url());
            Answer::json(
                StatusCode::OK,
                &json!([{ "href": href, "path": "/home/LogFiles/docker.log", "size": text.len() }]),
            )
        }
        (&Method::GET, "/api/vfs/LogFiles/docker.log" | "/api/logstream") => Answer::text(StatusCode::OK, text),
        _ => Answer::text(StatusCode::NOT_FOUND, "the emulator's deployment sites have logs only\n"),
    }
}
