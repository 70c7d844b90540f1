//! The life of a container: one module per step.

mod command;
mod create;
mod end;
mod finished;
mod handle;
mod recover;
mod remove;
mod start;

pub(crate) use self::create::create;
pub(crate) use self::end::{kill, restart, stop};
pub(crate) use self::finished::finished;
pub(crate) use self::handle::{AgentDoor, App};
pub(crate) use self::recover::recover;
pub(crate) use self::remove::remove;
pub(crate) use self::start::start;
