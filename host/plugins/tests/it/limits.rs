//! Modules that want more than an instance may have. Text, since no compiler makes them.

use sockerless_backend::BackendError;
use sockerless_plugins::LoadError;

use crate::guest::guest;
use crate::loading::shell_around;
use crate::support::Setup;

/// What a module does when it is instantiated, which is the first that happens to it, before `describe`.
const AT_ITS_START: [(&str, &str, &str); 5] = [
    ("a memory beyond the limit", "(memory 2000)", "it asked for more than 64 MiB of memory"),
    (
        "memory that grows beyond it",
        "(memory 1) (func $s (drop (memory.grow (i32.const 1024)))) (start $s)",
        "it asked for more than 64 MiB of memory",
    ),
    (
        "a table that grows beyond its limit",
        "(table $t 1 funcref) (func $s (if (i32.eq (table.grow $t (ref.null func) (i32.const 50000)) (i32.const -1)) \
         (then unreachable))) (start $s)",
        "it trapped: unreachable code was reached",
    ),
    ("a start without an end", "(func $s (loop (br 0))) (start $s)", "it ran for 1 s without an end"),
    ("a recursion without an end", "(func $s (call $s)) (start $s)", "its stack overflowed"),
];

#[tokio::test]
async fn what_a_module_takes_at_its_start_is_bounded() {
    let mut setup = Setup::default();
    setup.limits.computing = std::time::Duration::from_secs(1);
    let world = setup.world();
    // Its settings are given by name: until a component has said its own, it has the defaults.
    let load = async |module: &str| {
        let component = shell_around("", module);
        let request =
            sockerless_plugins::LoadRequest { component: component.into(), name: Some("guest".into()), digest: None };
        world.host.load(request, &world.settings, &vec![], &()).await.unwrap_err()
    };
    for (what, module, says) in AT_ITS_START {
        let error = load(module).await;
        assert!(matches!(error, LoadError::Describe(BackendError::Fault(_))), "{what}: {error:?}");
        assert!(error.to_string().contains(says), "{what}: {error}");
    }
    // What it may have it gets: it fails later, at the types of its exports.
    let fits = "(memory 1) (table $t 1 funcref) (func $s (drop (memory.grow (i32.const 1000)))
        (if (i32.eq (table.grow $t (ref.null func) (i32.const 49999)) (i32.const -1)) (then unreachable))) (start $s)";
    let error = load(fits).await;
    assert!(matches!(error, LoadError::Signature(_)), "{error:?}");
    world.load(guest()).await.unwrap();
    world.still_serves().await;
}

/// Threads are not to be had at all, nor as many memories as one likes.
#[tokio::test]
async fn what_no_instance_may_have_is_not_compiled() {
    let world = Setup::default().world();
    for (what, module) in [
        ("memory shared by threads", "(memory 1 2 shared)".to_owned()),
        ("seventeen memories", "(memory 1)".repeat(17)),
        ("a table beyond the limit", "(table 50001 funcref)".to_owned()),
    ] {
        let error = world.load(shell_around("", &module)).await.unwrap_err();
        assert!(matches!(error, LoadError::Compile(_)), "{what}: {error:?}");
    }
    let instances = (0..200).map(|number| format!("(core instance $i{number} (instantiate $m0))")).collect::<String>();
    let error = world.load(shell_around(&format!("(core module $m0) {instances}"), "")).await.unwrap_err();
    assert!(matches!(error, LoadError::Describe(BackendError::Fault(_))), "{error:?}");
    assert!(error.to_string().contains("instance count too high"), "{error}");
}
