//! The tables of `tests/wire`, each against a daemon of its own; or against a Docker Engine, when one is named.

use std::collections::BTreeSet;
use std::path::Path;

use sockerless_tests::wire::{Reasons, Table, names, run};
use sockerless_tests::{IMAGE, Side, World, reference_engine};

fn check(name: &str) {
    let table = Table::load(name);
    let outcome = if let Some(engine) = reference_engine() {
        let socket = engine.strip_prefix("unix://").unwrap_or_else(|| panic!("{engine} is no unix://…"));
        run(&table, Side::Engine, Path::new(socket))
    } else {
        let world = World::start();
        world.docker.ok(&["pull", "--quiet", IMAGE]);
        run(&table, Side::Daemon, world.daemon.socket())
    };
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
}

macro_rules! tables {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_table_is_run() {
            assert_eq!(names(), [$(stringify!($name)),*]);
        }
    };
}

tables! {
    create
    events
    exec
    filters
    images
    inspect
    lifecycle
    networks
    others
    output
    paths
    swarm
    system
    unknown
    volumes
}

/// A difference that is meant has a reason, and a reason has a difference.
#[test]
fn reasons_are_those_that_the_tables_name() {
    let tables: Vec<Table> = names().iter().map(|name| Table::load(name)).collect();
    let named: BTreeSet<&str> = tables.iter().flat_map(Table::reasons).collect();
    let reasons = Reasons::load();
    assert_eq!(named, reasons.keys().collect());
}
