//! The resource manager: what stands in the subscription, and the rules for changing it.

mod app;
mod container_log;
mod draft;
mod error;
mod gate;
mod identity;
mod mounts;
mod names;
mod operations;
mod others;
mod path;
mod permissions;
mod plans;
mod settings;
mod sites;
mod state;

pub(crate) use self::error::ArmError;
pub(crate) use self::gate::handle;
pub(crate) use self::identity::{Choice, SiteIdentity};
pub(crate) use self::state::Arm;
