//! Deleting the function app of a container.

use super::handle::App;
use crate::arm::{self, Client, Failure, Site, explain};
use crate::bindings::log::Level;
use crate::bindings::types::{Container, Error};
use crate::config::Settings;
use crate::world::{Request, World, agent_error_text};

/// Deletes what `create` made; with `force` ends its run first.
pub(crate) fn remove(world: &dyn World, container: &Container, force: bool, key: &str) -> Result<(), Error> {
    if force && let Err(error) = world.disconnect(&container.id) {
        // The app goes in any case, and the agent with it.
        world.log(Level::Warn, &format!("the agent is not disconnected: {}", agent_error_text(&error)), &[]);
    }
    let settings = Settings::read(world)?;
    let client = Client::new(world, &settings, key);
    let (id, name) = match App::of(container)? {
        Some(app) => (app.resource_id, app.name),
        None => {
            let name = arm::app_name(&container.id);
            let id = client.site_id(&name);
            // Nothing says that a create came as far as making it: an app of this name may be somebody else's.
            if !is_ours(&client, &id, container)? {
                return Ok(());
            }
            (id, name)
        }
    };
    // Otherwise Azure deletes the plan with the last app on it.
    let url = format!("{}&deleteEmptyServerFarm=false", client.url(&id));
    match client.send(Request::new("DELETE", url)) {
        Ok(_) => {
            world.log(Level::Info, "function app deleted", &[("app", &name)]);
            Ok(())
        }
        Err(Failure::Refused(refusal)) if refusal.is_absent() => Ok(()),
        Err(failure) => Err(explain(failure, &format!("the function app {name} could not be deleted"))),
    }
}

fn is_ours(client: &Client<'_>, id: &str, container: &Container) -> Result<bool, Error> {
    match client.get(&client.url(id)) {
        Ok(body) => Ok(Site::parse(&body).is_of(&container.id)),
        Err(Failure::Refused(refusal)) if refusal.is_absent() => Ok(false),
        Err(failure) => Err(explain(failure, "whether there is a function app to delete could not be found out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::Handle;
    use crate::testing::{ID, SITE_ID, Script, container, site, with_handle};

    const MISSING: &str = r#"{"error":{"code":"ResourceNotFound","message":"no"}}"#;

    #[test]
    fn the_app_goes_and_the_plan_stays() {
        let script = Script::new().answer(200, "");
        assert_eq!(remove(&script, &with_handle(container(&["x"]), true), false, ""), Ok(()));
        let sent = script.sent();
        assert_eq!((sent.len(), sent[0].method), (1, "DELETE"));
        let expected =
            format!("https://management.azure.com{SITE_ID}?api-version=2025-05-01&deleteEmptyServerFarm=false");
        assert_eq!(sent[0].url, expected);
        assert!(script.calls().is_empty());
    }

    #[test]
    fn force_disconnects_the_agent_first() {
        let script = Script::new().answer(200, "");
        remove(&script, &with_handle(container(&["x"]), true), true, "").unwrap();
        assert_eq!(script.calls(), [format!("disconnect {ID}")]);
    }

    #[test]
    fn what_is_not_there_is_gone() {
        let group = r#"{"error":{"code":"ResourceGroupNotFound","message":"no"}}"#;
        for (status, body) in [(204, ""), (404, MISSING), (404, group)] {
            let script = Script::new().answer(status, body);
            assert_eq!(remove(&script, &with_handle(container(&["x"]), true), false, ""), Ok(()), "{body}");
        }
        let script = Script::new().answer(404, r#"{"error":{"code":"SubscriptionNotFound","message":"no"}}"#);
        let error = remove(&script, &with_handle(container(&["x"]), true), false, "");
        assert!(matches!(error, Err(Error::Configuration(_))));
    }

    #[test]
    fn without_a_handle_only_what_carries_our_tag_is_deleted() {
        let script = Script::new().answer(200, &site(ID)).answer(200, "");
        assert_eq!(remove(&script, &container(&["x"]), true, ""), Ok(()));
        assert_eq!(script.sent()[1].method, "DELETE");
        for (status, body) in [(200, site(&"f".repeat(64))), (200, "{}".to_owned()), (404, MISSING.to_owned())] {
            let script = Script::new().answer(status, &body);
            assert_eq!(remove(&script, &container(&["x"]), true, ""), Ok(()), "{body}");
            assert_eq!(script.sent().len(), 1, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_deleted_is_an_error() {
        let script = Script::new().answer(409, r#"{"error":{"code":"ScopeLocked","message":"locked"}}"#);
        let error = remove(&script, &with_handle(container(&["x"]), true), false, "");
        assert!(matches!(error, Err(Error::Conflict(text)) if text.contains("could not be deleted")));
        let mut container = container(&["x"]);
        container.handle = Some(Handle { version: 9, data: Vec::new() });
        let script = Script::new();
        assert!(matches!(remove(&script, &container, false, ""), Err(Error::Invalid(_))));
        assert!(script.sent().is_empty());
    }
}
