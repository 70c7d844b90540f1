//! The client against registries of the tests' own.

use std::sync::Arc;

use serde_json::json;
use sockerless_docker::{ImageReference, RegistryAuth};
use sockerless_engine::{Error, ErrorKind, Fetch, FetchFailure, Fetched, ImageContent, Registries, Search};

use crate::digest;
use crate::testing::{Asked, Reply, Server, client, image, ok, user};

fn challenge(text: String) -> Reply {
    (401, vec![("WWW-Authenticate", text)], Vec::new())
}

async fn fetched(fetch: &Fetch) -> Result<ImageContent, Error> {
    match client().fetch(fetch).await {
        Ok(Fetched::New(content)) => Ok(*content),
        Ok(Fetched::Known { digest }) => panic!("{digest} is known"),
        Err(FetchFailure::Refused(error) | FetchFailure::Begun(error)) => Err(error),
    }
}

/// A registry with one image in it, behind something.
fn serving(
    config: serde_json::Value,
    before: impl Fn(&Asked) -> Option<Reply> + Send + Sync,
) -> impl Fn(&Asked) -> Reply {
    let (manifest, config) = image(&config);
    move |asked| match before(asked) {
        Some(reply) => reply,
        None if asked.line.contains("/manifests/") => ok(manifest.clone()),
        None if asked.line.contains("/blobs/") => ok(config.clone()),
        None => ok("{}"),
    }
}

#[tokio::test]
async fn an_image_is_its_configuration_and_the_sizes_of_its_layers() {
    let config =
        json!({ "architecture": "arm64", "variant": "v8", "os": "linux", "config": { "Cmd": ["x"], "Env": null } });
    let (manifest, raw) = image(&config);
    let server = Server::start(serving(config, |_| None)).await;
    let content = fetched(&server.fetch("team/app:1", None)).await.unwrap();
    assert_eq!(content.digest, digest::sha256(&manifest));
    assert_eq!(content.id, digest::sha256(&raw));
    assert_eq!(content.layers, [5]);
    assert_eq!(content.config.platform.to_string(), "linux/arm64/v8");
    assert_eq!(content.config.config.cmd, Some(vec!["x".to_owned()]));
    let blob = format!("GET /v2/team/app/blobs/{}", content.id);
    let lines = ["GET /v2/", "HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1", &blob];
    assert_eq!(server.lines(), lines);
    assert!(server.asked().iter().all(|asked| asked.authorization().is_empty()));
}

#[tokio::test]
async fn what_is_known_is_not_fetched_again() {
    let known = digest::sha256(b"known");
    let named = known.clone();
    let server = Server::start(move |asked| match asked.line.starts_with("HEAD ") {
        true => (200, vec![("Docker-Content-Digest", named.clone())], Vec::new()),
        false => ok("{}"),
    })
    .await;
    let fetch = Fetch { known: vec![known.clone()], ..server.fetch("a:1", None) };
    assert_eq!(client().fetch(&fetch).await, Ok(Fetched::Known { digest: known }));
    assert_eq!(server.lines(), ["GET /v2/", "HEAD /v2/a/manifests/1"]);
}

#[tokio::test]
async fn a_token_is_had_where_the_registry_says_and_shown_to_it_alone() {
    let tokens = Server::start(|asked| match asked.authorization() {
        "Basic dXNlcjpzZWNyZXQ=" => ok(r#"{"token":"good"}"#),
        "" if asked.body.contains("refresh_token=lasting") => ok(r#"{"access_token":"good"}"#),
        "" => ok(r#"{"token":"anonymous"}"#),
        _ => (401, Vec::new(), br#"{"details":"incorrect username or password"}"#.to_vec()),
    })
    .await;
    // Blobs are elsewhere, where the token is none of their business.
    let (_, config) = image(&json!({ "os": "linux" }));
    let blobs = Server::start(move |_| ok(config.clone())).await;
    let (realm, elsewhere) = (format!("http://{}/token", tokens.host), format!("http://{}/blob", blobs.host));
    let server = Server::start(serving(json!({ "os": "linux" }), move |asked| match asked.authorization() {
        "Bearer good" if asked.line.contains("/blobs/") => {
            Some((307, vec![("Location", elsewhere.clone())], Vec::new()))
        }
        "Bearer good" => None,
        "" => Some(challenge(format!(r#"Bearer realm="{realm}",service="here""#))),
        _ => Some(challenge(format!(r#"Bearer realm="{realm}",service="here",error="insufficient_scope""#))),
    }))
    .await;

    assert!(fetched(&server.fetch("a:1", Some(user("secret")))).await.is_ok());
    assert_eq!(tokens.lines(), ["GET /token?account=user&scope=repository%3Aa%3Apull&service=here"]);
    assert_eq!(blobs.asked()[0].authorization(), "");

    let lasting = RegistryAuth { identitytoken: "lasting".to_owned(), ..RegistryAuth::default() };
    assert!(fetched(&server.fetch("a:1", Some(lasting))).await.is_ok());
    let form =
        "client_id=docker&grant_type=refresh_token&refresh_token=lasting&scope=repository%3Aa%3Apull&service=here";
    assert_eq!((tokens.asked()[1].line.as_str(), tokens.asked()[1].body.as_str()), ("POST /token", form));

    let own = RegistryAuth { registrytoken: "good".to_owned(), ..RegistryAuth::default() };
    assert!(fetched(&server.fetch("a:1", Some(own))).await.is_ok());
    assert_eq!(tokens.asked().len(), 2);

    let error = fetched(&server.fetch("a:1", None)).await.unwrap_err();
    let host = &server.host;
    let denied = format!(
        "pull access denied for {host}/a, repository does not exist or may require 'docker login': denied: requested access to \
         the resource is denied"
    );
    assert_eq!(error, Error::not_found(denied));
    let error = fetched(&server.fetch("a:1", Some(user("wrong")))).await.unwrap_err();
    let wrong = format!("Head \"http://{host}/v2/a/manifests/1\": unauthorized: incorrect username or password");
    assert_eq!(error, Error::unauthorized(wrong));
}

#[tokio::test]
async fn basic_credentials_are_sent_when_they_are_asked_for() {
    let server = Server::start(serving(json!({}), |asked| match asked.authorization() {
        "Basic dXNlcjpzZWNyZXQ=" => None,
        _ => Some(challenge("Basic realm=\"here\"".to_owned())),
    }))
    .await;
    assert!(fetched(&server.fetch("a:1", Some(user("secret")))).await.is_ok());
    assert_eq!(server.asked()[0].authorization(), "");
    let error = fetched(&server.fetch("a:1", None)).await.unwrap_err();
    let host = &server.host;
    assert_eq!(error, Error::internal(format!("Head \"http://{host}/v2/a/manifests/1\": no basic auth credentials")));
    let error = fetched(&server.fetch("a:1", Some(user("wrong")))).await.unwrap_err();
    assert_eq!(error, Error::unauthorized("unauthorized: authentication required"));

    let login = |password: &str| RegistryAuth { serveraddress: host.clone(), ..user(password) };
    assert_eq!(client().login(&login("secret")).await.unwrap().status, "Login Succeeded");
    let error = client().login(&login("wrong")).await.unwrap_err();
    let text = format!("login attempt to http://{host}/v2/ failed with status: 401 Unauthorized");
    assert_eq!(error, Error::unauthorized(text));
}

#[tokio::test]
async fn a_login_may_give_a_token_that_stands_for_the_password() {
    let tokens = Server::start(|_| ok(r#"{"token":"good","refresh_token":"lasting"}"#)).await;
    let realm = format!("http://{}/token", tokens.host);
    let server = Server::start(move |asked| match asked.authorization() {
        "Bearer good" => ok("{}"),
        _ => challenge(format!(r#"Bearer realm="{realm}",service="here""#)),
    })
    .await;
    let auth = RegistryAuth { serveraddress: format!("https://{}/v1/", server.host), ..user("secret") };
    assert_eq!(client().login(&auth).await.unwrap().identity_token, "lasting");
    assert_eq!(tokens.lines(), ["GET /token?account=user&client_id=docker&offline_token=true&service=here"]);
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_are_not_taken() {
    let (manifest, config) = image(&json!({ "os": "linux" }));
    let other = image(&json!({ "os": "other" })).1;
    let server = Server::start(move |asked| match &asked.line {
        line if line.contains("/blobs/") => ok(other.clone()),
        line if line.contains("/manifests/") => ok(manifest.clone()),
        _ => ok("{}"),
    })
    .await;
    let failure = client().fetch(&server.fetch("a:1", None)).await.unwrap_err();
    let text = format!("image config verification failed for digest {}", digest::sha256(&config));
    assert_eq!(failure, FetchFailure::Begun(Error::internal(text)));
    let pinned = format!("a@{}", digest::sha256(b"another"));
    let error = fetched(&server.fetch(&pinned, None)).await.unwrap_err();
    assert!(error.message.starts_with("manifest verification failed for digest sha256:"), "{error}");
}

#[tokio::test]
async fn sizes_and_redirects_have_an_end() {
    let server = Server::start(|asked| match &asked.line {
        line if line.contains("/v2/large/") => ok(vec![b' '; (4 << 20) + 1]),
        line if line.contains("/v2/round/") => {
            (302, vec![("Location", line.replace("GET ", "").replace("HEAD ", ""))], Vec::new())
        }
        line if line.contains("/v2/plain/") => {
            (302, vec![("Location", "http://registry.example/x".to_owned())], Vec::new())
        }
        _ => ok("{}"),
    })
    .await;
    for (name, text) in [
        ("large", "bytes that it may have"),
        ("round", "stopped after 10 redirects"),
        ("plain", "http://registry.example is not spoken to"),
    ] {
        let error = fetched(&server.fetch(name, None)).await.unwrap_err();
        assert!(error.kind == ErrorKind::Internal && error.message.contains(text), "{error}");
    }
}

#[tokio::test]
async fn nobody_at_the_port_is_said_in_gos_words() {
    let reference = ImageReference::parse("127.0.0.1:1/a:1").unwrap();
    let error = client().distribution(&reference, None).await.unwrap_err();
    let text = "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused";
    assert_eq!(error, Error::internal(text));
}

#[tokio::test]
async fn a_call_can_be_dropped_while_the_registry_is_silent() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reference = ImageReference::parse(&format!("{}/a:1", silent.local_addr().unwrap())).unwrap();
    let client = Arc::new(client());
    let call = {
        let client = client.clone();
        tokio::spawn(async move { client.distribution(&reference, None).await })
    };
    let (connection, _) = silent.accept().await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // Its connection is closed with it.
    let mut rest = Vec::new();
    let mut connection = connection;
    tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut rest).await.unwrap();
}

#[tokio::test]
async fn distribution_tells_the_platforms() {
    let server = Server::start(serving(json!({ "architecture": "amd64", "os": "linux" }), |_| None)).await;
    let reference = ImageReference::parse(&format!("{}/a:1", server.host)).unwrap();
    let found = client().distribution(&reference, None).await.unwrap();
    assert_eq!(found.platforms.len(), 1);
    assert_eq!(found.platforms[0].to_string(), "linux/amd64");
    assert_eq!(found.descriptor.media_type, "application/vnd.oci.image.manifest.v1+json");
}

#[tokio::test]
async fn a_search_is_that_of_the_first_version() {
    let server = Server::start(|asked| match asked.line.contains("q=none") {
        true => (404, Vec::new(), Vec::new()),
        false => {
            ok(r#"{"num_results":1,"results":[{"name":"a","star_count":3,"is_official":true,"description":null}]}"#)
        }
    })
    .await;
    let search = |term: &str| Search { domain: server.host.clone(), term: term.to_owned(), limit: 7, auth: None };
    let found = client().search(&search("a b")).await.unwrap();
    assert_eq!((found[0].name.as_str(), found[0].star_count, found[0].is_official), ("a", 3, true));
    assert_eq!(server.lines(), ["GET /v1/search?q=a+b&n=7"]);
    assert_eq!(client().search(&search("none")).await.unwrap_err(), Error::internal("Unexpected status code 404"));
}
