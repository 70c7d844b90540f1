//! `POST /containers/create`.

use serde_json::json;
use sockerless_tests::{SUBSCRIPTION, World, ask_daemon};

use super::{without_agent, world};

/// Makes a container of this command line, and answers its id.
fn create(world: &World, words: &[&str]) -> String {
    world.pull();
    world.azure.forget();
    let all: Vec<&str> = ["create"].iter().chain(words).copied().collect();
    world.docker.ok(&all)
}

#[test]
fn what_happens() {
    let world = World::start();
    world
        .azure
        .fault(&json!({ "fault": "put", "script": { "form": "async-operation", "polls": 2, "retry_after_ms": 10 } }));
    let id = create(&world, &["alpine", "true"]);
    // The operation is followed to its end, and the resource read after it.
    assert_eq!(world.azure.kinds(), ["PUT site", "GET operation", "GET operation", "GET operation", "GET site"]);
    let put = &world.azure.sent()[0];
    assert_eq!(put.text("host"), "management.azure.com");
    let site = format!("{SUBSCRIPTION}/resourceGroups/sockerless/providers/Microsoft.Web/sites/skls-{}", &id[..12]);
    assert_eq!((put.text("path"), put.text("query")), (site.as_str(), "api-version=2025-05-01"));
    assert_eq!(put.header("content-type"), Some("application/json"));
    assert!(put.header("x-ms-client-request-id").is_some_and(|id| id.len() == 36), "{put:?}");
    let body = put.json();
    let properties = &body["properties"];
    assert!(properties["serverFarmId"].as_str().unwrap().ends_with("/serverfarms/sockerless-plan"), "{body}");
    assert_eq!((&properties["reserved"], &properties["httpsOnly"]), (&json!(true), &json!(true)));
    assert_eq!(
        (&body["tags"]["sockerless-managed"], &body["tags"]["sockerless-container-id"]),
        (&json!("true"), &json!(id))
    );
    assert_eq!(world.docker.inspect(&id)["State"]["Status"], "created");
}

#[test]
fn image() {
    let world = World::start();
    world.docker.ok(&["pull", "--quiet", "registry.example.com/team/tools:1.2"]);
    create(&world, &["registry.example.com/team/tools:1.2", "true"]);
    let put = world.azure.last("PUT site").json();
    assert_eq!(put["properties"]["siteConfig"]["linuxFxVersion"], "DOCKER|registry.example.com/team/tools:1.2");
    let missing = ask_daemon(
        &world,
        "POST /containers/create",
        &[("Content-Type", "application/json")],
        br#"{"Image":"unknown:1","Cmd":["x"]}"#,
    );
    assert_eq!((missing.status, missing.json()), (404, json!({ "message": "No such image: unknown:1" })));
}

#[test]
fn entrypoint_cmd() {
    let world = World::start();
    create(&world, &["--entrypoint", "/bin/sh", "alpine", "-c", "echo \"a b\" 'c' $X; # é"]);
    let put = world.azure.last("PUT site").json();
    let line = put["properties"]["siteConfig"]["appCommandLine"].as_str().unwrap();
    let words = shell_words::split(line).unwrap();
    let at = words.iter().position(|word| word == "--").unwrap();
    assert_eq!(words[0], "sockerless-agent");
    assert_eq!(words[at + 1..], ["/bin/sh", "-c", "echo \"a b\" 'c' $X; # é"]);
}

#[test]
fn entrypoint_cmd_without_reverse_agent() {
    let world = without_agent("");
    create(&world, &["alpine", "true"]);
    let put = world.azure.last("PUT site").json();
    assert_eq!(put["properties"]["siteConfig"].get("appCommandLine"), None);
}

#[test]
fn environment() {
    let world = World::start();
    let variables =
        ["A=b c", "EMPTY=", "my-var.1=odd", "PORT=1", "AzureWebJobsStorage=x", "FUNCTIONS_EXTENSION_VERSION=1"];
    let mut words: Vec<&str> = variables.iter().flat_map(|pair| ["--env", pair]).collect();
    words.extend(["--name", "w", "alpine", "env"]);
    create(&world, &words);
    let put = world.azure.last("PUT site");
    assert_eq!((put.setting("A").as_deref(), put.setting("EMPTY").as_deref()), (Some("b c"), Some("")));
    // These would be stripped, or break the platform.
    assert_eq!((put.setting("my-var.1"), put.setting("PORT"), put.setting("AzureWebJobsStorage")), (None, None, None));
    assert_eq!(put.setting("FUNCTIONS_EXTENSION_VERSION").as_deref(), Some("~4"));
    // The command gets them all the same, as they were given.
    let ran = world.docker.run(&["start", "--attach", "w"]);
    for pair in variables {
        assert!(ran.ok().lines().any(|line| line == pair), "{pair}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("SOCKERLESS_AGENT_TOKEN"), "{}", ran.stdout);
}

#[test]
fn kind() {
    let world = World::start();
    create(&world, &["alpine", "true"]);
    assert_eq!(world.azure.last("PUT site").json()["kind"], "functionapp,linux,container");
}

#[test]
fn app_settings() {
    let world = world(&[("SOCKERLESS_AZF_STORAGE_KEY", "a2V5")], "");
    create(&world, &["alpine", "true"]);
    let put = world.azure.last("PUT site");
    assert_eq!(put.setting("FUNCTIONS_EXTENSION_VERSION").as_deref(), Some("~4"));
    assert_eq!(put.setting("WEBSITES_ENABLE_APP_SERVICE_STORAGE").as_deref(), Some("false"));
    let connection =
        "DefaultEndpointsProtocol=https;AccountName=sockerlessstorage;AccountKey=a2V5;EndpointSuffix=core.windows.net";
    assert_eq!(put.setting("AzureWebJobsStorage").as_deref(), Some(connection));
    assert_eq!(put.setting("AzureWebJobsStorage__accountName"), None);
}

#[test]
fn app_settings_without_a_storage_key() {
    let world = World::start();
    create(&world, &["alpine", "true"]);
    let put = world.azure.last("PUT site");
    assert_eq!(put.setting("AzureWebJobsStorage__accountName").as_deref(), Some("sockerlessstorage"));
    assert_eq!(put.setting("AzureWebJobsStorage"), None, "without a key it is no connection string");
}

#[test]
fn registry() {
    let own = World::start();
    create(&own, &["alpine", "true"]);
    assert_eq!(own.azure.last("PUT site").setting("DOCKER_REGISTRY_SERVER_URL"), None);
    let world = world(&[("SOCKERLESS_AZF_REGISTRY", "https://example.azurecr.io")], "");
    create(&world, &["alpine", "true"]);
    let put = world.azure.last("PUT site");
    assert_eq!(put.setting("DOCKER_REGISTRY_SERVER_URL").as_deref(), Some("https://example.azurecr.io"));
    assert_eq!(put.json()["properties"]["siteConfig"]["acrUseManagedIdentityCreds"], true);
}

#[test]
fn name() {
    let world = World::start();
    let id = create(&world, &["--name", "mine", "alpine", "true"]);
    let app = format!("skls-{}", &id[..12]);
    assert!(world.azure.last("PUT site").text("path").ends_with(&format!("/sites/{app}")));
    assert_eq!(world.azure.apps()[0]["name"], app.as_str());
    assert_eq!(world.docker.inspect("mine")["Id"], id.as_str());
}

#[test]
fn return_value() {
    let world = World::start();
    world.pull();
    let body = br#"{"Image":"alpine","Cmd":["true"]}"#;
    let reply = ask_daemon(&world, "POST /containers/create?name=w", &[("Content-Type", "application/json")], body);
    let answer = reply.json();
    let id = answer["Id"].as_str().unwrap();
    assert_eq!((reply.status, id.len(), &answer["Warnings"]), (201, 64, &json!([])));
    assert!(id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    // Azure has it from here, and not the other way round.
    assert_eq!(world.azure.last("PUT site").json()["tags"]["sockerless-container-id"], id);
}

#[test]
fn creation_is_synchronous() {
    let world = World::start();
    for (form, outcome) in
        [("async-operation", "failed"), ("location", "failed"), ("async-operation", "canceled"), ("at-once", "failed")]
    {
        world.azure.fault(&json!({ "fault": "put", "script": {
            "form": form, "polls": 1, "retry_after_ms": 10, "outcome": outcome, "leaves_site": outcome == "failed" } }));
        world.pull();
        let refused = world.docker.run(&["create", "--name", "w", "alpine", "true"]);
        refused.exits(1);
        assert!(
            refused.stderr.contains("could not be made") && refused.stderr.contains("emulator was told"),
            "{}",
            refused.stderr
        );
        // What Azure left behind is gone, and the name is free.
        assert!(world.azure.apps().is_empty(), "{form} {outcome}");
        assert_eq!(world.docker.ok(&["ps", "--all", "--quiet"]), "");
    }
    create(&world, &["--name", "w", "alpine", "true"]);
    assert_eq!(world.azure.apps().len(), 1);
}

#[test]
fn function_url_and_resource_id_extracted_from_response() {
    let world = world(&[], "[arm]\nhost_suffix = '-e0a1b2c3'");
    let id = create(&world, &["--name", "w", "alpine", "true"]);
    world.azure.forget();
    world.docker.ok(&["start", "--attach", "w"]);
    let host = format!("skls-{}-e0a1b2c3.azurewebsites.net", &id[..12]);
    assert_eq!(world.azure.last("POST function").text("host"), host);
    world.docker.ok(&["rm", "w"]);
    let path = world.azure.last("DELETE site").text("path").to_owned();
    assert_eq!(
        path,
        format!("{SUBSCRIPTION}/resourceGroups/sockerless/providers/Microsoft.Web/sites/skls-{}", &id[..12])
    );
}

#[test]
fn agent_env_vars_injected_as_app_settings() {
    let world = World::start();
    let id = create(&world, &["alpine", "true"]);
    let put = world.azure.last("PUT site");
    assert_eq!(put.setting("SOCKERLESS_CONTAINER_ID").as_deref(), Some(id.as_str()));
    assert!(put.setting("SOCKERLESS_AGENT_TOKEN").is_some_and(|token| token.len() >= 43), "256 bits");
    let url = put.setting("SOCKERLESS_AGENT_CALLBACK_URL").unwrap();
    assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
    let list = format!("skls-{}", &id[..12]);
    assert_eq!(
        world.azure.control("GET", &format!("/apps/{list}"), None)["settings"]["SOCKERLESS_CONTAINER_ID"],
        id.as_str()
    );
}

#[test]
fn agent_env_vars_are_not_there_without_an_agent() {
    let world = without_agent("");
    create(&world, &["alpine", "true"]);
    let put = world.azure.last("PUT site");
    for name in ["SOCKERLESS_AGENT_TOKEN", "SOCKERLESS_CONTAINER_ID", "SOCKERLESS_AGENT_CALLBACK_URL"] {
        assert_eq!(put.setting(name), None, "{name}");
    }
}

#[test]
fn a_name_that_is_taken_in_azure_is_not_a_name_in_use_here() {
    let world = World::start();
    world.azure.fault(&json!({ "fault": "name-taken" }));
    let id = create(&world, &["--name", "w", "alpine", "true"]);
    let kinds = world.azure.kinds();
    assert_eq!(
        (kinds.first().map(String::as_str), kinds.last().map(String::as_str)),
        (Some("PUT site"), Some("PUT site"))
    );
    assert_eq!(world.azure.apps()[0]["name"], format!("skls-{}", &id[..12]).as_str());
}
