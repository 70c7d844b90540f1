//! What there is of ours in the resource group, whether or not the daemon knows of it.

use serde_json::Value;

use crate::arm::{self, Client, Failure, Marks, Site, explain};
use crate::bindings::inventory::{Item, Page};
use crate::bindings::types::{Error, Handle};
use crate::config::Settings;
use crate::lifecycle::{AgentDoor, App};
use crate::world::{Request, World};

/// One page of the group's apps: those that carry our mark. The cursor is Azure's link to the page.
pub(crate) fn list(world: &dyn World, cursor: Option<&str>) -> Result<Page, Error> {
    let settings = Settings::read(world)?;
    let client = Client::new(world, &settings, "");
    let url = match cursor {
        None => client.sites_url(),
        Some(link) => client
            .next_url(link)
            .ok_or_else(|| Error::Invalid("the link to the next page of function apps is no URL".to_owned()))?,
    };
    let attempt = format!("the function apps of the resource group {} could not be listed", settings.group);
    let body = client.get(&url).map_err(|failure| explain(failure, &attempt))?;
    let Some(sites) = body.get("value").and_then(Value::as_array) else {
        return Err(Error::Other(format!("{attempt}: Azure's answer is no list")));
    };
    let mut items = Vec::new();
    for site in sites {
        items.extend(item(site)?);
    }
    let next = body.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned);
    Ok(Page { items, next })
}

/// An app as a container; nothing if it is none of ours.
fn item(body: &Value) -> Result<Option<Item>, Error> {
    let Some(tags) = body.get("tags") else { return Ok(None) };
    let Some(marks) = Marks::read(tags) else { return Ok(None) };
    let site = Site::parse(body);
    let name = body.get("name").and_then(Value::as_str).map_or_else(|| arm::app_name(&marks.container), str::to_owned);
    let agent = marks.agent.map(|(path, exit_code_header)| AgentDoor { path, exit_code_header });
    let app = App { name: name.clone(), resource_id: site.id, host: site.host.unwrap_or_default(), agent };
    Ok(Some(Item {
        id: marks.container,
        owner: marks.daemon,
        name: marks.name,
        image: marks.image,
        labels: arm::labels_in(tags),
        place: name,
        handle: app.to_handle()?,
    }))
}

/// The settings of an app that are its agent's: all names that begin with ours.
pub(crate) fn agent_environment(
    world: &dyn World,
    container: &str,
    handle: &Handle,
) -> Result<Vec<(String, String)>, Error> {
    let app = App::from_handle(handle)?;
    let settings = Settings::read(world)?;
    let client = Client::new(world, &settings, "");
    let url = client.url(&format!("{}/config/appsettings/list", app.resource_id));
    let attempt = format!("the settings of the function app {} of container {container} could not be read", app.name);
    let body = match client.send(Request::new("POST", url).repeatable()) {
        Ok(response) => serde_json::from_slice::<Value>(&response.body)
            .map_err(|error| Error::Other(format!("{attempt}: the answer is not JSON: {error}")))?,
        Err(Failure::Refused(refusal)) if refusal.is_absent() => {
            return Err(Error::NotFound(format!("the function app {} does not exist any more", app.name)));
        }
        Err(failure) => return Err(explain(failure, &attempt)),
    };
    let properties = body.get("properties").and_then(Value::as_object);
    Ok(properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("SOCKERLESS_"))
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{HOST, ID, SITE_ID, Script, app};

    fn tagged() -> Value {
        json!({
            "id": SITE_ID,
            "name": "skls-0123456789ab",
            "tags": {
                "sockerless-managed": "true", "sockerless-container-id": ID, "sockerless-daemon": "d",
                "sockerless-name": "/w", "sockerless-image": "alpine", "sockerless-labels-0": "{\"a\":\"b\"}",
                "sockerless-agent": "/api/function x-sockerless-exit-code",
            },
            "properties": { "defaultHostName": HOST },
        })
    }

    #[test]
    fn apps_of_ours_are_listed_and_others_are_not() {
        let others = [json!({ "id": "/x", "name": "x" }), json!({ "id": "/y", "tags": { "a": "b" } })];
        let body = json!({ "value": [others[0], tagged(), others[1]], "nextLink": null }).to_string();
        let script = Script::new().answer(200, &body);
        let page = list(&script, None).unwrap();
        assert_eq!(page.next, None);
        let [item] = page.items.as_slice() else { panic!("{} items", page.items.len()) };
        assert_eq!((&*item.id, item.owner.as_deref()), (ID, Some("d")));
        assert_eq!((&*item.name, &*item.image, &*item.place), ("w", "alpine", "skls-0123456789ab"));
        assert_eq!(item.labels, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(item.handle, app(true).to_handle().unwrap());
        let sent = script.sent();
        assert_eq!(
            sent[0].url,
            "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless\
             /providers/Microsoft.Web/sites?api-version=2025-05-01"
        );
    }

    #[test]
    fn pages_are_asked_of_the_resource_manager_whatever_the_link_names() {
        let link = "https://evil.example/subscriptions/s/sites?api-version=1&$skipToken=a%20b";
        let first = json!({ "value": [], "nextLink": link }).to_string();
        let script = Script::new().answer(200, &first).answer(200, r#"{"value":[]}"#);
        let next = list(&script, None).unwrap().next;
        assert_eq!(next.as_deref(), Some(link));
        assert_eq!(list(&script, next.as_deref()).unwrap().next, None);
        let expected = "https://management.azure.com/subscriptions/s/sites?api-version=1&$skipToken=a%20b";
        assert_eq!(script.sent()[1].url, expected);
        assert!(matches!(list(&Script::new(), Some("rubbish")), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_list_that_is_none_is_an_error() {
        assert!(matches!(list(&Script::new().answer(200, "{}"), None), Err(Error::Other(_))));
        let denied = r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#;
        assert!(matches!(list(&Script::new().answer(403, denied), None), Err(Error::Denied(_))));
    }

    #[test]
    fn the_agents_settings_are_given_back_and_no_others() {
        let body =
            json!({ "properties": { "SOCKERLESS_AGENT_TOKEN": "t", "AzureWebJobsStorage": "secret", "USERS": "x" } });
        let script = Script::new().answer(200, &body.to_string());
        let found = agent_environment(&script, ID, &app(true).to_handle().unwrap()).unwrap();
        assert_eq!(found, [("SOCKERLESS_AGENT_TOKEN".to_owned(), "t".to_owned())]);
        let sent = &script.sent()[0];
        assert_eq!(sent.method, "POST");
        assert!(sent.url.contains("/config/appsettings/list?"));
        let gone = Script::new().answer(404, r#"{"error":{"code":"ResourceNotFound","message":"no"}}"#);
        let found = agent_environment(&gone, ID, &app(true).to_handle().unwrap());
        assert!(matches!(found, Err(Error::NotFound(_))));
    }
}
