//! What an operator sees of a daemon at work.
//!
//! - [`Context`]: in the course of which request something is done. It goes with the work from task to task, and every line of the log
//!   that is written meanwhile carries the request's id.
//! - [`Span`]: a part of that work, as a trace shows it; [`export()`](fn@export) sends traces to a collector. Without one a span costs nothing.
//! - [`metrics`]: everything that is counted and measured.
//! - [`log`]: the log, for people or for programs.
//!
//! It knows neither Docker nor backends: only names of things that are measured.

#![forbid(unsafe_code)]

mod context;
mod export;
pub mod log;
pub mod metrics;
mod span;

pub use context::{Context, Entered, Within, request_id};
pub use export::{Export, ExportError, Exporter, export};
pub use span::{Kind, Name, Span, remote_parent};
