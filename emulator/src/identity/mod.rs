//! The directory: gives tokens to the one application, and tells what a token is good for.

mod discovery;
mod endpoint;
mod managed;
mod tokens;

pub(crate) use self::endpoint::{handle, refusal};
pub(crate) use self::managed::{APP_SERVICE_PATH, handle as handle_managed};
pub(crate) use self::tokens::{Audience, Refusal, Tokens};
