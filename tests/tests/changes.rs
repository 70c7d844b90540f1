//! `docker diff`: what has changed in a container whose image's files are there, and why it is not told elsewhere.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

use serde_json::json;
use sockerless_tests::{World, WorldOptions, ask_daemon, tar_of};

/// A world with one image, `own:1`; nothing where containers have no file system of their own.
fn world_with_an_image(folder: &std::path::Path) -> Option<World> {
    let layer = tar_of(&[("etc/os-release", b"ID=own\n"), ("data/kept", b"kept\n")]);
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["own:1"], "Layers": ["one/layer.tar"] }]).to_string();
    let image =
        [("config.json", &b"{\"config\":{}}"[..]), ("one/layer.tar", &layer), ("manifest.json", manifest.as_bytes())];
    std::fs::write(folder.join("own.tar"), tar_of(&image)).unwrap();
    let emulator = format!("images_folder = '{}'", folder.display());
    let world = World::with(WorldOptions { emulator, ..WorldOptions::default() });
    if !world.azure.isolates_files() {
        return None;
    }
    world.docker.ok(&["pull", "--quiet", "own:1"]);
    Some(world)
}

#[test]
fn what_was_written_since_the_container_was_made() {
    let images = tempfile::tempdir().unwrap();
    let Some(world) = world_with_an_image(images.path()) else { return };
    let tool = "/usr/local/bin/sockerless-agent";
    world.docker.ok(&["create", "--name", "w", "own:1", tool, "--version"]);
    let reply = ask_daemon(&world, "GET /containers/w/changes", &[], b"");
    let platform = world.azure.apps()[0]["platformLog"].clone();
    assert_eq!((reply.status, reply.text().trim()), (200, "null"), "nothing has changed yet: {platform}");

    let file = world.folder().join("file");
    std::fs::write(&file, "other\n").unwrap();
    for target in ["w:/data/new", "w:/etc/os-release"] {
        world.docker.ok(&["cp", file.to_str().unwrap(), target]);
    }
    let changes = "C /data\nA /data/new\nC /etc\nC /etc/os-release";
    assert_eq!(world.docker.ok(&["diff", "w"]), changes);
    // Also of one that has ended.
    world.docker.ok(&["start", "--attach", "w"]);
    assert_eq!(world.docker.ok(&["diff", "w"]), changes);
}

#[test]
fn on_other_files_than_an_images_nothing_is_told() {
    let world = World::start();
    world.docker.ok(&["run", "-d", "--name", "w", "alpine", "tail", "-f", "/dev/null"]);
    let refused = world.docker.run(&["diff", "w"]);
    assert_eq!(refused.code, 1);
    let expected =
        "what has changed in the container is not known: the container does not run on the file system of its image";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert_eq!(ask_daemon(&world, "GET /containers/w/changes", &[], b"").status, 501);
}
