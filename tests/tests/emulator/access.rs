//! Who is let in: hosts, tokens, versions, groups, plans, names, rates.

use serde_json::{Value, json};
use sockerless_tests::{ARM_SCOPE, Emulator, LOGS_SCOPE, SUBSCRIPTION, Site, TENANT, eventually, site_body};

const QUERY: &str = "/v1/workspaces/33333333-3333-3333-3333-333333333333/query";

fn code(reply: &sockerless_tests::Reply) -> String {
    let body = reply.json();
    let code = if body["error"].is_object() { &body["error"]["code"] } else { &body["Code"] };
    code.as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[test]
fn one_listener_tells_its_services_apart_by_host() {
    let azure = Emulator::alone("");
    let is = |host: &str, path: &str| azure.ask(host, &format!("GET {path}"), &[], b"");
    assert_eq!(
        code(&is("management.azure.com", &format!("{SUBSCRIPTION}?api-version=2020-01-01"))),
        "InvalidAuthenticationToken"
    );
    assert_eq!(code(&is("api.loganalytics.azure.com", QUERY)), "InvalidAuthenticationTokenError");
    let login = is("login.microsoftonline.com", &format!("/{TENANT}/oauth2/v2.0/token")).json();
    assert_eq!(login["error"], "invalid_request");
    assert!(is("eastus-8.in.applicationinsights.azure.com", "/v2/track").text().contains("telemetry"));
    assert!(is("nobody.azurewebsites.net", "/").text().contains("Web Site not found"));
    assert!(is("nobody.scm.azurewebsites.net", "/").text().contains("Web Site not found"));
    assert_eq!(is("169.254.169.254", "/metadata/identity/oauth2/token").json()["error"], "invalid_request");
    assert_eq!(is("control.emulator", "/apps").json(), json!([]));
    let nobody = is("example.com", "/");
    assert_eq!(nobody.status, 404);
    assert!(nobody.text().contains("no service at host 'example.com'"));
}

#[test]
fn the_deployment_site_has_the_log_and_wants_a_token() {
    let azure = Emulator::alone("");
    Site::of(&azure, "app").arm("PUT", "", Some(&site_body("sh -c 'echo begun; sleep 1000'", &[])));
    assert_eq!(azure.ask("app.scm.azurewebsites.net", "GET /api/logstream", &[], b"").status, 401);
    let token = format!("Bearer {}", azure.token(ARM_SCOPE));
    eventually("the log is at the deployment site", || {
        let log = azure.ask("app.scm.azurewebsites.net", "GET /api/logstream", &[("Authorization", &token)], b"");
        log.text().contains("begun").then_some(())
    });
}

#[test]
fn what_nobody_has_granted_is_refused() {
    let azure = Emulator::alone(
        "[[arm.permissions]]\nactions = ['Microsoft.Web/sites/*', '*/read']\n\
        not_actions = ['Microsoft.Web/sites/delete', '*/list/action']",
    );
    let site = Site::of(&azure, "app");
    let body = site_body("sleep 1000", &[]);
    assert_eq!(site.arm("PUT", "", Some(&body)).status, 200);
    for (method, below) in [("DELETE", ""), ("POST", "/config/appsettings/list")] {
        let refused = site.arm(method, below, None);
        assert_eq!((refused.status, code(&refused).as_str()), (403, "AuthorizationFailed"), "{method} {below}");
    }
    let told =
        azure.arm("GET", "/resourceGroups/sockerless/providers/Microsoft.Authorization/permissions", None).json();
    assert_eq!(told["value"][0]["notActions"][0], "Microsoft.Web/sites/delete", "{told}");
    azure.configure(&json!({ "arm": { "permissions": null } }));
    assert_eq!(site.arm("DELETE", "", None).status, 200);
}

#[test]
fn a_token_opens_its_own_service_only() {
    let azure = Emulator::alone("");
    let (arm, logs) = (azure.token(ARM_SCOPE), azure.token(LOGS_SCOPE));
    let group = format!("{SUBSCRIPTION}/resourceGroups/sockerless?api-version=2021-04-01");
    let ask = |token: &str| azure.request("management.azure.com", "GET", &group, Some(token), None).0;
    assert_eq!((ask(&arm), ask(&logs), ask("invented")), (200, 403, 401));
    let query = json!({ "query": "AppTraces" });
    let ask = |token: &str| azure.request("api.loganalytics.azure.com", "POST", QUERY, Some(token), Some(&query));
    let (status, body) = ask(&arm);
    assert_eq!(status, 403);
    assert!(body.contains("InvalidAuthenticationTokenAudience"), "{body}");
    // Its table has no rows yet.
    assert_eq!((ask(&logs).0, ask("invented").0), (400, 401));
}

#[test]
fn a_token_has_a_lifetime() {
    let azure = Emulator::alone("[identity]\ntoken_lifetime_ms = 90000");
    let given = azure.ask_for_token(ARM_SCOPE).json();
    assert_eq!((&given["expires_in"], &given["token_type"]), (&json!(90), &json!("Bearer")));
    azure.configure(&json!({ "identity": { "token_lifetime_ms": 0 } }));
    let reply = azure.arm("GET", "", None);
    assert_eq!((reply.status, code(&reply).as_str()), (401, "ExpiredAuthenticationToken"));
    assert!(reply.headers["www-authenticate"].starts_with("Bearer "), "{reply:?}");

    azure.configure(&json!({ "identity": { "token_lifetime_ms": null } }));
    let token = azure.token(ARM_SCOPE);
    let path = format!("{SUBSCRIPTION}?api-version=2020-01-01");
    let ask = || azure.request("management.azure.com", "GET", &path, Some(&token), None).0;
    assert_eq!(ask(), 200);
    let _ = azure.control("DELETE", "/tokens", None);
    assert_eq!(ask(), 401);
}

#[test]
fn the_directory_says_what_is_wrong_in_its_own_words() {
    let azure = Emulator::alone("");
    let ask = |form: &str| {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let line = format!("POST /{TENANT}/oauth2/v2.0/token");
        let reply = azure.ask("login.microsoftonline.com", &line, &headers, form.as_bytes());
        (reply.status, reply.json())
    };
    let client = "client_id=22222222-2222-2222-2222-222222222222&grant_type=client_credentials";
    let (status, body) = ask(&format!("{client}&client_secret=wrong&scope={ARM_SCOPE}"));
    assert_eq!((status, &body["error"], &body["error_codes"]), (401, &json!("invalid_client"), &json!([7_000_215])));
    assert!(body["error_description"].as_str().unwrap().starts_with("AADSTS7000215: "), "{body}");
    let jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let federated = |assertion: &str| {
        ask(&format!("{client}&client_assertion_type={jwt}&client_assertion={assertion}&scope={ARM_SCOPE}"))
    };
    assert_eq!(federated("emulator-federated-token").0, 200);
    let (status, body) = federated("another");
    assert_eq!((status, &body["error_codes"]), (401, &json!([700_213])));
    let (status, body) = ask(&format!("{client}&client_secret=emulator-secret&scope=https://example.com/.default"));
    assert_eq!((status, &body["error"]), (400, &json!("invalid_resource")));
}

#[test]
fn a_managed_identity_tells_times_as_strings() {
    let azure = Emulator::alone("");
    let resource = "resource=https://management.azure.com/&api-version=2019-08-01";
    let machine = |query: &str, headers: &[(&str, &str)]| {
        azure.ask("169.254.169.254", &format!("GET /metadata/identity/oauth2/token?{query}"), headers, b"")
    };
    let given = machine(resource, &[("Metadata", "true")]).json();
    let expiry: i64 = given["expires_on"].as_str().unwrap().parse().unwrap();
    assert!(expiry > 1_700_000_000 && given["expires_in"].is_string(), "{given}");
    let token = given["access_token"].as_str().unwrap();
    let path = format!("{SUBSCRIPTION}?api-version=2020-01-01");
    assert_eq!(azure.request("management.azure.com", "GET", &path, Some(token), None).0, 200);
    assert_eq!(machine(resource, &[]).status, 400);
    assert_eq!(machine("resource=https://management.azure.com/", &[("Metadata", "true")]).status, 400);
    let stranger = machine(&format!("{resource}&client_id=stranger"), &[("Metadata", "true")]).json();
    assert_eq!(stranger["error_description"], "Identity not found");

    let service = |header: &str| {
        azure.ask(azure.address(), &format!("GET /msi/token?{resource}"), &[("X-IDENTITY-HEADER", header)], b"").status
    };
    assert_eq!((service("emulator-identity-header"), service("guessed")), (200, 401));
}

#[test]
fn a_version_must_be_said_and_exist() {
    let azure = Emulator::alone("[arm]\napi_versions = ['2025-05-01']");
    let token = azure.token(ARM_SCOPE);
    let ask = |query: &str| {
        let path = format!("{SUBSCRIPTION}/providers/Microsoft.Web/sites{query}");
        let (status, body) = azure.request("management.azure.com", "GET", &path, Some(&token), None);
        (status, serde_json::from_str::<Value>(&body).unwrap()["error"]["code"].clone())
    };
    assert_eq!(ask(""), (400, json!("MissingApiVersionParameter")));
    assert_eq!(ask("?api-version=2024-04-01"), (400, json!("InvalidApiVersionParameter")));
    assert_eq!(ask("?API-Version=2025-05-01").0, 200);
}

#[test]
fn group_plan_and_name_are_checked() {
    let azure = Emulator::alone(
        "[arm]\ntaken_names = ['elsewhere']\n[[arm.plans]]\nresource_group = 'sockerless'\nname = 'sockerless-plan'\nsku = 'EP1'\n\
         location = 'eastus'\n[[arm.plans]]\nresource_group = 'sockerless'\nname = 'consumption'\nsku = 'Y1'\nlocation = 'eastus'",
    );
    let put = |group: &str, name: &str, plan: &str| {
        let mut body = site_body("true", &[]);
        body["properties"]["serverFarmId"] = json!(plan);
        let path = format!("/resourceGroups/{group}/providers/Microsoft.Web/sites/{name}");
        let reply = azure.arm("PUT", &path, Some(&body));
        (reply.status, reply.json())
    };
    let (status, body) = put("nowhere", "ab", "sockerless-plan");
    assert_eq!((status, &body["error"]["code"]), (404, &json!("ResourceGroupNotFound")));
    let entity = |body: &Value| body["Details"][2]["ErrorEntity"].clone();
    let (status, body) = put("sockerless", "ab", "missing-plan");
    assert_eq!((status, &entity(&body)["ExtendedCode"]), (404, &json!("51004")));
    let (status, body) = put("sockerless", "ab", "consumption");
    assert_eq!((status, &body["Code"]), (400, &json!("BadRequest")));
    assert!(body["Message"].as_str().unwrap().contains("does not run custom containers"), "{body}");
    let (status, body) = put("sockerless", "a_b", "sockerless-plan");
    assert_eq!((status, &entity(&body)["Parameters"][0]), (400, &json!("name")));
    let (status, body) = put("sockerless", "Elsewhere", "sockerless-plan");
    let message = "Website with given name Elsewhere already exists.";
    assert_eq!(status, 409);
    assert_eq!(
        body,
        json!({
            "Code": "Conflict", "Message": message, "Target": null,
            "Details": [{ "Message": message }, { "Code": "Conflict" }, { "ErrorEntity": {
                "ExtendedCode": "54001", "MessageTemplate": "Website with given name {0} already exists.",
                "Parameters": ["Elsewhere"], "Code": "Conflict", "Message": message } }],
            "Innererror": null,
        })
    );
    assert_eq!(azure.apps(), Vec::<Value>::new());
    let check = |name: &str| {
        let reply = azure.arm(
            "POST",
            "/providers/Microsoft.Web/checknameavailability",
            Some(&json!({ "name": name, "type": "Site" })),
        );
        reply.json()["nameAvailable"].clone()
    };
    assert_eq!((check("free"), check("elsewhere"), check("-")), (json!(true), json!(false), json!(false)));
}

#[test]
fn both_layers_throttle_and_tell_what_is_left() {
    let azure = Emulator::alone(
        "[arm.throttle.reads]\ncapacity = 2\nrefill_per_second = 0.001\n[arm.throttle.deletes]\ncapacity = 1\nrefill_per_second = 0.001",
    );
    let left = |reply: &sockerless_tests::Reply, kind: &str| {
        reply.headers.get(&format!("x-ms-ratelimit-remaining-subscription-{kind}")).cloned()
    };
    let site = Site::of(&azure, "nobody");
    let first = site.arm("GET", "", None);
    assert_eq!((first.status, left(&first, "reads").as_deref()), (404, Some("1")));
    assert!(first.headers.contains_key("x-ms-request-id") && first.headers.contains_key("x-ms-correlation-request-id"));
    assert_eq!(left(&site.arm("GET", "", None), "reads").as_deref(), Some("0"));
    let refused = site.arm("GET", "", None);
    assert_eq!((refused.status, code(&refused).as_str()), (429, "TooManyRequests"));
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() > 900, "{refused:?}");
    assert_eq!(left(&site.arm("DELETE", "", None), "deletes").as_deref(), Some("0"));
    assert_eq!(left(&site.arm("POST", "/start", None), "writes").as_deref(), Some("199"));

    azure.configure(&json!({ "arm": { "throttle": {
        "reads": { "capacity": 100, "refill_per_second": 1000.0 }, "provider": { "capacity": 0 } } } }));
    let refused = eventually("the first layer lets pass again", || {
        Some(site.arm("GET", "", None)).filter(|reply| reply.json().get("Code").is_some())
    });
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "5"));
    assert_eq!(refused.json()["Details"][2]["ErrorEntity"]["ExtendedCode"], "51025");

    azure.configure(&json!({ "arm": { "throttle": null } }));
    for (layer, is_arms) in [("arm", true), ("provider", false)] {
        azure.fault(&json!({ "fault": "throttle", "service": "arm", "layer": layer, "retry_after_seconds": 7 }));
        let refused = site.arm("GET", "", None);
        assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "7"), "{layer}");
        assert_eq!(refused.json()["error"].is_object(), is_arms, "{layer}");
    }
}
