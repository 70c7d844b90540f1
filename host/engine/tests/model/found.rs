//! What random operations have found, in as few of them as it takes.

use crate::operation::{Cloudy, Deed, Operation, Trouble};
use crate::world::World;

/// Without trouble.
fn fair(deed: Deed) -> Operation {
    Operation { deed, cloudy: Cloudy::Fair, trouble: None }
}

/// With a write, after so many others, that meets trouble.
fn troubled(deed: Deed, cloudy: Cloudy, trouble: Trouble, before: u8) -> Operation {
    Operation { deed, cloudy, trouble: Some((trouble, before)) }
}

fn create(auto_remove: bool) -> Deed {
    Deed::Create { name: 0, network: None, volume: None, auto_remove }
}

fn play(operations: &[Operation]) {
    let mut world = World::new();
    for operation in operations {
        world.step(*operation).unwrap_or_else(|reason| panic!("{operation:?}: {reason}"));
    }
    world.end().unwrap();
}

#[test]
fn a_removal_that_was_to_follow_on_an_exit_is_done_by_the_next_daemon() {
    let end = troubled(Deed::End(0, Some(3)), Cloudy::Fair, Trouble::DeathAfter, 0);
    play(&[fair(create(true)), fair(Deed::Start(0)), end]);
}

#[test]
fn a_daemon_comes_up_with_a_create_that_could_not_be_undone_and_its_name_in_use() {
    let refused = troubled(create(false), Cloudy::Refuses, Trouble::Full, 1);
    play(&[refused, fair(create(false)), fair(Deed::Reopen)]);
}

#[test]
fn a_name_is_free_when_the_change_of_the_id_could_not_be_written() {
    play(&[troubled(create(false), Cloudy::NameTaken, Trouble::Full, 1), fair(create(false)), fair(Deed::Reopen)]);
}

#[test]
fn a_removal_can_be_tried_again_when_that_it_has_failed_could_not_be_written() {
    let remove = Deed::Remove { name: 0, force: false };
    play(&[fair(create(false)), troubled(remove, Cloudy::DoesAndFails, Trouble::Full, 1), fair(remove)]);
}

#[test]
fn a_pause_that_could_not_be_written_is_none() {
    let pause = troubled(Deed::Pause(0), Cloudy::Fair, Trouble::Full, 0);
    play(&[fair(create(false)), fair(Deed::Start(0)), pause, fair(Deed::Rename(0, 1)), fair(Deed::Pause(1))]);
}

#[test]
fn a_start_has_failed_also_when_that_could_not_be_written() {
    let start = troubled(Deed::Start(0), Cloudy::Refuses, Trouble::Full, 1);
    play(&[fair(create(false)), start, fair(Deed::Rename(0, 1))]);
}

#[test]
fn a_run_whose_beginning_could_not_be_written_is_known_to_the_next_daemon() {
    let start = troubled(Deed::Start(0), Cloudy::Fair, Trouble::Full, 1);
    play(&[fair(create(false)), start, fair(Deed::Reopen), fair(Deed::End(0, Some(3)))]);
}
