//! Docker's own commands for plugins, and those of `sockerless plugin` that do the same: made of a folder, enabled, disabled, set,
//! removed; over restarts.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sockerless_tests::{Bare, built};

pub(crate) const GREETING: &str = "SOCKERLESS_MEMORY_GREETING";

/// A folder as Docker's client takes one, with these files.
pub(crate) fn folder(at: &Path, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let folder = at.join(name);
    std::fs::create_dir_all(folder.join("rootfs")).unwrap();
    std::fs::write(folder.join("config.json"), r#"{"description": "not what is shown"}"#).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join("rootfs").join(name), bytes).unwrap();
    }
    folder
}

pub(crate) fn memory_file() -> PathBuf {
    built("SOCKERLESS_TEST_MEMORY_RUST")
}

fn memory(at: &Path) -> PathBuf {
    folder(at, "memory", &[("backend.wasm", &std::fs::read(memory_file()).unwrap())])
}

pub(crate) fn listed(bare: &Bare) -> String {
    bare.docker.ok(&["plugin", "ls", "--format", "{{.Name}} {{.Description}} {{.Enabled}}"])
}

/// What `docker` says when it refuses.
pub(crate) fn refused(bare: &Bare, arguments: &[&str]) -> String {
    let ran = bare.docker.run(arguments);
    ran.exits(1);
    ran.stderr
}

#[test]
fn a_plugin_is_made_of_a_folder_and_enabled_set_and_disabled_over_restarts() {
    let mut bare = Bare::start(vec![], &[(GREETING, "of the daemon")]);
    let docker = bare.docker.clone();
    let memory = memory(bare.folder());
    assert_eq!(docker.ok(&["plugin", "create", "team/memory", memory.to_str().unwrap()]), "team/memory");
    assert_eq!(listed(&bare), "team/memory:latest memory false");
    assert_eq!(docker.ok(&["plugin", "ls", "--quiet", "--filter", "enabled=true"]), "");
    let inspect = |format: &str| docker.ok(&["plugin", "inspect", "--format", format, "team/memory"]);
    assert_eq!(inspect("{{.PluginReference}} {{.Enabled}}"), "team/memory:latest false");
    assert_eq!(inspect("{{json .Settings.Env}}"), format!("[\"{GREETING}=hello\"]"));
    let id = inspect("{{.ID}}");
    let said = docker.run(&["info", "--format", "{{json .Runtimes}}"]);
    assert!(!said.ok().contains("memory"), "{}", said.stdout);

    docker.ok(&["plugin", "enable", "team/memory:latest"]);
    assert_eq!(listed(&bare), "team/memory:latest memory true");
    let error = refused(&bare, &["plugin", "enable", "team/memory"]);
    assert!(error.contains("is enabled"), "{error}");
    let error = refused(&bare, &["plugin", "set", "team/memory", &format!("{GREETING}=x")]);
    assert!(error.contains("cannot set on an active plugin, disable plugin before setting"), "{error}");
    docker.ok(&["pull", "--quiet", "alpine"]);
    docker.ok(&["run", "--name", "one", "alpine", "true"]);
    assert!(docker.ok(&["logs", "one"]).starts_with("of the daemon"), "{}", docker.ok(&["logs", "one"]));

    let error = refused(&bare, &["plugin", "disable", "team/memory"]);
    assert!(error.contains("the backend `memory` has containers: one; remove them first"), "{error}");
    docker.ok(&["plugin", "disable", "--force", "team/memory"]);
    let error = refused(&bare, &["plugin", "disable", "team/memory"]);
    assert!(error.contains("plugin is already disabled: plugin team/memory:latest found but disabled"), "{error}");
    let error = refused(&bare, &["plugin", "rm", "team/memory"]);
    assert!(error.contains("is in use by containers, 1 of them"), "{error}");
    docker.ok(&["plugin", "set", "team/memory", &format!("{GREETING}=as set")]);
    let error = refused(&bare, &["plugin", "set", "team/memory", "NOPE=1"]);
    assert!(error.contains("setting \"NOPE\" not found in the plugin configuration"), "{error}");
    assert_eq!(docker.ok(&["plugin", "inspect", "--format", "{{.Settings.Env}}", &id]), format!("[{GREETING}=as set]"));

    // A daemon that has no time for anything comes back as it was.
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    assert_eq!(listed(&bare), "team/memory:latest memory false");
    docker.ok(&["plugin", "enable", &id[..12]]);
    docker.ok(&["run", "--name", "two", "alpine", "true"]);
    assert!(docker.ok(&["logs", "two"]).starts_with("as set"), "{}", docker.ok(&["logs", "two"]));
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    assert_eq!(listed(&bare), "team/memory:latest memory true");

    docker.ok(&["rm", "one", "two"]);
    docker.ok(&["plugin", "disable", "memory"]);
    docker.ok(&["plugin", "rm", "memory"]);
    assert_eq!(listed(&bare), "");
    let files = std::fs::read_dir(bare.daemon.state_dir().join("backends")).unwrap();
    assert_eq!(files.count(), 0, "neither a note nor a component is left");
    let mut events = docker.spawn(&["events", "--since", "0", "--filter", "type=plugin", "--format", "{{.Action}}"]);
    let lines = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    // What was before the daemon died it has forgotten.
    assert_eq!(lines.take(2).collect::<Vec<_>>(), ["disable", "remove"]);
    events.kill().unwrap();
    events.wait().unwrap();
}

#[test]
fn what_is_no_plugin_or_is_there_already_is_refused() {
    let bare = Bare::start(vec![], &[]);
    let create = |name: &str, folder: &Path| refused(&bare, &["plugin", "create", name, folder.to_str().unwrap()]);
    let without = folder(bare.folder(), "without", &[("other.wasm", b"")]);
    assert!(create("p", &without).contains("the plugin has no rootfs/backend.wasm"));
    let text = folder(bare.folder(), "text", &[("backend.wasm", b"no component")]);
    assert!(create("p", &text).contains("not a WebAssembly component"));
    let memory = memory(bare.folder());
    assert!(create("Upper", &memory).contains("must be lowercase"));
    bare.docker.ok(&["plugin", "create", "one", memory.to_str().unwrap()]);
    assert!(create("one", &memory).contains("plugin one:latest already exists"));
    assert!(create("other", &memory).contains("the backend `memory`, which is the plugin one:latest already"));
    // A developer's next version takes the place of what is kept, and serves.
    bare.daemon.sockerless(&["plugin", "load", memory_file().to_str().unwrap()]).ok();
    assert_eq!(listed(&bare), "one:latest memory true");
}

#[test]
fn a_backend_of_the_command_line_stays_disabled_over_a_restart() {
    let mut bare = Bare::start(vec![memory_file()], &[]);
    let ours = |arguments: &[&str]| bare.daemon.sockerless(&[&["plugin"], arguments].concat());
    ours(&["disable", "memory"]).ok();
    ours(&["set", "memory", &format!("{GREETING}=set by hand")]).ok();
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    assert!(listed(&bare).ends_with("memory false"), "{}", listed(&bare));
    let error = refused(&bare, &["create", "alpine", "true"]);
    assert!(error.contains("sockerless plugin load"), "{error}");
    bare.daemon.sockerless(&["plugin", "enable", "memory"]).ok();
    bare.docker.ok(&["run", "--name", "c", "alpine", "true"]);
    assert!(bare.docker.ok(&["logs", "c"]).starts_with("set by hand"));
    // What was set stays; and the file is read where the command line names it.
    bare.daemon.kill();
    bare.daemon.start().unwrap();
    bare.docker.ok(&["rm", "c"]);
    assert!(listed(&bare).ends_with("memory true"), "{}", listed(&bare));
    let env = bare.docker.ok(&["plugin", "inspect", "--format", "{{.Settings.Env}}", "memory"]);
    assert_eq!(env, format!("[{GREETING}=set by hand]"));
}

/// The developer's loop: each change of the file is loaded and told of, and what is wrong ends nothing.
#[test]
fn a_file_that_is_watched_is_loaded_after_each_change() {
    let bare = Bare::start(vec![], &[]);
    let file = bare.folder().join("mine.wasm");
    let component = std::fs::read(memory_file()).unwrap();
    std::fs::write(&file, &component).unwrap();
    let mut command = bare.daemon.sockerless_command(&["plugin", "load", file.to_str().unwrap(), "--watch"]);
    let mut watching = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut errors = BufReader::new(watching.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = output.next().unwrap();
    assert!(first.starts_with("memory "), "{first}");
    std::fs::write(&file, "half a build").unwrap();
    let error = errors.next().unwrap();
    assert!(error.contains("not a WebAssembly component"), "{error}");
    // The next build puts another file in its place: the same component with a section that means nothing.
    let next = bare.folder().join("next.wasm");
    std::fs::write(&next, [&component[..], b"\0\x02\x01x"].concat()).unwrap();
    std::fs::rename(&next, &file).unwrap();
    let second = output.next().unwrap();
    assert!(second.starts_with("memory ") && second != first, "{second}");
    let replaced = errors.next().unwrap();
    assert!(replaced.starts_with("replaces version"), "{replaced}");
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn our_own_commands_do_what_dockers_do() {
    let bare = Bare::start(vec![], &[]);
    let ours = |arguments: &[&str]| bare.daemon.sockerless(&[&["plugin"], arguments].concat());
    assert_eq!(ours(&["create", "memory", memory_file().to_str().unwrap()]).ok(), "memory");
    let folder = memory(bare.folder());
    let again = ours(&["create", "memory", folder.to_str().unwrap()]);
    again.exits(1);
    assert!(again.stderr.contains("plugin memory:latest already exists"), "{}", again.stderr);
    ours(&["set", "memory", &format!("{GREETING}=hi")]).ok();
    ours(&["enable", "memory"]).ok();
    assert_eq!(listed(&bare), "memory:latest memory true");
    bare.docker.ok(&["run", "--name", "c", "alpine", "true"]);
    let refused = ours(&["disable", "memory"]);
    refused.exits(1);
    assert!(refused.stderr.contains("has containers: c"), "{}", refused.stderr);
    ours(&["disable", "--force", "memory"]).ok();
    assert_eq!(ours(&["ls"]).ok(), "memory:latest disabled");
    ours(&["enable", "memory"]).ok();
    bare.docker.ok(&["rm", "c"]);
    ours(&["rm", "memory"]).ok();
    assert_eq!(listed(&bare), "");
    ours(&["create", "again", memory_file().to_str().unwrap()]).ok();
    ours(&["rm", "memory"]).ok();
    assert_eq!((listed(&bare).as_str(), ours(&["ls"]).ok()), ("", ""));
}
