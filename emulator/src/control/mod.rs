//! The control API: what a test may look at and change. It is the emulator's own, with no counterpart in
//! Azure, and asks for no token: it is for the machine that the emulator runs on.
//!
//! | request | answer |
//! |---|---|
//! | `GET /apps`, `GET /apps/{name}` | sites with settings, container state, process ids, platform log |
//! | `POST /apps/{name}/move` | the worker is lost: kill, fresh file system, start |
//! | `GET /plans` | the plans that exist |
//! | `GET /requests`, `DELETE /requests` | requests received, oldest first |
//! | `GET /faults`, `POST /faults`, `DELETE /faults` | what the next requests meet: see [`Fault`] |

mod api;
mod fault;
mod requests;

pub(crate) use self::api::handle;
pub(crate) use self::fault::Faults;
pub use self::fault::{Fault, PutForm, PutOutcome, PutScript, ThrottleLayer};
pub(crate) use self::requests::{Received, Requests};
