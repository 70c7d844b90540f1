//! An app runs on the file system of its image, where the emulator has that.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sockerless_tests::{World, WorldOptions, tar_of, write_layout};

/// An OCI layout of two layers, the second of which takes something away, under a name.
fn write_own(folder: &Path, name: &str) {
    let first = tar_of(&[("etc/os-release", b"ID=below\n"), ("etc/gone", b"x"), ("data/kept", b"kept\n")]);
    let second = tar_of(&[("etc/os-release", b"ID=own\n"), ("etc/.wh.gone", b"")]);
    let config = json!({ "Env": ["PATH=/usr/local/bin:/own"], "WorkingDir": "/data" });
    write_layout(folder, name, &[first, second], &config);
}

/// What `docker save` writes of one layer.
fn saved(name: &str) -> Vec<u8> {
    let layer = tar_of(&[("etc/os-release", b"ID=saved\n")]);
    let manifest = json!([{ "Config": "config.json", "RepoTags": [name], "Layers": ["one/layer.tar"] }]).to_string();
    tar_of(&[("config.json", b"{\"config\":{}}"), ("one/layer.tar", &layer), ("manifest.json", manifest.as_bytes())])
}

pub(crate) fn release(world: &World, container: &str) -> String {
    let file = world.folder().join(container);
    world.docker.ok(&["cp", &format!("{container}:/etc/os-release"), file.to_str().unwrap()]);
    fs::read_to_string(file).unwrap()
}

pub(crate) fn log(world: &World, id: &str) -> String {
    let app: Value = world.azure.control("GET", &format!("/apps/skls-{}", &id[..12]), None);
    app["platformLog"].as_str().unwrap().to_owned()
}

#[test]
fn from_a_layout_or_an_archive_in_a_folder_and_else_the_machines() {
    let images = tempfile::tempdir().unwrap();
    write_own(&images.path().join("layout"), "registry.example.com/own:1");
    fs::write(images.path().join("saved.tar"), saved("saved:2")).unwrap();
    let emulator = format!("images_folder = '{}'", images.path().display());
    let world = World::with(WorldOptions { emulator, ..WorldOptions::default() });
    if !world.azure.isolates_files() {
        return;
    }
    for image in ["registry.example.com/own:1", "saved:2", "alpine"] {
        world.docker.ok(&["pull", "--quiet", image]);
    }
    let tool = "/usr/local/bin/sockerless-agent";
    let id = world.docker.ok(&["create", "--name", "own", "registry.example.com/own:1", tool, "--version"]);
    assert_eq!(release(&world, "own"), "ID=own\n");
    let gone = world.docker.run(&["cp", "own:/etc/gone", "-"]);
    assert!(gone.stderr.contains("Could not find the file"), "{}", gone.stderr);
    // What is on the machine is not in the image.
    assert!(world.docker.run(&["cp", "own:/etc/passwd", "-"]).stderr.contains("Could not find the file"));
    assert!(world.docker.ok(&["start", "--attach", "own"]).starts_with("sockerless-agent "));
    assert!(log(&world, &id).contains("Image pulled: 2 layers of"), "{}", log(&world, &id));

    let id = world.docker.ok(&["create", "--name", "saved", "saved:2", tool]);
    assert_eq!(release(&world, "saved"), "ID=saved\n");
    assert!(log(&world, &id).contains("saved.tar"), "{}", log(&world, &id));

    let id = world.docker.ok(&["create", "--name", "machine", "alpine", "true"]);
    let users = world.folder().join("users");
    world.docker.ok(&["cp", "machine:/etc/passwd", users.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(users).unwrap(), fs::read_to_string("/etc/passwd").unwrap());
    assert!(log(&world, &id).contains("this machine's own file system stands for it"), "{}", log(&world, &id));
}

#[test]
fn one_that_is_damaged_is_not_started() {
    let images = tempfile::tempdir().unwrap();
    let layout = images.path().join("layout");
    write_own(&layout, "own:1");
    for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap().path();
        let mut content = fs::read(&blob).unwrap();
        content.push(b' ');
        fs::write(blob, content).unwrap();
    }
    let config = format!("images_folder = '{}'", images.path().display());
    let azure = sockerless_tests::Emulator::alone(&config);
    let site = sockerless_tests::Site::of(&azure, "app");
    let mut body = sockerless_tests::site_body("x", &[]);
    body["properties"]["siteConfig"]["linuxFxVersion"] = json!("DOCKER|own:1");
    site.arm("PUT", "", Some(&body));
    let app = site.becomes("it has failed", |app| app["container"]["phase"] == "failed");
    assert!(app["platformLog"].as_str().unwrap().contains("is damaged"), "{app}");
}
