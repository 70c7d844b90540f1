//! What became of a container's function app.

use super::handle::App;
use crate::arm::{self, Client, Failure, Site, explain};
use crate::bindings::lifecycle::Recovered;
use crate::bindings::types::{Container, Error};
use crate::config::Settings;
use crate::world::World;

/// Looks at the app. Changes nothing.
pub(crate) fn recover(world: &dyn World, container: &Container) -> Result<Recovered, Error> {
    let known = App::of(container)?;
    let settings = Settings::read(world)?;
    let client = Client::new(world, &settings, "");
    let name = arm::app_name(&container.id);
    let id = known.as_ref().map_or_else(|| client.site_id(&name), |app| app.resource_id.clone());
    let site = match client.get(&client.url(&id)) {
        Ok(body) => Site::parse(&body),
        Err(Failure::Refused(refusal)) if refusal.is_absent() => return Ok(Recovered::Absent),
        Err(failure) => {
            return Err(explain(failure, &format!("what became of the function app {name} could not be found out")));
        }
    };
    match known {
        // Tags can be taken away by others; another container's cannot be ours.
        Some(_) if site.container.is_some() && !site.is_of(&container.id) => Ok(Recovered::Absent),
        None if !site.is_of(&container.id) => Ok(Recovered::Absent),
        None => Ok(Recovered::Present(None)),
        Some(app) => {
            let changed = site.host.filter(|host| *host != app.host);
            let app = App { host: changed.clone().unwrap_or_else(|| app.host.clone()), ..app };
            // Also an old one: the host of now may be told for the first time.
            app.tell_address(world, &container.id)?;
            Ok(Recovered::Present(changed.map(|_| app.to_handle()).transpose()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bindings::agents::AgentError;
    use crate::bindings::types::Handle;
    use crate::testing::{HOST, ID, SITE_ID, Script, app, container, site, with_handle};

    fn made() -> Container {
        with_handle(container(&["x"]), true)
    }

    #[test]
    fn an_app_that_is_there_is_present() {
        let script = Script::new().answer(200, &site(ID));
        assert_eq!(recover(&script, &made()), Ok(Recovered::Present(None)));
        let sent = script.sent();
        assert_eq!((sent.len(), sent[0].method), (1, "GET"));
        let untagged = json!({ "id": SITE_ID, "properties": { "defaultHostName": HOST } }).to_string();
        assert_eq!(recover(&Script::new().answer(200, &untagged), &made()), Ok(Recovered::Present(None)));
        assert_eq!(recover(&Script::new().answer(200, &site(ID)), &container(&["x"])), Ok(Recovered::Present(None)));
    }

    #[test]
    fn a_host_name_that_changed_is_learnt() {
        let body = site(ID).replace(HOST, "other.azurewebsites.net");
        let expected = App { host: "other.azurewebsites.net".to_owned(), ..app(true) }.to_handle().unwrap();
        let script = Script::new().answer(200, &body);
        assert_eq!(recover(&script, &made()), Ok(Recovered::Present(Some(expected))));
        assert_eq!(script.calls(), [format!("reachable {ID} wss://other.azurewebsites.net")]);
    }

    #[test]
    fn a_container_that_is_given_up_meanwhile_is_no_error_and_an_address_that_is_not_granted_is() {
        let script = |error| Script::new().unreachable(error).answer(200, &site(ID));
        assert_eq!(recover(&script(AgentError::UnknownContainer(ID.into())), &made()), Ok(Recovered::Present(None)));
        let denied = recover(&script(AgentError::Other("not granted".into())), &made());
        assert!(matches!(denied, Err(Error::Other(text)) if text.contains("not granted")));
    }

    #[test]
    fn one_that_is_gone_or_somebody_elses_is_absent() {
        let missing = r#"{"error":{"code":"ResourceNotFound","message":"no"}}"#;
        assert_eq!(recover(&Script::new().answer(404, missing), &made()), Ok(Recovered::Absent));
        let other = site(&"f".repeat(64));
        assert_eq!(recover(&Script::new().answer(200, &other), &made()), Ok(Recovered::Absent));
        assert_eq!(recover(&Script::new().answer(200, "{}"), &container(&["x"])), Ok(Recovered::Absent));
    }

    #[test]
    fn one_that_cannot_be_looked_at_is_neither() {
        let denied = r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#;
        assert!(matches!(recover(&Script::new().answer(403, denied), &made()), Err(Error::Denied(_))));
    }

    #[test]
    fn an_unknown_handle_is_refused_before_anything_is_sent() {
        let mut container = made();
        container.handle = Some(Handle { version: 2, data: Vec::new() });
        let script = Script::new();
        assert!(matches!(recover(&script, &container), Err(Error::Invalid(_))));
        assert!(script.sent().is_empty());
    }
}
