//! The flight recorder: what the daemon was asked and what its backends did, so that it can be looked at, and done again.
//!
//! - [`Recorder`]: takes records down, from any thread and without waiting: one thread writes them, behind a bounded queue.
//!   [`Options`] say where, and how much.
//! - [`Record`]: what is recorded. One line of JSON each; [`FORMAT`] is the version of that form.
//! - [`Recording`]: reads a folder again, as calls of exports ([`RecordedCall`]) in the order in which they ended.
//!
//! Secrets are replaced before anything is written. What replaces one is the same wherever it stands in a call, so that a component
//! which is given the replacement puts it where it would have put the secret.

#![forbid(unsafe_code)]

mod files;
mod reading;
mod record;
mod redaction;
mod secrets;
mod writer;

pub use jiff::Timestamp;
pub use reading::{Exchange, ReadError, RecordedCall, Recording, Tally};
pub use record::{
    Answer, Call, Clock, DockerRequest, End, FORMAT, Header, Import, Lost, Outcome, Reading, Record, is_omitted,
};
pub use secrets::is_secret_name;
pub use writer::{Options, Recorder, StartError};
