//! Each target on its corpus and on some mutations of it. `cargo xtask fuzz` runs one for longer.

use std::path::Path;

use sockerless_fuzz::{Campaign, Counting, TARGETS, corpus_folder, target};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

macro_rules! targets {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                let campaign = Campaign::from_environment(env!("CARGO_TARGET_TMPDIR").into());
                assert!(campaign.run(target(stringify!($name)).unwrap()) > 0);
            }
        )*
    };
}

targets! {
    agent_messages agents_listener api_http api_requests archive_in archive_out backend_rules component filters frames
    image_references kql link recording registry registry_auth spool stored_records times
}

#[test]
fn every_target_is_run_and_is_one_of_cargo_fuzz_too() {
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, NAMES);
    let manifest = std::fs::read_to_string(corpus_folder("../Cargo.toml")).unwrap();
    for name in names {
        let program = format!("fuzz_targets/{name}.rs");
        assert!(manifest.contains(&format!("path = \"{program}\"")), "{name}");
        assert!(Path::new(&corpus_folder("..").join(&program)).exists(), "{name}");
    }
}
