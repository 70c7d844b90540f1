//! Secrets: one is planted in every place that takes one, and must be found nowhere else. Commands succeed and fail, with everything
//! logged that can be, and with a recording.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use ring::hmac;
use serde_json::{Value, json};
use sockerless_tests::{Authority, Bare, Ran, Reply, Scripted, World, WorldOptions, ask_daemon};

use super::secure::{free_address, of_the_daemon};

const CLIENT_SECRET: &str = "planted-client-secret/8f1e2d";
const STORAGE_KEY: &str = "cGxhbnRlZC1zdG9yYWdlLWtleS0wMTIzNDU2Nzg5";
const REGISTRY_PASSWORD: &str = "planted&registry=password";
const SET_LATER: &str = "planted-by-plugin-set-77aa";
const USERS_PASSWORD: &str = "planted-password-of-a-user";
const WRONG_SECRET: &str = "planted-wrong-secret-55e0";
const ENVIRONMENT: &str = "planted in the environment of a container";
/// Every token of the emulated directory begins so.
const ACCESS_TOKEN: &str = "Bearer emulator.";

/// A secret, and how it looks to whoever only wraps it.
struct Planted {
    name: &'static str,
    forms: Vec<String>,
}

impl Planted {
    fn new(name: &'static str, secret: &str) -> Self {
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let partly: String = secret
            .chars()
            .map(|sign| {
                if sign.is_ascii_alphanumeric() || sign == '-' {
                    sign.to_string()
                } else {
                    format!("%{:02X}", sign as u32)
                }
            })
            .collect();
        let mut forms = vec![secret.to_owned(), escaped, partly, hex::encode(secret)];
        // Within other text it stands at any of three places.
        for before in ["", "x", "xx"] {
            let skipped = if before.is_empty() { 0 } else { 4 };
            for engine in [&BASE64_STANDARD, &BASE64_URL_SAFE] {
                let text = engine.encode(format!("{before}{secret}"));
                let inner = text.trim_end_matches('=');
                forms.push(inner[skipped..inner.len() - 3].to_owned());
            }
        }
        Self { name, forms }
    }
}

/// Everything in which a secret must not be.
struct Seen(Vec<(String, String)>);

impl Seen {
    fn ran(&mut self, ran: &Ran) {
        self.0.push((ran.command.clone(), format!("{}{}", ran.stdout, ran.stderr)));
    }

    fn text(&mut self, place: &str, text: String) {
        self.0.push((place.to_owned(), text));
    }

    fn files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.files(&path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                self.text(&path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }

    /// What the daemon keeps, but for what is there to hold secrets.
    fn kept(&mut self, state: &Path) {
        for entry in std::fs::read_dir(state).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && !name.starts_with("state.db") {
                self.text(&name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
            }
        }
    }

    #[track_caller]
    fn have_none_of(&self, planted: &[Planted]) {
        let mut found = Vec::new();
        for (place, text) in &self.0 {
            for Planted { name, forms } in planted {
                if let Some(at) = forms.iter().find_map(|form| text.find(form.as_str())) {
                    let around: String =
                        text[text.floor_char_boundary(at.saturating_sub(300))..].chars().take(420).collect();
                    found.push(format!("{name} is in {place}:\n{around}"));
                }
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n---\n"));
    }
}

/// A world that logs and records everything, with secrets wherever there is a place for one.
fn planted_world() -> (World, PathBuf, Vec<Planted>) {
    let emulator = format!("[identity]\nclient_secret = {CLIENT_SECRET:?}\n");
    let settings = vec![
        // But for the compiler of components, which says much and knows no secrets.
        ("SOCKERLESS_LOG", "trace,cranelift=info,regalloc2=info,wasmtime=info".to_owned()),
        ("SOCKERLESS_AZF_STORAGE_KEY", STORAGE_KEY.to_owned()),
        ("SOCKERLESS_AZF_REGISTRY", "https://registry.example".to_owned()),
        ("SOCKERLESS_AZF_REGISTRY_USERNAME", "user".to_owned()),
    ];
    let mut world = World::without_daemon(WorldOptions { emulator, settings, ..WorldOptions::default() });
    let folder = world.folder().to_owned();
    let recording = folder.join("recording");
    world.daemon.set("SOCKERLESS_RECORD", recording.to_str().unwrap().to_owned());
    let file = folder.join("sockerless.toml");
    std::fs::write(&file, format!("[settings]\nSOCKERLESS_AZF_REGISTRY_PASSWORD = {REGISTRY_PASSWORD:?}\n")).unwrap();
    world.daemon.option("--config", file.to_str().unwrap());
    let own = Authority::new("authority of the test").issue(&folder.join("own"), &of_the_daemon());
    world.daemon.option("--host", format!("tcp://{}", free_address()));
    for (option, name) in [("--tls-cert", "cert.pem"), ("--tls-key", "key.pem"), ("--tls-ca", "ca.pem")] {
        world.daemon.option(option, own.join(name).to_str().unwrap());
    }
    let key = std::fs::read_to_string(own.join("key.pem")).unwrap();
    let mut planted: Vec<Planted> =
        key.lines().filter(|line| !line.starts_with('-')).map(|line| Planted::new("the key of TLS", line)).collect();
    planted.extend([
        Planted::new("the client secret", CLIENT_SECRET),
        Planted::new("the storage key", STORAGE_KEY),
        Planted::new("the registry's password", REGISTRY_PASSWORD),
        Planted::new("what plugin set was told", SET_LATER),
        Planted::new("a user's password", USERS_PASSWORD),
        Planted { name: "an access token", forms: vec![ACCESS_TOKEN.to_owned()] },
    ]);
    (world, recording, planted)
}

/// The token of each app's agent, and what is derived of it.
fn of_agents(world: &World) -> Vec<Planted> {
    let apps = world.azure.apps();
    let tokens = apps.iter().map(|app| {
        let text = app.to_string();
        let (_, rest) = text.split_once("SOCKERLESS_AGENT_TOKEN").unwrap();
        rest.split(|sign: char| !sign.is_ascii_alphanumeric()).find(|word| word.len() == 64).unwrap().to_owned()
    });
    let derived = |token: &str, purpose: &str| {
        hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes()), purpose.as_bytes()))
    };
    tokens
        .flat_map(|token| {
            [
                Planted::new("the key of an invocation", &derived(&token, "invocation")),
                Planted::new("the key of a daemon that dials", &derived(&token, "dial")),
                Planted::new("the token of an agent", &token),
            ]
        })
        .collect()
}

/// A registry that repeats in its errors what it was shown.
fn registry_that_repeats() -> Scripted {
    Scripted::start(|asked| {
        let shown = asked.header("authorization").to_owned();
        if shown.is_empty() {
            return Reply::new(401, "{}").with("www-authenticate", "Basic realm=\"r\"");
        }
        let message = format!("whoever shows {shown} is not let in");
        Reply::new(403, json!({ "errors": [{ "code": "DENIED", "message": message }] }).to_string())
    })
}

/// What goes well. A client's own environment is shown to clients by `inspect`, and to nobody else.
fn commands_that_succeed(world: &World, seen: &mut Seen) {
    let docker = &world.docker;
    let environment = format!("SECRET={ENVIRONMENT}");
    let mut run = |arguments: &[&str]| {
        let ran = docker.run(arguments);
        ran.ok();
        seen.ran(&ran);
    };
    run(&["version"]);
    run(&["info", "--format", "{{json .}}"]);
    run(&["run", "--rm", "--env", &environment, "alpine", "true"]);
    world.azure.fault(&that_repeats("PUT", &[STORAGE_KEY, REGISTRY_PASSWORD]));
    let refused = docker.run(&["create", "alpine", "true"]);
    assert!(refused.stderr.contains("[secret] and [secret]"), "{}", refused.stderr);
    run(&["plugin", "disable", "azf"]);
    run(&["plugin", "set", "azf", &format!("SOCKERLESS_AZF_REGISTRY_PASSWORD={SET_LATER}")]);
    run(&["plugin", "enable", "azf"]);
    run(&["plugin", "ls"]);
    run(&["run", "--detach", "--name", "c", "--env", &environment, "alpine", "tail", "-f", "/dev/null"]);
    run(&["exec", "--env", &environment, "c", "sh", "-c", "test -n \"$SECRET\""]);
    run(&["cp", "c:/etc/hostname", "-"]);
    run(&["logs", "c"]);
    run(&["top", "c"]);
    run(&["ps", "--all"]);
    run(&["events", "--since", "1", "--until", "2"]);
    assert!(docker.inspect("c").to_string().contains(ENVIRONMENT));
    let shown = docker.run(&["plugin", "inspect", "azf"]);
    assert!(shown.ok().contains("SOCKERLESS_AZF_REGISTRY_PASSWORD=***"), "{}", shown.stdout);
    seen.ran(&shown);
}

/// A resource manager that repeats in an error what it was sent.
fn that_repeats(method: &str, sent: &[&str]) -> Value {
    let message = format!("Somebody has sent {}.", sent.join(" and "));
    json!({
        "fault": "answer", "service": "arm", "method": method, "path": "sites", "status": 400, "code": "BadRequest", "message": message,
    })
}

/// What goes wrong, with clouds and registries that repeat what they were sent.
fn commands_that_fail(world: &World, seen: &mut Seen) {
    let docker = &world.docker;
    let mut fails = |arguments: &[&str]| {
        let ran = docker.run(arguments);
        assert_ne!(ran.code, 0, "{}", ran.command);
        seen.ran(&ran);
    };
    fails(&["run", "--env", &format!("SECRET={ENVIRONMENT}"), "alpine", "no-such-command"]);
    fails(&["rm", "no-such-container"]);
    let fault = |method| that_repeats(method, &[STORAGE_KEY, SET_LATER]);
    world.azure.fault(&fault("PUT"));
    fails(&["create", "alpine", "true"]);
    world.azure.fault(&fault("DELETE"));
    fails(&["rm", "--force", "c"]);
    // What a registry repeats of a user's credentials is the user's: the daemon must not keep it.
    let registry = registry_that_repeats();
    let login = docker
        .run_with(&["login", "--username", "user", "--password-stdin", registry.host()], USERS_PASSWORD.as_bytes());
    assert_ne!(login.code, 0);
    let shown = json!({ "username": "user", "password": USERS_PASSWORD, "serveraddress": registry.host() });
    let shown = BASE64_URL_SAFE.encode(shown.to_string());
    let line = format!("GET /distribution/{}/app/json", registry.host());
    assert_eq!(ask_daemon(world, &line, &[("X-Registry-Auth", &shown)], b"").status, 403);
    assert!(registry.asked().iter().any(|asked| !asked.header("authorization").is_empty()), "no password was needed");
}

#[test]
fn what_is_secret_is_found_nowhere_else() {
    let (mut world, recording, mut planted) = planted_world();
    world.daemon.start().unwrap_or_else(|error| panic!("{error}"));
    world.pull();
    let mut seen = Seen(Vec::new());
    commands_that_succeed(&world, &mut seen);
    planted.extend(of_agents(&world));
    commands_that_fail(&world, &mut seen);
    world.daemon.terminate();

    // A secret that the directory does not take, and repeats.
    world.daemon.set("AZURE_CLIENT_SECRET", WRONG_SECRET.to_owned());
    planted.push(Planted::new("the wrong client secret", WRONG_SECRET));
    let message = format!("AADSTS7000215: Invalid client secret provided: {WRONG_SECRET}");
    world.azure.fault(&json!({ "fault": "answer", "service": "login", "status": 401, "code": "invalid_client", "message": message, "times": 9 }));
    let refused = world.daemon.start().unwrap_err();
    assert!(refused.contains("AADSTS7000215"), "{refused}");
    seen.ran(&world.daemon.doctor());

    let log = world.daemon.log();
    assert!(log.contains("TRACE"), "the log has everything");
    seen.text("the log", log);
    seen.files(&recording);
    seen.kept(world.daemon.state_dir());
    seen.have_none_of(&planted);
    // The environment of containers is for clients that inspect them.
    let environment = [Planted::new("the environment of a container", ENVIRONMENT)];
    seen.have_none_of(&environment);
}

#[test]
fn a_configuration_that_is_not_understood_is_not_shown() {
    for line in [
        "SOCKERLESS_AZF_STORAGE_KEY = 'planted-in-a-broken-line",
        "SOCKERLESS_AZF_STORAGE_KEY = planted-in-a-broken-line",
        "SOCKERLESS_AZF_STORAGE_KEY = 'x' # planted-in-a-broken-line\nAZURE_CLIENT_SECRET = 4711471147114711",
        "SOCKERLESS_AZF_STORAGE_KEY = ['planted-in-a-broken-line', 4711471147114711]",
        "SOCKERLESS_AZF_STORAGE_KEY = true \"planted-in-a-broken-line\"",
    ] {
        let mut bare = Bare::without_daemon(Vec::new(), &[]);
        let file = bare.folder().join("sockerless.toml");
        std::fs::write(&file, format!("state_dir = '/nonexistent'\n[settings]\n{line}\n")).unwrap();
        bare.daemon.option("--config", file.to_str().unwrap());
        let refused = bare.daemon.start().unwrap_err();
        assert!(refused.contains("is not understood") && refused.contains("line "), "{refused}");
        assert!(!refused.contains("planted") && !refused.contains("47114711"), "{refused}");
    }
}
