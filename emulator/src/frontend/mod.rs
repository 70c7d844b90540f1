//! App Service's front end: finds the app behind a host name, passes requests on, and ends responses
//! that take too long.

mod headers;
mod limit;
mod proxy;
mod scm;

pub(crate) use self::proxy::{Broken, handle};
pub(crate) use self::scm::handle as handle_scm;
