//! Making the function app of a container.

use serde_json::Value;

use super::command;
use super::handle::{AgentDoor, App};
use crate::arm::{self, Client, Failure, Site, explain};
use crate::bindings::log::Level;
use crate::bindings::types::{Container, Error, Handle};
use crate::config::Settings;
use crate::world::{Request, World, agent_error_text};

/// PUTs the app and follows the operation to its end.
pub(crate) fn create(world: &dyn World, container: &Container, key: &str) -> Result<Handle, Error> {
    let settings = Settings::read(world)?;
    let name = arm::app_name(&container.id);
    let agent = world
        .provision(&container.id)
        .map_err(|error| Error::Other(format!("no agent could be prepared: {}", agent_error_text(&error))))?;
    // Without an agent nobody could be told when the command has ended, and the platform starts again what has: then the
    // image's own function runs, once per invocation.
    let command = agent.as_ref().map(|agent| {
        // The host names the program by itself, as it is on the PATH of an image that has it.
        let (named, arguments) = agent.startup.split_at(agent.startup.len().min(1));
        let program = settings.agent_command.as_ref().or(named.first());
        command::line(program.into_iter().chain(arguments).chain(&container.command))
    });
    let app_settings = arm::app_settings(&settings, container, agent.as_ref());
    let (body, omitted) = arm::body(&settings, container, command.as_deref(), &app_settings);
    if omitted > 0 {
        let omitted = omitted.to_string();
        world.log(
            Level::Warn,
            "the app's tags have no room for all labels; the host keeps them",
            &[("omitted", &omitted)],
        );
    }

    let client = Client::new(world, &settings, key);
    let url = client.url(&client.site_id(&name));
    let attempt = format!("the function app {name} could not be made");
    let site = match put(&client, &url, &body) {
        Err(Failure::Refused(refusal)) if refusal.is_name_taken() => {
            adopt(&client, &name, &container.id, &arm::settings_map(&app_settings))?
        }
        result => Site::parse(&result.map_err(|failure| explain(failure, &attempt))?),
    };
    let host = match site.host {
        Some(host) => host,
        None => read(&client, &url).map_err(|failure| explain(failure, &attempt))?.host.ok_or_else(|| {
            Error::Other(format!("{attempt}: Azure's answer does not say under which host name it is reached"))
        })?,
    };
    world.log(Level::Info, "function app made", &[("app", &name), ("host", &host)]);
    let resource_id = if site.id.is_empty() { client.site_id(&name) } else { site.id };
    App { name, resource_id, host, agent: agent.as_ref().map(AgentDoor::from) }.to_handle()
}

fn put(client: &Client<'_>, url: &str, body: &Value) -> Result<Value, Failure> {
    let first = client.send(Request::new("PUT", url).json(body))?;
    arm::complete(client, url, first)
}

fn read(client: &Client<'_>, url: &str) -> Result<Site, Failure> {
    Ok(Site::parse(&client.get(url)?))
}

/// The name is taken: by an earlier attempt of ours whose answer was lost, or by somebody else.
fn adopt(client: &Client<'_>, name: &str, container: &str, settings: &Value) -> Result<Site, Error> {
    let id = client.site_id(name);
    let attempt = format!("the function app {name} could not be made");
    let site = match read(client, &client.url(&id)) {
        Ok(site) if site.is_of(container) => site,
        // It is in a group or subscription of somebody else, or is not ours: no matter which.
        Ok(_) => return Err(taken(name)),
        Err(Failure::Refused(refusal)) if refusal.is_absent() || refusal.status == 403 => return Err(taken(name)),
        Err(failure) => return Err(explain(failure, &attempt)),
    };
    // The earlier attempt gave it the agent's token of then.
    let request = Request::new("PUT", client.url(&format!("{id}/config/appsettings"))).json(settings);
    client.send(request).map_err(|failure| explain(failure, &attempt))?;
    Ok(site)
}

fn taken(name: &str) -> Error {
    Error::NameTaken(format!(
        "the name {name} is taken: names of function apps are unique over all of Azure, and this one is somebody else's"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bindings::agents::AgentError;
    use crate::config;
    use crate::testing::{HOST, ID, SITE_ID, Script, agent_setup, app, container, response, site};

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const TAKEN: &str = r#"{"Code":"Conflict","Message":"Website with given name X already exists.",
        "Details":[{"ErrorEntity":{"ExtendedCode":"54001"}}]}"#;

    fn sent_body(script: &Script, index: usize) -> Value {
        serde_json::from_slice(script.sent()[index].body.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn a_container_becomes_a_function_app() {
        let script = Script::new().with_agent(agent_setup()).answer(200, &site(ID));
        let handle = create(&script, &container(&["echo", "a b"]), KEY).unwrap();
        assert_eq!(handle, app(true).to_handle().unwrap());
        let sent = script.sent();
        assert_eq!((sent.len(), sent[0].method), (1, "PUT"));
        assert_eq!(sent[0].url, format!("https://management.azure.com{SITE_ID}?api-version=2025-05-01"));
        let config = &sent_body(&script, 0)["properties"]["siteConfig"];
        assert_eq!(config["appCommandLine"], "sockerless-agent run -- echo 'a b'");
        assert_eq!(config["linuxFxVersion"], "DOCKER|alpine");
        let names: Vec<_> =
            config["appSettings"].as_array().unwrap().iter().map(|setting| setting["name"].as_str().unwrap()).collect();
        for name in ["SOCKERLESS_AGENT_TOKEN", "SOCKERLESS_CONTAINER_ID", "SOCKERLESS_AGENT_CALLBACK_URL"] {
            assert!(names.contains(&name), "{names:?}");
        }
    }

    #[test]
    fn the_agent_is_started_where_the_settings_say() {
        let line = |script: Script| {
            let script = script.with_agent(agent_setup()).answer(200, &site(ID));
            create(&script, &container(&["echo", "a b"]), KEY).unwrap();
            sent_body(&script, 0)["properties"]["siteConfig"]["appCommandLine"].as_str().unwrap().to_owned()
        };
        let share = || Script::new().with(config::AGENT_SHARE, "agents").with(config::AGENT_SHARE_KEY, "a2V5");
        assert_eq!(line(share()), "/sockerless/sockerless-agent run -- echo 'a b'");
        assert_eq!(line(share().with(config::AGENT_COMMAND, "/my agent")), "'/my agent' run -- echo 'a b'");
        assert_eq!(line(Script::new().with(config::AGENT_COMMAND, "/x")), "/x run -- echo 'a b'");
    }

    #[test]
    fn without_a_callback_url_there_is_no_agent_and_no_command() {
        let script = Script::new().answer(200, &site(ID));
        let handle = create(&script, &container(&["echo"]), KEY).unwrap();
        assert_eq!(handle, app(false).to_handle().unwrap());
        assert_eq!(sent_body(&script, 0)["properties"]["siteConfig"].get("appCommandLine"), None);
    }

    #[test]
    fn a_long_running_operation_is_followed_to_its_end() {
        let operation = "https://management.azure.com/operations/1";
        let script = Script::new()
            .respond(response(202, &[("azure-asyncoperation", operation), ("retry-after", "1")], &site(ID)))
            .answer(200, r#"{"status":"InProgress"}"#)
            .answer(200, r#"{"status":"Succeeded"}"#)
            .answer(200, &site(ID));
        create(&script, &container(&["x"]), KEY).unwrap();
        assert_eq!(script.sent().len(), 4);
        assert_eq!(script.slept(), [1_000, 2_000]);
    }

    #[test]
    fn a_failed_operation_says_what_was_attempted() {
        let script = Script::new()
            .respond(response(202, &[("location", "/results/1")], ""))
            .answer(400, r#"{"error":{"code":"BadRequest","message":"no such image"}}"#);
        let Err(Error::Invalid(text)) = create(&script, &container(&["x"]), KEY) else { panic!() };
        assert!(text.contains("skls-0123456789ab could not be made") && text.contains("no such image"), "{text}");
    }

    #[test]
    fn the_host_name_is_azures_and_not_built() {
        let regional = "skls-0123456789ab-h4sh.eastus-01.azurewebsites.net";
        let without = json!({ "id": SITE_ID }).to_string();
        let with = json!({ "id": SITE_ID, "properties": { "defaultHostName": regional } }).to_string();
        let script = Script::new().answer(200, &without).answer(200, &with);
        let handle = create(&script, &container(&["x"]), KEY).unwrap();
        assert!(String::from_utf8(handle.data).unwrap().contains(regional));
        let script = Script::new().answer(200, &without).answer(200, &without);
        assert!(
            matches!(create(&script, &container(&["x"]), KEY), Err(Error::Other(text)) if text.contains("host name"))
        );
    }

    #[test]
    fn a_name_that_is_somebody_elses_is_taken() {
        let missing = r#"{"error":{"code":"ResourceNotFound","message":"no"}}"#;
        for (status, body) in [(404, missing.to_owned()), (200, site(&"f".repeat(64))), (200, json!({}).to_string())] {
            let script = Script::new().answer(409, TAKEN).answer(status, &body);
            assert!(matches!(create(&script, &container(&["x"]), KEY), Err(Error::NameTaken(_))), "{body}");
            assert_eq!(script.sent().len(), 2);
        }
    }

    #[test]
    fn a_name_that_is_our_own_earlier_attempt_is_ours() {
        let script =
            Script::new().with_agent(agent_setup()).answer(409, TAKEN).answer(200, &site(ID)).answer(200, "{}");
        let handle = create(&script, &container(&["x"]), KEY).unwrap();
        assert_eq!(handle, app(true).to_handle().unwrap());
        let sent = script.sent();
        assert_eq!(
            sent[2].url,
            format!("https://management.azure.com{SITE_ID}/config/appsettings?api-version=2025-05-01")
        );
        assert_eq!(sent_body(&script, 2)["properties"]["SOCKERLESS_AGENT_TOKEN"], "token");
    }

    #[test]
    fn another_conflict_is_a_conflict() {
        let script = Script::new().answer(409, r#"{"error":{"code":"Conflict","message":"busy"}}"#);
        assert!(matches!(create(&script, &container(&["x"]), KEY), Err(Error::Conflict(_))));
        assert_eq!(script.sent().len(), 1);
    }

    #[test]
    fn nothing_is_sent_without_configuration_or_agent() {
        let script = Script::bare();
        assert!(matches!(create(&script, &container(&["x"]), KEY), Err(Error::Configuration(_))));
        let script = Script::new().without_agent(AgentError::Other("no".into()));
        assert!(matches!(create(&script, &container(&["x"]), KEY), Err(Error::Other(_))));
        assert!(script.sent().is_empty());
    }

    #[test]
    fn a_lost_answer_is_asked_for_again() {
        let script =
            Script::new().fail(crate::bindings::http::HttpError::Interrupted("reset".into())).answer(200, &site(ID));
        create(&script, &container(&["x"]), KEY).unwrap();
        let sent = script.sent();
        assert_eq!(sent[0], sent[1]);
        assert!(site(ID).contains(HOST));
    }

    #[test]
    fn no_secret_is_logged() {
        let script = Script::new().with_agent(agent_setup()).answer(503, "").answer(200, &site(ID));
        let mut container = container(&["x"]);
        container.environment = vec!["PASSWORD=hunter2".to_owned()];
        create(&script, &container, KEY).unwrap();
        let logged = script.logged().join("\n");
        assert!(!logged.is_empty() && !logged.contains("hunter2") && !logged.contains("token"), "{logged}");
    }
}
