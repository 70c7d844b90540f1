//! The archive that `cargo xtask release` makes, here with the daemon as the tests have it: it is what somebody else installs.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use sockerless_tests::{Emulator, Installed, Ran, STORAGE_KEY, archive, built};

/// Images without an agent: it is the archive's own that runs in the containers.
const WITHOUT_AGENT: &str = "[[images]]\nname = 'alpine'\nagent = false\n";

#[test]
fn it_runs_a_container_from_an_empty_root() {
    let azure = Emulator::alone(WITHOUT_AGENT);
    if !azure.isolates_files() {
        return;
    }
    let share = [("SOCKERLESS_AZF_AGENT_SHARE", "agents"), ("SOCKERLESS_AZF_AGENT_SHARE_KEY", STORAGE_KEY)];
    let mut installed = Installed::new();
    let pushed = installed.sockerless(&["azure", "push-agent"], &azure, &share);
    assert!(pushed.ok().contains("bytes of /usr/local/lib/sockerless/sockerless-agent"), "{pushed:?}");
    let docker = installed.serve(&azure, &share);
    docker.ok(&["pull", "--quiet", "alpine"]);
    let ran = docker.run(&["run", "--rm", "alpine", "sh", "-c", "echo out; exit 3"]);
    ran.exits(3);
    assert_eq!(ran.stdout, "out\n");
}

#[test]
fn its_checksum_is_right_and_its_files_belong_to_root() {
    Ran::run(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(archive().parent().unwrap()), b"")
        .ok();
    let mut list = Command::new("tar");
    list.args(["--list", "--verbose", "--numeric-owner", "--gzip", "--file"]).arg(archive());
    let listed = Ran::run(&mut list, b"");
    let mut programs = BTreeSet::new();
    for line in listed.ok().lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[1], "0/0", "{line}");
        assert!(!words[0].ends_with("w-") && !words[0].contains('s'), "{line}");
        if words[0].starts_with("-rwx") {
            programs.insert(words[5].split_once('/').unwrap().1.to_owned());
        }
    }
    assert_eq!(programs, ["bin/sockerless", "lib/sockerless/sockerless-agent"].map(str::to_owned).into());
}

#[test]
fn its_manual_and_completions_are_those_of_its_program() {
    let installed = Installed::new();
    let said = Ran::run(Command::new(installed.path("bin/sockerless")).arg("--help"), b"");
    let commands = said.ok().split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands: Vec<_> = commands.filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(commands.contains(&"serve") && commands.len() > 5, "{commands:?}");
    for command in &commands {
        assert!(installed.path(&format!("share/man/man1/sockerless-{command}.1")).is_file(), "{command}");
    }
    let script = "source \"$1\"; COMP_WORDS=(sockerless ''); COMP_CWORD=1; _sockerless sockerless '' sockerless; echo \"${COMPREPLY[@]}\"";
    let file = installed.path("share/bash-completion/completions/sockerless");
    let completed = Ran::run(Command::new("bash").args(["-c", script, "bash"]).arg(file), b"");
    let completed: BTreeSet<_> = completed.ok().split(' ').collect();
    assert!(commands.iter().all(|command| completed.contains(command)), "{commands:?} {completed:?}");
    for file in ["share/zsh/site-functions/_sockerless", "share/fish/vendor_completions.d/sockerless.fish"] {
        let script = fs::read_to_string(installed.path(file)).unwrap();
        assert!(script.contains("callback-url"), "{file}");
    }
}

/// A folder of schemas.
struct Schemas(PathBuf);

impl Schemas {
    fn read(&self, name: &str) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Ok(serde_json::from_slice(&fs::read(self.0.join(name))?)?)
    }
}

impl jsonschema::Retrieve for Schemas {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        self.read(uri.path().as_str().rsplit('/').next().unwrap_or_default())
    }
}

#[test]
fn its_bill_of_materials_is_valid_and_has_what_is_linked_in() {
    let mut unpack = Command::new("tar");
    unpack.args(["--extract", "--gzip", "--to-stdout", "--wildcards", "*/sbom.cdx.json", "--file"]);
    let text = Ran::run(unpack.arg(archive()), b"").ok().to_owned();
    // The schemas of the standard, as its own library for Python brings them.
    let script = "import cyclonedx.schema._res as schemas; print(schemas.__path__[0])";
    let folder = Ran::run(Command::new(built("SOCKERLESS_TEST_PYTHON")).args(["-c", script]), b"");
    let schemas = Schemas(folder.ok().into());
    let schema = schemas.read("bom-1.6.SNAPSHOT.schema.json").unwrap();
    let validator = jsonschema::options().with_retriever(schemas).build(&schema).unwrap();
    let bill: Value = serde_json::from_str(&text).unwrap();
    let wrong: Vec<_> = validator.iter_errors(&bill).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let components = bill["components"].as_array().unwrap();
    let named = |name: &str| components.iter().find(|component| component["name"] == name);
    for product in ["sockerless", "sockerless-agent", "sockerless-azf"] {
        assert_eq!(named(product).unwrap()["type"], "application");
    }
    let wasmtime = named("wasmtime").unwrap();
    assert_eq!(wasmtime["licenses"][0]["expression"], "Apache-2.0 WITH LLVM-exception");
    assert_eq!(wasmtime["hashes"][0]["content"].as_str().unwrap().len(), 64);
    // What only tests have is not in it.
    assert!(named("bollard").is_none() && named("sockerless-tests").is_none());
    let agent = bill["dependencies"].as_array().unwrap().iter();
    let agent =
        agent.into_iter().find(|it| it["ref"].as_str().unwrap().starts_with("pkg:cargo/sockerless-agent@")).unwrap();
    let on: Vec<_> = agent["dependsOn"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(on.iter().any(|it| it.starts_with("pkg:cargo/tokio@")), "{on:?}");
    assert!(!on.iter().any(|it| it.starts_with("pkg:cargo/wasmtime@")), "{on:?}");
}

#[test]
fn the_image_starts_what_is_in_it() {
    let installed = Installed::new();
    let dockerfile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/Dockerfile")).unwrap();
    let words = |instruction: &str| -> Vec<String> {
        let line = dockerfile.lines().find_map(|line| line.strip_prefix(instruction)).unwrap();
        serde_json::from_str(line).unwrap()
    };
    let (program, arguments) = (words("ENTRYPOINT "), words("CMD "));
    let files: Vec<_> = program.iter().chain(&arguments).filter_map(|word| word.strip_prefix("/usr/local/")).collect();
    assert_eq!(files, ["bin/sockerless", "lib/sockerless/azf.wasm"]);
    assert!(files.iter().all(|file| installed.path(file).is_file()));
    // What it sets are settings that the program knows.
    let help = Ran::run(Command::new(installed.path(files[0])).args([&arguments[0], "--help"]), b"");
    let settings: Vec<_> = dockerfile.split(['\n', ' ']).filter_map(|word| word.split_once('=')).collect();
    let settings: Vec<_> = settings.iter().filter(|(name, _)| name.starts_with("SOCKERLESS_")).collect();
    assert_eq!(settings.len(), 3);
    assert!(settings.iter().all(|(name, _)| help.ok().contains(&format!("[env: {name}="))), "{settings:?}");
}

#[test]
fn its_units_start_what_is_in_it() {
    let installed = Installed::new();
    let service = fs::read_to_string(installed.path("lib/systemd/system/sockerless.service")).unwrap();
    let program = service.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/")).unwrap();
    assert!(installed.path(program.split(' ').next().unwrap()).is_file(), "{program}");
    let required = service.lines().find_map(|line| line.strip_prefix("Requires=")).unwrap();
    for unit in required.split(' ') {
        assert!(installed.path("lib/systemd/system").join(unit).is_file(), "{unit}");
    }
    let user = service.lines().find_map(|line| line.strip_prefix("User=")).unwrap();
    let users = fs::read_to_string(installed.path("lib/sysusers.d/sockerless.conf")).unwrap();
    assert!(users.contains(&format!("\nu {user} ")), "{users}");
    // What the example of a configuration names is where it says.
    let example = fs::read_to_string(installed.path("share/doc/sockerless/examples/sockerless.toml")).unwrap();
    let backend = example.lines().find_map(|line| line.strip_prefix("backends = [\"/usr/local/")?.strip_suffix("\"]"));
    assert!(installed.path(backend.unwrap()).is_file(), "{backend:?}");
}
