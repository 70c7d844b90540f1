//! The Docker SDKs for Python and Node, in what people do with them.

use sockerless_tests::{World, node, python};

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
