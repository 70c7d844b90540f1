//! `sockerless doctor`: each step, and what is said when it fails.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use serde_json::{Value, json};
use sockerless_tests::{Ran, Reply, STORAGE_KEY, Scripted, World, WorldOptions, built};

/// A world whose daemon does not run, with these settings instead of the usual ones.
fn world(settings: &[(&'static str, &str)], without: &[&'static str]) -> World {
    let settings = settings.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    World::without_daemon(WorldOptions { settings, without: without.to_vec(), ..WorldOptions::default() })
}

/// It ends with 1, and exactly one line says what failed, with these words.
#[track_caller]
fn fails(ran: &Ran, words: &[&str]) {
    ran.exits(1);
    let failed: Vec<_> = ran.stdout.split("\nFAILED ").skip(1).collect();
    assert_eq!(failed.len(), 1, "{}", ran.stdout);
    for word in words {
        assert!(failed[0].contains(word), "it does not say {word:?}: {}", ran.stdout);
    }
}

fn arm(status: u16, code: &str) -> Value {
    json!({ "fault": "answer", "service": "arm", "status": status, "code": code, "message": "As Azure words it." })
}

#[test]
fn everything_is_as_it_should_be() {
    let mut world = world(&[], &[]);
    let ran = world.daemon.doctor();
    ran.ok();
    assert!(ran.stdout.lines().all(|line| line.starts_with("ok ")), "{}", ran.stdout);
    for step in [
        "configuration",
        "agents find",
        "settings",
        "resource group",
        "plan",
        "containers are made",
        "workspace",
        "output",
        "backend",
    ] {
        assert!(ran.stdout.contains(step), "{step}: {}", ran.stdout);
    }
    // Beside a daemon that runs, too: it has the address on which agents dial in.
    world.daemon.start().unwrap();
    world.daemon.doctor().ok();
    assert_eq!(world.azure.apps().len(), 0);
}

#[test]
fn a_setting_is_missing() {
    fails(&world(&[], &["SOCKERLESS_AZF_SUBSCRIPTION_ID"]).daemon.doctor(), &["SOCKERLESS_AZF_SUBSCRIPTION_ID"]);
}

#[test]
fn the_token() {
    fails(&world(&[("AZURE_CLIENT_SECRET", "wrong")], &[]).daemon.doctor(), &["AADSTS7000215", "AZURE_CLIENT_SECRET"]);
}

#[test]
fn the_role() {
    let world = world(&[], &[]);
    world.azure.fault(&arm(403, "AuthorizationFailed"));
    fails(&world.daemon.doctor(), &["Website Contributor", "az role assignment create"]);
}

/// A world whose daemon may do these things, and has these settings.
fn permitted(actions: &[&str], settings: &[(&'static str, &str)]) -> World {
    let world = world(settings, &[]);
    world.azure.configure(&json!({ "arm": { "permissions": [{ "actions": actions }] } }));
    world
}

#[test]
fn the_role_to_make_apps() {
    let reads = ["*/read", "Microsoft.Web/sites/config/list/action"];
    let words =
        ["Microsoft.Web/sites/write, Microsoft.Web/sites/delete.", "az role assignment create", "Website Contributor"];
    let mut world = permitted(&reads, &[]);
    fails(&world.daemon.doctor(), &words);
    // The backend is of no use then, but it is loaded: roles take minutes to arrive.
    world.daemon.start().unwrap();
    world.pull();
    let refused = world.docker.run(&["create", "alpine", "true"]);
    assert!(refused.stderr.contains("AuthorizationFailed"), "{}", refused.stderr);
    let unseen = self::world(&[], &[]);
    unseen
        .azure
        .fault(&json!({ "fault": "answer", "service": "arm", "path": "/Microsoft.Authorization/", "status": 403,
        "code": "AuthorizationFailed", "message": "As Azure words it." }));
    fails(&unseen.daemon.doctor(), &["it cannot be seen", "As Azure words it."]);
}

#[test]
fn the_role_to_give_apps_their_identity() {
    let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sockerless/providers/\
        Microsoft.ManagedIdentity/userAssignedIdentities/apps";
    let identity = [
        ("SOCKERLESS_AZF_IDENTITY", id),
        ("SOCKERLESS_AZF_IDENTITY_CLIENT_ID", "55555555-5555-5555-5555-555555555555"),
    ];
    fails(&permitted(&["Microsoft.Web/*"], &identity).daemon.doctor(), &["Managed Identity Operator", id]);
    world(&identity, &[]).daemon.doctor().ok();
}

/// A registry that lets in `user` with the password `secret`.
fn registry() -> Scripted {
    Scripted::start(|asked| match asked.header("authorization") {
        // `user:secret`
        "Basic dXNlcjpzZWNyZXQ=" => Reply::new(200, "{}"),
        _ => Reply::new(401, "{}").with("WWW-Authenticate", "Basic realm=\"registry\""),
    })
}

#[test]
fn the_registry() {
    let registry = registry();
    let with = |password: &str| {
        let settings = [
            ("SOCKERLESS_AZF_REGISTRY", registry.host()),
            ("SOCKERLESS_AZF_REGISTRY_USERNAME", "user"),
            ("SOCKERLESS_AZF_REGISTRY_PASSWORD", password),
        ];
        world(&settings, &[]).daemon.doctor()
    };
    assert!(with("secret").ok().contains("takes the user name and the password"));
    fails(&with("other"), &["SOCKERLESS_AZF_REGISTRY_PASSWORD", "docker login", registry.host()]);
    // Without a password only whether somebody is there who is a registry.
    let at = |host: &str| world(&[("SOCKERLESS_AZF_REGISTRY", host)], &[]).daemon.doctor();
    assert!(at(registry.host()).ok().contains(&format!("the registry {} answers", registry.host())));
    fails(&at("127.0.0.1:1"), &["the registry 127.0.0.1:1", "does not answer"]);
    let other = Scripted::start(|_| Reply::new(404, ""));
    fails(&at(other.host()), &["no registry answers", "404"]);
}

#[test]
fn the_agents_share() {
    let with =
        |key: &str| world(&[("SOCKERLESS_AZF_AGENT_SHARE", "agents"), ("SOCKERLESS_AZF_AGENT_SHARE_KEY", key)], &[]);
    let share = with(STORAGE_KEY);
    fails(&share.daemon.doctor(), &["ShareNotFound", "sockerless azure push-agent"]);
    share.azure.configure(&json!({ "storage": { "accounts": [
        { "name": "sockerlessstorage", "key": STORAGE_KEY, "shares": ["agents"] }] } }));
    fails(&share.daemon.doctor(), &["has no sockerless-agent", "sockerless azure push-agent"]);
    share.daemon.push_agent(&built("SOCKERLESS_TEST_AGENT")).ok();
    assert!(share.daemon.doctor().ok().contains("the share agents of sockerlessstorage has the agent"));
    fails(&with("d3Jvbmc=").daemon.doctor(), &["AuthenticationFailed", "az storage account keys list"]);
}

#[test]
fn the_group() {
    fails(
        &world(&[("SOCKERLESS_AZF_RESOURCE_GROUP", "none")], &[]).daemon.doctor(),
        &["ResourceGroupNotFound", "az group create"],
    );
}

#[test]
fn the_plan() {
    let world = world(&[("SOCKERLESS_AZF_APP_SERVICE_PLAN", "none")], &[]);
    fails(&world.daemon.doctor(), &["no App Service plan", "az functionapp plan create"]);
}

#[test]
fn a_plan_without_containers() {
    let emulator =
        "[[arm.plans]]\nresource_group = 'sockerless'\nname = 'sockerless-plan'\nsku = 'Y1'\nlocation = 'eastus'";
    let world = World::without_daemon(WorldOptions { emulator: emulator.to_owned(), ..WorldOptions::default() });
    fails(&world.daemon.doctor(), &["Y1", "EP1"]);
}

#[test]
fn the_workspace() {
    let other = "55555555-5555-5555-5555-555555555555";
    let ran = world(&[("SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE", other)], &[]).daemon.doctor();
    fails(&ran, &["docker logs will not work", "SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE"]);
    let world = world(&[], &[]);
    world.azure.fault(&json!({ "fault": "answer", "service": "logs", "status": 403, "code": "InsufficientAccessError",
        "message": "As Azure words it." }));
    fails(&world.daemon.doctor(), &["docker logs will not work", "Log Analytics Reader", "az role assignment create"]);
}

#[test]
fn the_telemetry() {
    let ran = world(&[], &["SOCKERLESS_AZF_APPLICATIONINSIGHTS_CONNECTION_STRING"]).daemon.doctor();
    fails(&ran, &["docker logs will show nothing", "az monitor app-insights component show"]);
}

#[test]
fn the_callback_url() {
    fails(&world(&[], &["SOCKERLESS_CALLBACK_URL"]).daemon.doctor(), &["SOCKERLESS_CALLBACK_URL is not set"]);
    let nobody = world(&[("SOCKERLESS_CALLBACK_URL", "ws://127.0.0.1:1")], &[]);
    fails(&nobody.daemon.doctor(), &["ws://127.0.0.1:1", "--agents-listen"]);
    let mut other = world(&[], &[]);
    let url = format!("ws://{}", other.azure.address());
    other.daemon.set("SOCKERLESS_CALLBACK_URL", url);
    fails(&other.daemon.doctor(), &["somebody else answers"]);
}
