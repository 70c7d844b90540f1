//! The processes of the container: its own, and those beside it.
//!
//! - [`table`]: all of them, by run id or exec id, and what becomes of each.
//! - [`spawn`]: from a specification to a process, by [`command`], [`environment`] and [`user`].
//! - [`reaper`]: how they end. [`descendants`]: everything that they have left behind.
//! - [`pipes`], [`stdin`]: their output and input.

mod command;
mod descendants;
mod environment;
pub(crate) mod own;
mod pipes;
mod reaper;
mod signals;
mod spawn;
mod stdin;
mod table;
mod user;

pub(crate) use descendants::of_agent;
pub(crate) use stdin::StdinError;
pub(crate) use table::{Busy, Process, Processes, Refusal};
