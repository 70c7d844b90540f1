//! The control API: what a test may look at and change. It is the emulator's own, with no counterpart in
//! Azure, and asks for no token: it is for the machine that the emulator runs on.
//!
//! | request | answer |
//! |---|---|
//! | `GET /apps`, `GET /apps/{name}` | sites with settings, mounts, container state, process ids, platform log |
//! | `POST /apps/{name}/move` | the worker is lost: kill, fresh file system, start |
//! | `POST /apps/{name}/crash` | the container's process is killed; the platform starts it again |
//! | `GET /config`, `PATCH /config` | the configuration, as in the TOML file; a merge patch (RFC 7396) changes it |
//! | `DELETE /tokens` | every token given out so far expires |
//! | `GET /ca.pem` | the certificate of the authority behind HTTPS |
//! | `GET /plans` | the plans that exist |
//! | `GET /requests`, `DELETE /requests` | requests received, oldest first |
//! | `GET /faults`, `POST /faults`, `DELETE /faults` | what the next requests meet: see [`Fault`] |

mod api;
mod fault;
mod requests;

pub(crate) use self::api::handle;
pub use self::fault::{Fault, PutForm, PutOutcome, PutScript, ThrottleLayer};
pub(crate) use self::fault::{Faults, FrontEndFault};
pub(crate) use self::requests::{Received, Requests};
