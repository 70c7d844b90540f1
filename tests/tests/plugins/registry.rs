//! Plugins from a registry and to one: `docker plugin install`, `upgrade` and `push`, and ours. Where there is no registry to start,
//! each is skipped.

use std::path::Path;

use serde_json::{Value, json};
use sockerless_tests::{Bare, Registry, ask_socket, built, optional};

use super::docker::{GREETING, folder, listed, memory_file, refused};

/// What lies in the folder of what is remembered.
fn files(bare: &Bare) -> usize {
    std::fs::read_dir(bare.daemon.state_dir().join("backends")).map_or(0, Iterator::count)
}

/// A folder of a plugin with this component.
fn plugin(bare: &Bare, component: &Path) -> String {
    let bytes = std::fs::read(component).unwrap();
    folder(bare.folder(), "plugin", &[("backend.wasm", &bytes)]).to_str().unwrap().to_owned()
}

#[test]
fn a_plugin_is_pushed_installed_and_upgraded_and_outlives_the_daemon() {
    let mut bare = Bare::start(vec![], &[]);
    let Some(registry) = Registry::closed(bare.folder()) else { return };
    let docker = bare.docker.clone();
    let (one, two) = (format!("{}/team/memory:1", registry.host()), format!("{}/team/memory:2", registry.host()));
    let first = plugin(&bare, &memory_file());
    docker.ok(&["plugin", "create", &one, &first]);
    let error = refused(&bare, &["plugin", "push", &one]);
    assert!(error.contains("no basic auth credentials"), "{error}");
    let login = ["login", "--username", "user", "--password-stdin", registry.host()];
    docker.run_with(&login, b"secret").ok();
    let pushed = docker.ok(&["plugin", "push", &one]);
    assert!(pushed.contains(&format!("The push refers to repository [{}/team/memory]", registry.host())), "{pushed}");
    let digest = pushed.split_once("1: digest: ").unwrap().1.split(' ').next().unwrap().to_owned();
    assert!(docker.ok(&["plugin", "push", &one]).contains(&digest), "the same has the same digest");
    docker.ok(&["plugin", "rm", &one]);

    let installed =
        docker.ok(&["plugin", "install", "--grant-all-permissions", &one, &format!("{GREETING}=installed")]);
    for line in [format!("Digest: {digest}"), format!("Installed plugin {one}")] {
        assert!(installed.contains(&line), "{line}\n{installed}");
    }
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    assert_eq!(listed(&bare), format!("{one} memory true"));
    let shown: Value = serde_json::from_str(&docker.ok(&["plugin", "inspect", &one])).unwrap();
    assert_eq!((&shown[0]["PluginReference"], &shown[0]["Digest"]), (&json!(one), &json!(digest)));
    assert_eq!(shown[0]["Privileges"][0]["Value"], json!([GREETING]));
    docker.ok(&["run", "--name", "kept", "alpine", "true"]);
    assert!(docker.ok(&["logs", "kept"]).starts_with("installed"));
    let error = refused(&bare, &["plugin", "install", "--grant-all-permissions", &one]);
    assert!(error.contains(&format!("plugin {one} already exists")), "{error}");

    // The next version is written in another language, and can read what the first has left.
    let Some(next) = optional("SOCKERLESS_TEST_MEMORY_C") else { return };
    let pinned = registry.push_component("team/memory", "2", &std::fs::read(next).unwrap());
    let version = || docker.ok(&["info", "--format", "{{.OperatingSystem}}"]);
    assert!(version().ends_with("Rust"), "{}", version());
    // By Docker's rules one that serves must be disabled; by ours it is swapped.
    let error = refused(&bare, &["plugin", "upgrade", "--grant-all-permissions", "--skip-remote-check", &one, &two]);
    assert!(error.contains("must be disabled before upgrading"), "{error}");
    let login = ["--username", "user", "--password-stdin", "--grant-all-permissions"];
    let ours =
        |arguments: &[&str]| bare.daemon.sockerless_with(&[&["plugin"], arguments, &login].concat(), b"secret\n");
    let upgraded = ours(&["upgrade", "memory", &format!("{}/team/memory@{pinned}", registry.host())]);
    upgraded.ok();
    assert!(upgraded.stderr.contains(&format!("Digest: {pinned}")), "{}", upgraded.stderr);
    assert!(version().ends_with("in C"), "{}", version());
    docker.ok(&["rm", "kept"]);

    docker.ok(&["plugin", "disable", &one]);
    docker.ok(&["plugin", "upgrade", "--grant-all-permissions", "--skip-remote-check", &one, &one]);
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    assert_eq!(listed(&bare), format!("{one} memory false"));
    docker.ok(&["plugin", "enable", &one]);
    assert!(version().ends_with("Rust"), "{}", version());
    docker.ok(&["run", "--name", "again", "alpine", "true"]);
    assert!(docker.ok(&["logs", "again"]).starts_with("installed"), "what was set outlives a version");
}

#[test]
fn what_a_plugin_wants_is_shown_and_must_be_accepted() {
    let bare = Bare::start(vec![], &[]);
    let Some(registry) = Registry::open(bare.folder()) else { return };
    let name = format!("{}/guest:1", registry.host());
    registry.push_component("guest", "1", &std::fs::read(built("SOCKERLESS_TEST_GUEST")).unwrap());

    let asked = bare.docker.on_terminal(&["plugin", "install", &name], 24, 200, "n\n");
    for line in ["hosts: [allowed.example]", "credentials: [scope-a to allowed.example]", "limits: ["] {
        assert!(asked.stdout.contains(line), "{line}\n{}", asked.stdout);
    }
    assert_eq!((listed(&bare).as_str(), files(&bare)), ("", 0));
    let nobody = bare.daemon.sockerless(&["plugin", "install", &name]);
    nobody.exits(1);
    assert!(nobody.stderr.contains("grant the privileges with --grant-all-permissions"), "{}", nobody.stderr);

    // What was accepted is not what there is now.
    let pull = format!("POST /plugins/pull?remote={name}");
    let accepted = json!([{ "Name": "hosts", "Description": "", "Value": ["other.example"] }]).to_string();
    let reply = ask_socket(bare.daemon.socket(), &pull, &[("Content-Type", "application/json")], accepted.as_bytes());
    assert!(reply.text().contains("incorrect privileges"), "{}", reply.text());
    assert!(reply.text().contains("which is more: hosts: allowed.example; credentials: scope-a"), "{}", reply.text());
    assert_eq!((listed(&bare).as_str(), files(&bare)), ("", 0));

    bare.docker.ok(&["plugin", "install", "--disable", "--grant-all-permissions", "--alias", "mine", &name]);
    assert_eq!(listed(&bare), "mine:latest test false");
    // Its settings have it want more: it is not loaded before that is accepted too.
    bare.docker.ok(&["plugin", "set", "mine", "SOCKERLESS_TEST_HOSTS=allowed.example,more.example"]);
    let error = refused(&bare, &["plugin", "enable", "mine"]);
    assert!(error.contains("the plugin wants more than was accepted: hosts: more.example"), "{error}");
    bare.docker.ok(&["plugin", "upgrade", "--grant-all-permissions", "--skip-remote-check", "mine", &name]);
    bare.docker.ok(&["plugin", "enable", "mine"]);
    assert_eq!(listed(&bare), "mine:latest test true");
}

#[test]
fn what_is_not_what_it_should_be_is_not_installed() {
    let bare = Bare::start(vec![], &[]);
    let Some(registry) = Registry::open(bare.folder()) else { return };
    let component = std::fs::read(memory_file()).unwrap();
    let digest = registry.push_component("memory", "1", &component);
    registry.push("image", "1", "amd64", &json!({}));
    registry.push_component("text", "1", b"no component");
    let host = registry.host();
    let install = |name: &str| {
        refused(&bare, &["plugin", "install", "--grant-all-permissions", "--alias", "p", &format!("{host}/{name}")])
    };
    let error = install(&format!("memory@sha256:{}", "0".repeat(64)));
    assert!(error.contains("manifest unknown"), "{error}");
    let error = install("image:1");
    assert!(error.contains("is no backend, but of the type \"application/vnd.oci.image.config.v1+json\""), "{error}");
    let error = install("text:1");
    assert!(error.contains("not a WebAssembly component"), "{error}");
    registry.damage(&component);
    let error = install(&format!("memory@{digest}"));
    assert!(error.contains("component verification failed for digest sha256:"), "{error}");
    assert_eq!((listed(&bare).as_str(), files(&bare)), ("", 0));
}
