//! Compiled components on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use sockerless_plugins::{BackendHost, HostConfig, Services};

use crate::guest::guest;
use crate::support::{Agents, Setup, Sink};

fn setup(cache: &std::path::Path) -> Setup {
    Setup { cache: Some(cache.to_owned()), ..Setup::default() }
}

fn files(directory: &std::path::Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn the_second_load_finds_what_the_first_compiled() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("compiled");
    let world = setup(&cache).world();
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!world.load(guest()).await.unwrap().cached);
    assert!(world.load(guest()).await.unwrap().cached);
    // Another process.
    let world = setup(&cache).world();
    assert!(world.load(guest()).await.unwrap().cached);
    world.still_serves().await;
    assert_eq!(files(&cache).len(), 1);
}

#[tokio::test]
async fn a_corrupted_file_is_compiled_anew() {
    let directory = tempfile::tempdir().unwrap();
    let world = setup(&directory.path().join("compiled")).world();
    world.load(guest()).await.unwrap();
    let file = files(&directory.path().join("compiled")).remove(0);
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for bad in [flipped, whole[..whole.len() - 1].to_vec(), Vec::new()] {
        fs::write(&file, bad).unwrap();
        assert!(!world.load(guest()).await.unwrap().cached);
        world.still_serves().await;
        assert_eq!(fs::read(&file).unwrap().len(), whole.len(), "it is whole again");
    }
    // Writable by others: whoever wrote it, it is not believed.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!world.load(guest()).await.unwrap().cached);
    assert!(world.load(guest()).await.unwrap().cached);
}

#[test]
fn a_directory_that_others_can_reach_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let services = Services {
        daemon: "this-daemon".into(),
        agents: Arc::new(Agents),
        outcomes: Arc::new(Sink::nowhere()),
        tokens: None,
    };
    let config = HostConfig { cache: Some(directory.path().to_owned()), ..HostConfig::default() };
    let error = BackendHost::new(config, services).unwrap_err();
    assert!(error.to_string().contains("mode 0700"), "{error}");
}
