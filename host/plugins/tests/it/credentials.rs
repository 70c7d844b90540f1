//! Tokens: from a token endpoint, onto requests, and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sockerless_plugins::{AzureConfig, AzureCredentials, HttpConfig, TokenSource};

use crate::server::{response, serve};
use crate::support::{Setup, act};

/// A token endpoint and an API behind one address. The API refuses the first `refusals` tokens.
async fn cloud(refusals: usize) -> (HttpConfig, Arc<AtomicUsize>) {
    let issued = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&issued);
    let address = serve(move |request| {
        let counter = Arc::clone(&counter);
        async move {
            if request.header("host") == "login.microsoftonline.com" {
                assert_eq!(request.path, "/tenant/oauth2/v2.0/token");
                let body = String::from_utf8(request.body.to_vec()).unwrap();
                assert!(body.contains("client_secret=very-secret") && body.contains("scope=scope-a"), "{body}");
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let token = serde_json::json!({
                    "token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600,
                    "access_token": format!("token-{number}"),
                });
                return response(200, token.to_string());
            }
            let token = request.header("authorization").strip_prefix("Bearer token-").unwrap();
            let status = if token.parse::<usize>().unwrap() <= refusals { 401 } else { 200 };
            response(status, format!("{} {:?}", request.header("host"), request.body))
        }
    })
    .await;
    (HttpConfig { endpoint: Some(format!("http://{address}").parse().unwrap()), ..HttpConfig::default() }, issued)
}

fn secret() -> AzureConfig {
    AzureConfig {
        tenant_id: Some("tenant".into()),
        client_id: Some("client".into()),
        client_secret: Some("very-secret".into()),
        ..AzureConfig::default()
    }
}

fn setup(http: HttpConfig) -> Setup {
    let tokens = AzureCredentials::new(secret(), &http).unwrap();
    assert!(!format!("{tokens:?}").contains("very-secret"));
    let hosts = "api.example,other.example";
    Setup { http, tokens: Some(Arc::new(tokens)), ..Setup::default() }.hosts(hosts, &["api.example", "other.example"])
}

#[tokio::test]
async fn a_request_is_signed_with_a_token_that_is_acquired_once() {
    let (http, issued) = cloud(0).await;
    let (_world, backend) = setup(http).serving().await;
    for _ in 0..3 {
        let answer = act(&backend, "http", &["PUT", "https://api.example/x"], &["scope=scope-a", "body=b"]).await;
        assert_eq!(answer, r#"200 api.example b"b""#);
    }
    assert_eq!(issued.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (http, issued) = cloud(1).await;
    let (_world, backend) = setup(http).serving().await;
    let request = ["PUT", "https://api.example/x"];
    let answer = act(&backend, "http", &request, &["scope=scope-a", "body=b"]).await;
    assert_eq!(answer, r#"200 api.example b"b""#, "the body is sent again");
    assert_eq!(issued.load(Ordering::SeqCst), 2);

    let (http, issued) = cloud(100).await;
    let (_world, backend) = setup(http).serving().await;
    let answer = act(&backend, "http", &request, &["scope=scope-a"]).await;
    assert!(answer.starts_with("401 "), "{answer}");
    assert_eq!(issued.load(Ordering::SeqCst), 2, "no more than one repetition");
}

/// Whoever answers a signed request cannot have the token sent on, not even to a host that may be asked.
#[tokio::test]
async fn a_token_does_not_follow_a_redirect() {
    let (elsewhere, http) = {
        let elsewhere = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&elsewhere);
        let address = serve(move |request| {
            let counter = Arc::clone(&counter);
            async move {
                match request.header("host") {
                    "login.microsoftonline.com" => response(
                        200,
                        r#"{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"t"}"#,
                    ),
                    "api.example" => {
                        let mut redirect = response(307, "");
                        redirect.headers_mut().insert("location", "https://other.example/".parse().unwrap());
                        redirect
                    }
                    _ => {
                        counter.fetch_add(1, Ordering::SeqCst);
                        response(200, "")
                    }
                }
            }
        })
        .await;
        let endpoint = Some(format!("http://{address}").parse().unwrap());
        (elsewhere, HttpConfig { endpoint, ..HttpConfig::default() })
    };
    let (_world, backend) = setup(http).serving().await;
    assert_eq!(act(&backend, "http", &["GET", "https://api.example/x"], &["scope=scope-a"]).await, "307 ");
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_token_goes_only_where_its_scope_may() {
    let (http, _) = cloud(0).await;
    let (_world, backend) = setup(http).serving().await;
    let answer = act(&backend, "http", &["GET", "https://other.example/x"], &["scope=scope-a"]).await;
    assert!(answer.starts_with("HttpError::Denied") && answer.contains("must not be sent"), "{answer}");
    let answer = act(&backend, "http", &["GET", "https://api.example/x"], &["scope=scope-b"]).await;
    assert!(answer.contains("CredentialError::Denied"), "{answer}");
}

#[tokio::test]
async fn a_configured_source_that_fails_ends_the_search_and_keeps_its_secret() {
    let address = serve(|_| async {
        response(401, r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret","error_codes":[7000215]}"#)
    })
    .await;
    let http = HttpConfig { endpoint: Some(format!("http://{address}").parse().unwrap()), ..HttpConfig::default() };
    let error = AzureCredentials::new(secret(), &http).unwrap().acquire("scope-a").await.unwrap_err().to_string();
    assert!(error.contains("client secret: ") && error.contains("AADSTS7000215"), "{error}");
    assert!(error.contains("no other source is tried") && !error.contains("very-secret"), "{error}");
}

#[tokio::test]
async fn every_source_that_was_tried_is_named() {
    // The endpoint stands in for the metadata service as well: it knows of no identity.
    let address = serve(|_| async { response(404, "{}") }).await;
    let http = HttpConfig { endpoint: Some(format!("http://{address}").parse().unwrap()), ..HttpConfig::default() };
    let source = AzureCredentials::new(AzureConfig::default(), &http).unwrap();
    let error = source.acquire("scope-a").await.unwrap_err().to_string();
    for expected in [
        "client secret: AZURE_CLIENT_SECRET is not set",
        "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set",
        "managed identity: ",
        "developer tools: ",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}
