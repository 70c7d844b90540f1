//! The Docker SDKs, in what people do with them.

use sockerless_tests::{World, go, java, node, python};

#[test]
fn the_sdk_for_python() {
    let world = World::start();
    assert_eq!(python(&world, "scenario.py").ok(), "ok");
    assert!(world.azure.apps().is_empty());
}

#[test]
fn dockerode_for_node() {
    let world = World::start();
    assert_eq!(node(&world, "scenario.cjs").ok(), "ok");
    assert!(world.azure.apps().is_empty());
}

#[test]
fn the_sdk_for_go() {
    let world = World::start();
    if let Some(ran) = go(&world) {
        assert_eq!(ran.ok(), "ok");
        assert!(world.azure.apps().is_empty());
    }
}

#[test]
fn docker_java() {
    let world = World::start();
    if let Some(ran) = java(&world) {
        assert_eq!(ran.ok(), "ok");
        assert!(world.azure.apps().is_empty());
    }
}
