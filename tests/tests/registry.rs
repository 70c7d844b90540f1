//! Registries: pulls with the images' own configuration, logins, searches. Where a test needs the real registry and there is
//! none, it is skipped.

use std::io::Write as _;

use serde_json::{Value, json};
use sockerless_tests::{Asked, Registry, Reply, Scripted, World, WorldOptions, ask_daemon};

/// A world whose daemon fetches configurations of images.
fn fetching() -> World {
    World::with(WorldOptions {
        settings: vec![("SOCKERLESS_FETCH_IMAGE_CONFIG", "true".to_owned())],
        ..WorldOptions::default()
    })
}

fn app() -> Value {
    json!({
        "Entrypoint": ["/bin/echo", "entrypoint:"],
        "Cmd": ["the", "image's"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GREETING=hello"],
        "WorkingDir": "/tmp",
        "Labels": { "from": "image", "kept": "yes" },
        "ExposedPorts": { "80/tcp": {} },
        "Volumes": { "/data": {} },
        "StopSignal": "SIGINT",
        "Healthcheck": { "Test": ["CMD", "true"], "Interval": 60_000_000_000_u64 },
    })
}

#[test]
fn a_container_gets_what_its_image_says() {
    let world = fetching();
    let Some(registry) = Registry::open(world.folder()) else { return };
    let docker = &world.docker;
    let pushed = registry.push("team/app", "1", "amd64", &app());
    let name = format!("{}/team/app:1", registry.host());

    let pulled = docker.ok(&["pull", &name]);
    for line in [
        "1: Pulling from team/app".to_owned(),
        format!("Digest: {}", pushed.digest),
        format!("Status: Downloaded newer image for {name}"),
    ] {
        assert!(pulled.contains(&line), "{line}\n{pulled}");
    }
    let again = docker.ok(&["pull", &name]);
    assert!(again.contains(&format!("Digest: {}", pushed.digest)), "{again}");
    assert!(again.contains(&format!("Status: Image is up to date for {name}")), "{again}");

    assert_eq!(docker.ok(&["run", "--rm", &name]), "entrypoint: the image's");
    assert_eq!(docker.ok(&["run", "--rm", &name, "my", "own"]), "entrypoint: my own");
    let shell = ["run", "--rm", "--env", "OWN=1", "--entrypoint", "sh", &name, "-c", "echo $GREETING $OWN $PWD"];
    assert_eq!(docker.ok(&shell), "hello 1 /tmp");

    docker.ok(&["create", "--name", "c", "--label", "from=client", "--expose", "81", "--volume", "/own", &name]);
    let container = docker.inspect("c");
    assert_eq!(container["Image"], pushed.id);
    let config = &container["Config"];
    assert_eq!(config["Entrypoint"], app()["Entrypoint"]);
    assert_eq!(config["Cmd"], app()["Cmd"]);
    assert_eq!(config["Labels"], json!({ "from": "client", "kept": "yes" }));
    assert_eq!(config["ExposedPorts"], json!({ "80/tcp": {}, "81/tcp": {} }));
    assert_eq!(config["Volumes"], json!({ "/data": {}, "/own": {} }));
    assert_eq!(config["StopSignal"], "SIGINT");
    assert_eq!(config["WorkingDir"], "/tmp");
    assert_eq!(config["Healthcheck"]["Test"], json!(["CMD", "true"]));
    docker.ok(&["rm", "c"]);
}

#[test]
fn an_image_is_shown_as_it_is() {
    let mut world = fetching();
    let Some(registry) = Registry::open(world.folder()) else { return };
    let pushed = registry.push("team/app", "1", "amd64", &app());
    let host = registry.host();
    let name = format!("{host}/team/app:1");
    let pinned = format!("{host}/team/app@{}", pushed.digest);
    world.docker.ok(&["pull", "--quiet", &name]);
    world.docker.ok(&["pull", "--quiet", &pinned]);

    // What is known outlives the daemon.
    world.daemon.terminate();
    world.daemon.start().unwrap();
    let docker = &world.docker;
    let image = docker.inspect(&name);
    assert_eq!(image["Id"], pushed.id);
    assert_eq!(image["RepoTags"], json!([name]));
    assert_eq!(image["RepoDigests"], json!([pinned]));
    assert_eq!(image["Created"], "2024-05-06T07:08:09.123456789Z");
    assert_eq!(image["Author"], "somebody");
    assert_eq!((&image["Architecture"], &image["Os"]), (&json!("amd64"), &json!("linux")));
    assert_eq!(image["Size"], 25);
    assert_eq!(image["RootFS"]["Layers"].as_array().map(Vec::len), Some(1));
    assert_eq!(image["Config"]["Env"], app()["Env"]);
    assert_eq!(docker.inspect(&pinned)["Id"], pushed.id);
    assert_eq!(docker.inspect(&pushed.id[7..19])["Id"], pushed.id);

    let listed = docker.ok(&["images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}} {{.Size}}"]);
    assert_eq!(listed, format!("{host}/team/app 1 {} 25B", pushed.id));
    let history =
        docker.ok(&["history", "--no-trunc", "--format", "{{.ID}} {{.Size}} {{.CreatedBy}} {{.Comment}}", &name]);
    let history: Vec<&str> = history.lines().map(str::trim_end).collect();
    assert_eq!(history, [format!("{} 0B CMD [\"x\"]", pushed.id).as_str(), "<missing> 25B ADD file the first step"]);
    let found = docker.ok(&["images", "--quiet", "--no-trunc", "--filter", "label=from=image"]);
    assert_eq!(found, pushed.id);

    let removed = docker.ok(&["rmi", &name]);
    assert_eq!(
        removed,
        format!("Untagged: {name}\nUntagged: {pinned}\nDeleted: {}", pushed.id),
        "with the last tag of a repository its digests go"
    );
}

#[test]
fn of_several_images_the_one_for_the_platform_is_taken() {
    let world = fetching();
    let Some(registry) = Registry::open(world.folder()) else { return };
    let docker = &world.docker;
    let command = |word: &str| json!({ "Cmd": ["echo", word] });
    let amd64 = registry.push("multi", "amd64", "amd64", &command("amd64"));
    let arm = registry.push("multi", "arm", "arm", &command("arm"));
    let list = registry.push_list(
        "multi",
        "1",
        &[
            (&arm, json!({ "architecture": "arm", "os": "linux", "variant": "v7" })),
            (&amd64, json!({ "architecture": "amd64", "os": "linux" })),
        ],
    );
    let name = format!("{}/multi:1", registry.host());
    let pulled = docker.ok(&["pull", &name]);
    assert!(pulled.contains(&format!("Digest: {list}")), "{pulled}");
    assert_eq!(docker.inspect(&name)["Id"], amd64.id);

    let error = docker.run(&["pull", "--platform", "linux/s390x", &name]);
    error.exits(1);
    assert!(error.stdout.contains("Pulling from multi"), "{}", error.stdout);
    assert!(
        error.stderr.contains("no matching manifest for linux/s390x in the manifest list entries"),
        "{}",
        error.stderr
    );

    // The client finds that it has the wrong one, and pulls the right one.
    assert_eq!(docker.ok(&["run", "--rm", "--quiet", "--platform", "linux/arm/v7", &name]), "arm");
    assert_eq!(docker.inspect(&name)["Id"], arm.id);
    let create = json!({ "Image": name, "Cmd": ["true"] }).to_string();
    let wrong = ask_daemon(
        &world,
        "POST /containers/create?platform=linux/amd64",
        &[("Content-Type", "application/json")],
        create.as_bytes(),
    );
    let text = format!(
        "image with reference {name} was found but its platform (linux/arm) does not match the specified platform (linux/amd64)"
    );
    assert_eq!((wrong.status, wrong.json()), (404, json!({ "message": text })));

    let warned = docker.ok(&["pull", "--platform", "linux/arm64", &format!("{}/multi:amd64", registry.host())]);
    assert!(warned.contains("WARNING: image with reference"), "{warned}");

    let found = ask_daemon(&world, &format!("GET /distribution/{name}/json"), &[], b"").json();
    assert_eq!(found["Descriptor"]["digest"], list);
    assert_eq!(found["Descriptor"]["mediaType"], "application/vnd.docker.distribution.manifest.list.v2+json");
    assert_eq!(found["Platforms"][0], json!({ "architecture": "arm", "os": "linux", "variant": "v7" }));
}

#[test]
fn what_cannot_be_pulled_is_told_in_the_engines_words() {
    let world = fetching();
    let Some(registry) = Registry::open(world.folder()) else { return };
    let host = registry.host();
    registry.push("team/app", "1", "amd64", &json!({}));
    let unknown = "manifest unknown: manifest unknown";
    for (from, tag, status, message) in [
        (format!("{host}/team/app"), "nope", 404, format!("manifest for {host}/team/app:nope not found: {unknown}")),
        (format!("{host}/nope"), "1", 404, format!("manifest for {host}/nope:1 not found: {unknown}")),
        (
            "127.0.0.1:1/team/app".to_owned(),
            "1",
            500,
            "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused".to_owned(),
        ),
        (
            "team/App".to_owned(),
            "1",
            400,
            "invalid reference format: repository name (team/App) must be lowercase".to_owned(),
        ),
    ] {
        let reply = ask_daemon(&world, &format!("POST /images/create?fromImage={from}&tag={tag}"), &[], b"");
        assert_eq!((reply.status, reply.json()), (status, json!({ "message": message })), "{from}");
    }
    let docker = &world.docker;
    let error = docker.run(&["run", "--rm", &format!("{host}/team/app:nope"), "true"]);
    error.exits(125);
    assert!(error.stderr.contains(unknown), "{}", error.stderr);
    let found = ask_daemon(&world, &format!("GET /distribution/{host}/team/app:nope/json"), &[], b"");
    assert_eq!((found.status, found.json()), (404, json!({ "message": unknown })));

    let name = format!("{host}/team/app:1");
    let error = docker.run(&["run", "--rm", &name]);
    assert!(error.stderr.contains("no command specified"), "{}", error.stderr);
    // The daemon is as well as before.
    assert_eq!(docker.ok(&["run", "--rm", &name, "echo", "well"]), "well");
}

#[test]
fn a_closed_registry_wants_a_login() {
    let world = fetching();
    let Some(registry) = Registry::closed(world.folder()) else { return };
    let docker = &world.docker;
    let host = registry.host();
    let pushed = registry.push("team/app", "1", "amd64", &app());
    let name = format!("{host}/team/app:1");

    let error = docker.run(&["pull", &name]);
    error.exits(1);
    assert!(error.stderr.contains("no basic auth credentials"), "{}", error.stderr);

    let login = |password: &str| {
        docker.run_with(&["login", "--username", "user", "--password-stdin", host], password.as_bytes())
    };
    let wrong = login("wrong");
    wrong.exits(1);
    let text = format!("login attempt to http://{host}/v2/ failed with status: 401 Unauthorized");
    assert!(wrong.stderr.contains(&text), "{}", wrong.stderr);
    assert!(login("secret").ok().contains("Login Succeeded"));
    let pulled = docker.ok(&["pull", &name]);
    assert!(pulled.contains(&format!("Digest: {}", pushed.digest)), "{pulled}");
    docker.ok(&["logout", host]);

    let wrong = json!({ "username": "user", "password": "wrong", "serveraddress": host }).to_string();
    let json_type = [("Content-Type", "application/json")];
    assert_eq!(ask_daemon(&world, "POST /auth", &json_type, wrong.as_bytes()).status, 401);
    let right = json!({ "username": "user", "password": "secret", "serveraddress": host }).to_string();
    let answer = ask_daemon(&world, "POST /auth", &json_type, right.as_bytes());
    assert_eq!(answer.json(), json!({ "IdentityToken": "", "Status": "Login Succeeded" }));
    assert!(!world.daemon.log().contains("secret\""), "{}", world.daemon.log());
}

/// A registry that wants tokens, and gives them itself.
fn with_tokens() -> Scripted {
    Scripted::start(|asked: &Asked| {
        let host = asked.header("host");
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="tests""#);
        if let Some(query) = asked.line.strip_prefix("GET /token") {
            return match asked.header("authorization") {
                // user:secret
                "Basic dXNlcjpzZWNyZXQ=" if query.contains("offline_token=true") => {
                    Reply::new(200, r#"{"token":"for-a-login","refresh_token":"lasting"}"#)
                }
                "" => Reply::new(200, r#"{"token":"anonymous"}"#),
                _ => Reply::new(401, r#"{"details":"incorrect username or password"}"#),
            };
        }
        if asked.line == "POST /token" {
            let form = String::from_utf8_lossy(&asked.body).into_owned();
            return match form.contains("grant_type=refresh_token&refresh_token=lasting") {
                true => Reply::new(200, r#"{"access_token":"for-a-pull"}"#),
                false => Reply::new(401, r#"{"details":"invalid refresh token"}"#),
            };
        }
        match asked.header("authorization") {
            "Bearer for-a-login" => Reply::new(200, "{}"),
            "Bearer for-a-pull" => Reply::new(
                404,
                r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#,
            ),
            "" => Reply::new(401, "{}").with("www-authenticate", challenge),
            _ => Reply::new(401, "{}").with("www-authenticate", challenge + ",error=\"insufficient_scope\""),
        }
    })
}

#[test]
fn a_token_stands_for_the_password() {
    let world = fetching();
    let registry = with_tokens();
    let (docker, host) = (&world.docker, registry.host());
    let name = format!("{host}/private:1");

    let error = docker.run(&["pull", &name]);
    error.exits(1);
    let text = format!(
        "pull access denied for {host}/private, repository does not exist or may require 'docker login': denied: requested \
         access to the resource is denied"
    );
    assert!(error.stderr.contains(&text), "{}", error.stderr);

    let login = |password: &str| {
        docker.run_with(&["login", "--username", "user", "--password-stdin", host], password.as_bytes())
    };
    let wrong = login("wrong");
    wrong.exits(1);
    assert!(wrong.stderr.contains("unauthorized: incorrect username or password"), "{}", wrong.stderr);
    login("secret").ok();

    // The client keeps the token and sends it along; for it the daemon gets one of the right scope.
    let error = docker.run(&["pull", &name]);
    assert!(error.stderr.contains("not found: manifest unknown"), "{}", error.stderr);
    let asked = registry.asked();
    let form = asked.iter().rev().find(|asked| asked.line == "POST /token").unwrap();
    assert!(String::from_utf8_lossy(&form.body).contains("scope=repository%3Aprivate%3Apull"), "{form:?}");
    for secret in ["lasting", "for-a-pull", "secret"] {
        assert!(!world.daemon.log().contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_search_goes_to_the_registry_that_it_names() {
    let world = World::start();
    let registry = Scripted::start(|asked| match asked.line.contains("q=app") {
        true => Reply::new(
            200,
            r#"{"results":[{"name":"team/app","description":"An application","star_count":7,"is_official":false},
                {"name":"app","description":"The application","star_count":70,"is_official":true}]}"#,
        ),
        false => Reply::new(404, ""),
    });
    let (docker, host) = (&world.docker, registry.host());
    let format = ["search", "--format", "{{.Name}} {{.StarCount}} {{.IsOfficial}}"];
    let search = |more: &[&str]| docker.ok(&[&format, more, &[&format!("{host}/app")]].concat());
    assert_eq!(search(&[]), "team/app 7 \napp 70 [OK]");
    assert_eq!(search(&["--filter", "is-official=true"]), "app 70 [OK]");
    assert_eq!(search(&["--filter", "stars=8", "--limit", "3"]), "app 70 [OK]");
    let lines: Vec<String> = registry.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["GET /v1/search?q=app&n=25", "GET /v1/search?q=app&n=25", "GET /v1/search?q=app&n=3"]);

    let error = |query: &str| {
        let reply = ask_daemon(&world, &format!("GET /images/search?{query}"), &[], b"");
        (reply.status, reply.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    let none = format!("term={host}/none");
    for (query, status, message) in [
        ("term=x&limit=101", 400, "limit 101 is outside the range of [1, 100]"),
        ("term=x&limit=-1", 400, "limit -1 is outside the range of [1, 100]"),
        ("term=x&limit=y", 400, "invalid limit specified: strconv.Atoi: parsing \"y\": invalid syntax"),
        ("term=https://x", 400, "invalid repository name: repository name (https://x) should not have a scheme"),
        ("term=x&filters=%7B%22nope%22%3A%5B%22x%22%5D%7D", 400, "invalid filter 'nope'"),
        (none.as_str(), 500, "Unexpected status code 404"),
    ] {
        assert_eq!(error(query), (status, message.to_owned()), "{query}");
    }
}

#[test]
fn by_default_a_pull_asks_nobody() {
    let world = World::start();
    let registry = Scripted::start(|_| Reply::new(500, ""));
    let name = format!("{}/team/app:1", registry.host());
    let pulled = world.docker.ok(&["pull", &name]);
    assert!(pulled.contains(&format!("Status: Downloaded newer image for {name}")), "{pulled}");
    assert_eq!(world.docker.ok(&["run", "--rm", &name, "echo", "hello"]), "hello");
    assert!(registry.asked().is_empty(), "{:?}", registry.asked());
}

#[test]
fn images_do_not_leave_by_this_daemon() {
    let world = World::start();
    world.pull();
    let docker = &world.docker;
    let pushed = docker.run(&["push", "alpine"]);
    pushed.exits(1);
    assert!(pushed.stderr.contains("pushing alpine:latest is not supported"), "{}", pushed.stderr);
    let pushed = docker.run(&["push", "nope:1"]);
    pushed.exits(1);
    assert!(pushed.stdout.contains("The push refers to repository [docker.io/library/nope]"), "{}", pushed.stdout);
    assert!(pushed.stderr.contains("An image does not exist locally with the tag: nope"), "{}", pushed.stderr);
    let file = world.folder().join("saved.tar");
    let save = |names: &[&str]| docker.run(&[&["save", "--output", file.to_str().unwrap()], names].concat());
    assert!(save(&["alpine"]).stderr.contains("saving images is not supported"));
    assert!(save(&["alpine", "nope"]).stderr.contains("No such image: nope"));
    let status = |line: &str| ask_daemon(&world, line, &[], b"").status;
    assert_eq!(status("GET /images/nope/get"), 404);
    assert_eq!(status("GET /images/alpine/get"), 501);
    assert_eq!(status("GET /images/get?names=alpine&names=nope"), 404);
    assert_eq!(status("POST /images/alpine/push"), 501);
}

#[test]
fn a_client_that_goes_away_ends_its_pull() {
    let world = fetching();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap();
    let mut client = std::os::unix::net::UnixStream::connect(world.daemon.own_socket()).unwrap();
    let request =
        format!("POST /images/create?fromImage={host}/a&tag=1 HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    let (mut connection, _) = silent.accept().unwrap();
    drop(client);
    // The daemon hangs up on the registry, long before its own patience ends.
    let begun = std::time::Instant::now();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut connection, &mut rest).unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
    world.docker.ok(&["version"]);
}
