//! Azure's other clouds: daemon and backend against an emulator that has the hosts of one of them, and no others.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::collections::BTreeSet;

use serde_json::json;
use sockerless_tests::{STORAGE_KEY, SUBSCRIPTION, TENANT, World, WorldOptions, built, eventually};

fn world(cloud: &str) -> World {
    let world = World::with(WorldOptions { emulator: format!("cloud = '{cloud}'"), ..WorldOptions::default() });
    world.pull();
    world
}

/// The hosts that requests went to, but for the apps' own and the address of the emulator itself, which takes telemetry.
fn hosts(world: &World) -> BTreeSet<String> {
    let requests = world.azure.requests();
    let of_services =
        requests.iter().filter(|request| request["service"] != "site" && request["service"] != "ingestion");
    of_services.map(|request| request["host"].as_str().unwrap().to_owned()).collect()
}

/// What the directory at this host answers to the client that wants a token for this scope.
fn token(world: &World, login: &str, scope: &str) -> (u16, serde_json::Value) {
    let body = format!(
        "client_id=22222222-2222-2222-2222-222222222222&client_secret=emulator-secret&grant_type=client_credentials&scope={scope}"
    );
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = world.azure.ask(login, &format!("POST /{TENANT}/oauth2/v2.0/token"), &form, body.as_bytes());
    (reply.status, reply.json())
}

/// A token of the cloud for one service is not taken by the other, and a scope of the public cloud gives none.
fn audiences_are_the_clouds_own(world: &World, login: &str, arm: &str, logs: &str) {
    let given = |scope: &str| {
        let (status, body) = token(world, login, scope);
        assert_eq!(status, 200, "{scope}: {body}");
        body["access_token"].as_str().unwrap().to_owned()
    };
    let path = format!("{SUBSCRIPTION}?api-version=2020-01-01");
    let status = |token: &str| world.azure.request(arm, "GET", &path, Some(token), None).0;
    assert_eq!(status(&given(&format!("https://{arm}/.default"))), 200);
    assert_eq!(status(&given(&format!("https://{logs}/.default"))), 403);
    for scope in ["https://management.azure.com/.default", "https://api.loganalytics.io/.default"] {
        let (status, body) = token(world, login, scope);
        assert_eq!((status, &body["error"]), (400, &json!("invalid_resource")), "{scope}");
    }
    for host in [
        "management.azure.com",
        "login.microsoftonline.com",
        "api.loganalytics.azure.com",
        "a.azurewebsites.net",
        "sockerlessstorage.file.core.windows.net",
    ] {
        assert_eq!(world.azure.ask(host, "GET /", &[], b"").status, 404, "{host}");
    }
}

#[test]
fn us_government() {
    let world = world("us-government");
    assert_eq!(world.docker.ok(&["run", "--name", "w", "alpine", "echo", "hello"]), "hello");
    eventually("the log has the output", || (world.docker.ok(&["logs", "w"]) == "hello").then_some(()));
    let app = &world.azure.apps()[0];
    assert!(app["host"].as_str().unwrap().ends_with(".azurewebsites.us"), "{app}");
    world.docker.ok(&["rm", "w"]);
    assert!(world.azure.apps().is_empty());
    let (login, arm, logs) = ("login.microsoftonline.us", "management.usgovcloudapi.net", "api.loganalytics.us");
    assert_eq!(hosts(&world), [login, arm, logs].map(str::to_owned).into());
    audiences_are_the_clouds_own(&world, login, arm, logs);
}

#[test]
fn china() {
    let world = world("china");
    world.docker.ok(&["create", "--name", "w", "alpine", "echo", "hello"]);
    assert_eq!(world.docker.ok(&["start", "--attach", "w"]), "hello");
    eventually("the log has the output", || (world.docker.ok(&["logs", "w"]) == "hello").then_some(()));
    let app = &world.azure.apps()[0];
    assert!(app["host"].as_str().unwrap().ends_with(".chinacloudsites.cn"), "{app}");
    let (login, arm, logs) = ("login.chinacloudapi.cn", "management.chinacloudapi.cn", "api.loganalytics.azure.cn");
    assert_eq!(hosts(&world), [login, arm, logs].map(str::to_owned).into());
    audiences_are_the_clouds_own(&world, login, arm, logs);
}

/// Fills the agent's share with `push-agent`, and has a container run with it. Answers to which hosts files went.
fn runs_with_the_agents_share(cloud: &str, more: &[(&'static str, &str)]) -> BTreeSet<String> {
    let share = [("SOCKERLESS_AZF_AGENT_SHARE", "agents")];
    let mut world = World::without_daemon(WorldOptions {
        emulator: format!("cloud = '{cloud}'\n[[images]]\nname = 'alpine'\nagent = false"),
        settings: share.iter().chain(more).map(|&(name, value)| (name, value.to_owned())).collect(),
        ..WorldOptions::default()
    });
    let said = world.daemon.push_agent(&built("SOCKERLESS_TEST_AGENT")).ok().to_owned();
    assert!(said.contains("sockerless-agent is in the share"), "{said}");
    let requests = world.azure.requests();
    let files = requests.iter().filter(|request| request["service"] == "files");
    let hosts = files.map(|request| request["host"].as_str().unwrap().to_owned()).collect();
    if !more.is_empty() && world.azure.isolates_files() {
        world.daemon.start().unwrap();
        world.pull();
        assert_eq!(world.docker.ok(&["run", "--rm", "alpine", "echo", "hello"]), "hello");
    }
    hosts
}

#[test]
fn the_agents_share_is_in_the_cloud() {
    let key = [("SOCKERLESS_AZF_AGENT_SHARE_KEY", STORAGE_KEY)];
    let host = |domain: &str| BTreeSet::from([format!("sockerlessstorage.file.{domain}")]);
    // By key, and by a token, which the platform cannot mount with.
    for more in [&key[..], &[]] {
        assert_eq!(runs_with_the_agents_share("us-government", more), host("core.usgovcloudapi.net"));
        assert_eq!(runs_with_the_agents_share("china", more), host("core.chinacloudapi.cn"));
    }
}

#[test]
fn a_daemon_of_another_cloud_does_not_start() {
    let settings = vec![("SOCKERLESS_AZF_CLOUD", "public".to_owned())];
    let emulator = "cloud = 'china'".to_owned();
    let mut world = World::without_daemon(WorldOptions { emulator, settings, ..WorldOptions::default() });
    let error = world.daemon.start().unwrap_err();
    // The directory of China has nothing for the public cloud's resource manager.
    assert!(error.contains("AADSTS500011") && error.contains("https://management.azure.com"), "{error}");
}
