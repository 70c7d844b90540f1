//! An app's image is pulled from its registry, where the configuration says so.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use sockerless_tests::{Asked, Emulator, Registry, Reply, Scripted, Site, World, WorldOptions, site_body, tar_of};

use super::images::{log, release};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two layers: one as it is, one packed.
fn layers() -> [Vec<u8>; 2] {
    let below = tar_of(&[("etc/os-release", b"ID=below\n"), ("etc/gone", b"x")]);
    [below, gzip(&tar_of(&[("etc/os-release", b"ID=pulled\n"), ("etc/.wh.gone", b"")]))]
}

fn pulling_from(registry: &str) -> String {
    format!("[registries]\npull = ['{registry}']\n")
}

/// Makes an app of an image, and waits until its log has this.
fn app(azure: &Emulator, name: &str, image: &str, settings: &[(&str, &str)], logged: &str) -> Value {
    let site = Site::of(azure, name);
    let mut body = site_body("/none", settings);
    body["properties"]["siteConfig"]["linuxFxVersion"] = json!(format!("DOCKER|{image}"));
    let reply = site.arm("PUT", "", Some(&body));
    assert_eq!(reply.status, 200, "{}", reply.text());
    site.becomes(&format!("its log has {logged:?}"), |app| {
        app["platformLog"].as_str().is_some_and(|log| log.contains(logged))
    })
}

/// The app is not started, and `containerlogs` says why.
fn has_failed(azure: &Emulator, name: &str, why: &str) {
    let site = Site::of(azure, name);
    site.becomes("it has failed", |app| app["container"]["phase"] == "failed");
    let reply = site.arm("POST", "/containerlogs", None);
    let log = reply.text();
    assert!(reply.status == 200 && log.contains("Image pull failed") && log.contains(why), "{log}");
    assert_eq!(site.get("/").status, 503);
}

#[test]
fn a_container_has_the_files_of_the_image_that_its_backend_names_with_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::closed(folder.path()) else { return };
    let layers = layers();
    let pushed = registry.push_layers("team/app", "amd64", &[&layers[0], &layers[1]]);
    let other = registry.push_layers("team/app", "other", &[&layers[0]]);
    let platform = |architecture: &str| json!({ "os": "linux", "architecture": architecture });
    registry.push_list("team/app", "1", &[(&other, platform("s390x")), (&pushed, platform("amd64"))]);
    let settings = vec![
        ("SOCKERLESS_AZF_REGISTRY", format!("http://{}", registry.host())),
        ("SOCKERLESS_AZF_REGISTRY_USERNAME", "user".to_owned()),
        ("SOCKERLESS_AZF_REGISTRY_PASSWORD", "secret".to_owned()),
    ];
    let emulator = pulling_from(registry.host());
    let world = World::with(WorldOptions { emulator, settings, ..WorldOptions::default() });
    if !world.azure.isolates_files() {
        return;
    }
    let image = format!("{}/team/app:1", registry.host());
    world.docker.ok(&["pull", "--quiet", &image]);
    world.docker.ok(&["pull", "--quiet", "alpine"]);
    let tool = "/usr/local/bin/sockerless-agent";
    let id = world.docker.ok(&["create", "--name", "own", &image, tool, "--version"]);
    assert_eq!(release(&world, "own"), "ID=pulled\n");
    let gone = world.docker.run(&["cp", "own:/etc/gone", "-"]);
    assert!(gone.stderr.contains("Could not find the file"), "{}", gone.stderr);
    assert!(world.docker.ok(&["start", "--attach", "own"]).starts_with("sockerless-agent "));
    assert!(log(&world, &id).contains("of which 4 blobs were not in the cache"), "{}", log(&world, &id));
    // A registry that the configuration does not name is not asked.
    let id = world.docker.ok(&["create", "alpine", "true"]);
    world.docker.ok(&["start", &id]);
    assert!(log(&world, &id).contains("this machine's own file system stands for it"), "{}", log(&world, &id));
}

#[test]
fn what_was_pulled_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::open(folder.path()) else { return };
    let layers = layers();
    registry.push_layers("team/app", "1", &[&layers[0], &layers[1]]);
    let image = format!("{}/team/app:1", registry.host());
    let cache = folder.path().join("cache");
    let config = format!("{}cache = '{}'\n", pulling_from(registry.host()), cache.display());
    let blobs = || registry.gets("/v2/team/app/blobs/");

    let azure = Emulator::alone(&config);
    app(&azure, "one", &image, &[], "of which 3 blobs were not in the cache");
    assert_eq!(blobs(), 3);
    app(&azure, "two", &image, &[], "of which 0 blobs were not in the cache");
    assert_eq!(blobs(), 3);
    drop(azure);

    // The next emulator takes what is whole, and what is not it fetches again.
    let hex = hex::encode(digest(&SHA256, &layers[1]));
    let blob = cache.join("blobs/sha256").join(hex);
    fs::write(&blob, &layers[1][..layers[1].len() / 2]).unwrap();
    let azure = Emulator::alone(&config);
    app(&azure, "three", &image, &[], "of which 1 blobs were not in the cache");
    assert_eq!(blobs(), 4);
    assert_eq!(fs::read(&blob).unwrap(), layers[1]);
    let left = fs::read_dir(blob.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| name.len() == 64));
}

#[test]
fn a_pull_that_fails_leaves_the_app_not_started_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::closed(folder.path()) else { return };
    let layers = layers();
    registry.push_layers("team/app", "1", &[&layers[0], &layers[1]]);
    registry.push_layers("team/bad", "1", &[&layers[0], b"a layer that is no tar"]);
    let host = registry.host();
    let (image, server) = (format!("{host}/team/app:1"), format!("https://{host}"));
    let azure = Emulator::alone(&pulling_from("*"));
    let with = |password: &'static str| {
        [
            ("DOCKER_REGISTRY_SERVER_URL", server.as_str()),
            ("DOCKER_REGISTRY_SERVER_USERNAME", "user"),
            ("DOCKER_REGISTRY_SERVER_PASSWORD", password),
        ]
    };
    let elsewhere = [("DOCKER_REGISTRY_SERVER_URL", "https://r.example"), with("secret")[1], with("secret")[2]];
    app(&azure, "right", &image, &with("secret"), "blobs were not in the cache");
    // What another app has pulled is not there for one that may not.
    app(&azure, "wrong", &image, &with("guess"), "Failed to pull image");
    has_failed(&azure, "wrong", "is answered with 401");
    app(&azure, "nobody", &image, &[], "Failed to pull image");
    has_failed(&azure, "nobody", "DOCKER_REGISTRY_SERVER_USERNAME");
    app(&azure, "elsewhere", &image, &elsewhere, "Failed to pull image");
    has_failed(&azure, "elsewhere", "DOCKER_REGISTRY_SERVER_USERNAME");
    app(&azure, "absent", &format!("{host}/team/app:2"), &with("secret"), "Failed to pull image");
    has_failed(&azure, "absent", "manifest unknown");
    app(&azure, "no-tar", &format!("{host}/team/bad:1"), &with("secret"), "Failed to pull image");
    has_failed(&azure, "no-tar", "");
    app(&azure, "no-name", &format!("{host}/../x:1"), &with("secret"), "Failed to pull image");
    has_failed(&azure, "no-name", "is no reference of an image");

    // The same image from a registry that has lost it: what is in the cache is whole, so another one is needed.
    let lost = gzip(&tar_of(&[("etc/lost", b"x")]));
    registry.push_layers("team/lost", "1", &[&lost]);
    registry.damage(&lost);
    app(&azure, "damaged", &format!("{host}/team/lost:1"), &with("secret"), "Failed to pull image");
    has_failed(&azure, "damaged", "is damaged");

    let limited = Emulator::alone(&format!("image_bytes = 100\n{}", pulling_from("*")));
    app(&limited, "large", &image, &with("secret"), "Failed to pull image");
    has_failed(&limited, "large", "more than the 100 bytes");
}

/// What a registry has of an image `team/app:1` of one layer, by path.
fn contents(layer: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let sha = |bytes: &[u8]| format!("sha256:{}", hex::encode(digest(&SHA256, bytes)));
    let config = br#"{"config":{}}"#.to_vec();
    let of = |bytes: &[u8]| json!({ "digest": sha(bytes), "size": bytes.len() });
    let manifest =
        json!({ "schemaVersion": 2, "config": of(&config), "layers": [of(&layer)] }).to_string().into_bytes();
    let blob = |bytes: Vec<u8>| (format!("/v2/team/app/blobs/{}", sha(&bytes)), bytes);
    [("/v2/team/app/manifests/1".to_owned(), manifest), blob(config), blob(layer)].into()
}

/// A registry that wants a token, for which it wants `user` and `secret`. Its blobs are at `store`.
fn with_tokens(there: BTreeMap<String, Vec<u8>>, store: &str) -> Scripted {
    let store = store.to_owned();
    Scripted::start(move |asked: &Asked| {
        let path = asked.line.split_once(' ').unwrap().1;
        let authorization = asked.headers.get("authorization").map_or("", String::as_str);
        if path == "/token?service=registry&scope=repository%3Ateam%2Fapp%3Apull" {
            // user:secret
            return match authorization {
                "Basic dXNlcjpzZWNyZXQ=" => Reply::new(200, r#"{"token":"t0ken"}"#),
                _ => Reply::new(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"incorrect password"}]}"#),
            };
        }
        if authorization != "Bearer t0ken" {
            let challenge = format!(
                r#"Bearer realm="http://{}/token",service="registry",scope="repository:team/app:pull""#,
                asked.headers["host"]
            );
            return Reply::new(401, "").with("WWW-Authenticate", challenge);
        }
        match there.get(path) {
            Some(_) if path.contains("/blobs/") => {
                Reply::new(307, "").with("Location", format!("http://{store}{path}"))
            }
            Some(body) => Reply::new(200, body.clone()),
            None => Reply::new(404, ""),
        }
    })
}

#[test]
fn a_registry_that_wants_a_token_gets_it() {
    let there = contents(layers()[1].clone());
    let blobs = there.clone();
    let store = Scripted::start(move |asked| {
        let path = asked.line.split_once(' ').unwrap().1;
        blobs.get(path).map_or_else(|| Reply::new(404, ""), |body| Reply::new(200, body.clone()))
    });
    let registry = with_tokens(there, store.host());
    let image = format!("{}/team/app:1", registry.host());
    let azure = Emulator::alone(&pulling_from(registry.host()));
    let settings = |password: &'static str| {
        [
            ("DOCKER_REGISTRY_SERVER_URL", registry.host()),
            ("DOCKER_REGISTRY_SERVER_USERNAME", "user"),
            ("DOCKER_REGISTRY_SERVER_PASSWORD", password),
        ]
    };
    app(&azure, "right", &image, &settings("secret"), "of which 2 blobs were not in the cache");
    app(&azure, "wrong", &image, &settings("guess"), "Failed to pull image");
    has_failed(&azure, "wrong", "incorrect password");
    // Neither token nor password is for where the blobs are.
    let fetched = store.asked();
    assert_eq!(fetched.len(), 2);
    assert!(fetched.iter().all(|asked| !asked.headers.contains_key("authorization")), "{fetched:?}");
    // The password goes to where tokens are had, and nowhere else.
    for asked in registry.asked() {
        let authorization = asked.headers.get("authorization").map_or("", String::as_str);
        assert!(asked.line.starts_with("GET /token?") || !authorization.starts_with("Basic"), "{}", asked.line);
    }
}
