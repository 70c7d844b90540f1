//! Every fault that the emulator knows, met by every command: what Docker's client is answered, that no app is left over or lost,
//! that no name is blocked, and that no exit code is wrong.

#![allow(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod document;
mod matrix;
mod row;
mod table;

use matrix::drive;
use row::Group;

#[test]
fn the_making_of_an_app() {
    drive(Group::Making);
}

#[test]
fn the_resource_manager_refuses() {
    drive(Group::Refusals);
}

#[test]
fn the_resource_manager_asks_to_wait() {
    drive(Group::Waits);
}

#[test]
fn tokens() {
    drive(Group::Tokens);
}

#[test]
fn tokens_of_a_managed_identity() {
    drive(Group::Identity);
}

#[test]
fn the_front_end() {
    drive(Group::FrontEnd);
}

#[test]
fn telemetry_and_logs() {
    drive(Group::Logs);
}

#[test]
fn the_platform() {
    drive(Group::Platform);
}

#[test]
fn the_platform_has_no_container() {
    drive(Group::NotReady);
}
