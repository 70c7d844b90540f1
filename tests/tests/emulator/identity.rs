//! Managed identities of apps: their containers get tokens.

use serde_json::{Value, json};
use sockerless_tests::{Emulator, SUBSCRIPTION, Site, site_body};

const ARM: &str = "api-version=2019-08-01&resource=https://management.azure.com/";
const ONE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one";

/// Makes an app that tells what it sees, with these identities; answers it as Azure shows it.
fn create<'a>(azure: &'a Emulator, name: &'a str, identity: &Value) -> (Site<'a>, Value) {
    let site = Site::create(azure, name, &[]);
    let mut body = site_body(&Site::command(), &[]);
    body["identity"] = identity.clone();
    let reply = site.arm("PUT", "", Some(&body));
    assert_eq!(reply.status, 200, "{}", reply.text());
    // The container without the identities makes way.
    site.becomes("the container with the identities runs alone", |app| {
        let containers = app["container"]["containers"].as_array().unwrap();
        app["container"]["starts"] == 2 && containers.len() == 1 && containers[0]["ready"] == true
    });
    (site, reply.json()["identity"].clone())
}

/// What the app is answered when it asks for a token.
fn asked(site: &Site<'_>, query: &str) -> (u64, Value) {
    let answer = site.get(&format!("/token?{query}")).json();
    (answer["status"].as_u64().unwrap(), answer["body"].clone())
}

#[test]
fn a_container_gets_tokens_of_the_identities_of_its_app_and_of_no_other() {
    let azure = Emulator::alone("");
    let both = json!({ "type": "SystemAssigned, UserAssigned", "userAssignedIdentities": { ONE: {} } });
    let (site, shown) = create(&azure, "both", &both);
    let client = shown["userAssignedIdentities"][ONE]["clientId"].as_str().unwrap();

    let (status, own) = asked(&site, ARM);
    assert_eq!((status, &own["token_type"], own["client_id"] == client), (200, &json!("Bearer"), false), "{own}");
    let expiry: i64 = own["expires_on"].as_str().unwrap().parse().unwrap();
    assert!(expiry > 1_700_000_000);
    let token = own["access_token"].as_str().unwrap();
    let path = format!("{SUBSCRIPTION}?api-version=2020-01-01");
    assert_eq!(azure.request("management.azure.com", "GET", &path, Some(token), None).0, 200);

    let principal = shown["userAssignedIdentities"][ONE]["principalId"].as_str().unwrap();
    for choice in [format!("client_id={client}"), format!("principal_id={principal}"), format!("mi_res_id={ONE}")] {
        let (status, given) = asked(&site, &format!("{ARM}&{choice}"));
        assert_eq!((status, &given["client_id"]), (200, &json!(client)), "{choice}: {given}");
    }
    let (status, refused) = asked(&site, &format!("{ARM}&client_id={client}&mi_res_id={ONE}"));
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")), "{refused}");
    let stranger = "client_id=22222222-2222-2222-2222-222222222222";
    let (status, refused) = asked(&site, &format!("{ARM}&{stranger}"));
    assert!(status == 400 && refused["error_description"].as_str().unwrap().contains("No User Assigned"), "{refused}");
    assert_eq!(asked(&site, "resource=https://management.azure.com/").0, 400);
    assert_eq!(asked(&site, "api-version=2019-08-01&resource=https://example.com").0, 400);

    // Without a choice the app's own is meant, which this one has not.
    let (other, _) = create(&azure, "other", &json!({ "type": "UserAssigned", "userAssignedIdentities": { ONE: {} } }));
    assert_eq!(asked(&other, ARM).0, 400);
    assert_eq!(asked(&other, &format!("{ARM}&client_id={client}")).0, 200);
    let secrets = [&site, &other].map(|site| site.look()["environment"]["IDENTITY_HEADER"].clone());
    assert_ne!(secrets[0], secrets[1]);
}

#[test]
fn who_does_not_know_the_secret_gets_no_token() {
    let azure = Emulator::alone("");
    let (site, _) = create(&azure, "app", &json!({ "type": "SystemAssigned" }));
    assert_eq!(asked(&site, ARM).0, 200);
    let guess = azure.ask(&site.host(), &format!("GET /token?{ARM}"), &[("X-Guess", "guess")], b"").json();
    assert_eq!(guess["status"], 401, "{guess}");
    let secret = site.look()["environment"]["IDENTITY_HEADER"].as_str().unwrap().to_owned();
    let ask = |secret: &str| {
        azure.ask(azure.address(), &format!("GET /msi/token?{ARM}"), &[("X-IDENTITY-HEADER", secret)], b"").status
    };
    assert_eq!((ask(&secret), ask(""), ask("emulator-identity-header")), (200, 401, 200));
    // It is worth nothing once the app is gone.
    assert_eq!(site.arm("DELETE", "", None).status, 200);
    assert_eq!(ask(&secret), 401);
}

#[test]
fn without_an_identity_there_is_nowhere_to_ask() {
    let azure = Emulator::alone("");
    let site = Site::create(&azure, "app", &[]);
    let environment = site.look()["environment"].clone();
    assert!(environment.get("WEBSITE_SITE_NAME").is_some());
    assert!(
        environment.get("IDENTITY_ENDPOINT").is_none() && environment.get("IDENTITY_HEADER").is_none(),
        "{environment}"
    );
    let mut body = site_body(&Site::command(), &[]);
    body["identity"] = json!({ "type": "UserAssigned" });
    assert_eq!(site.arm("PUT", "", Some(&body)).status, 400);
}
