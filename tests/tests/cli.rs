//! The transcripts of `tests/cli`, each against a daemon of its own; or against a Docker Engine, when one is named.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's failure is a panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sockerless_tests::transcript::replay;
use sockerless_tests::{Docker, IMAGE, Side, World, reference_engine};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cli")
}

/// A folder with nothing in it but what the transcript puts there.
fn own_folder(within: &Path) -> PathBuf {
    let folder = within.join("transcript");
    std::fs::create_dir(&folder).unwrap();
    folder
}

fn check(name: &str) {
    let file = folder().join(name).with_extension("cli");
    let outcome = if let Some(engine) = reference_engine() {
        let folder = tempfile::tempdir().unwrap();
        let docker = Docker::at(engine, folder.path().join("docker-config"));
        replay(&file, &docker, &own_folder(folder.path()), Side::Engine)
    } else {
        let world = World::start();
        world.docker.ok(&["pull", "--quiet", IMAGE]);
        replay(&file, &world.docker, &own_folder(world.folder()), Side::Daemon)
    };
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
}

macro_rules! transcripts {
    ($($function:ident $name:literal;)*) => {
        $(#[test]
        fn $function() {
            check($name);
        })*

        #[test]
        fn each_file_is_a_test() {
            let files: BTreeSet<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "cli"))
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            assert_eq!(files, BTreeSet::from([$($name.to_owned()),*]));
        }
    };
}

transcripts! {
    container_create "container-create";
    container_exec "container-exec";
    container_inside "container-inside";
    container_ls "container-ls";
    container_run "container-run";
    container_state "container-state";
    images "images";
    networks "networks";
    refusals "refusals";
    system "system";
    volumes "volumes";
}
