//! The directory: gives tokens to the one application, and tells what a token is good for.

mod endpoint;
mod tokens;

pub(crate) use self::endpoint::handle;
pub(crate) use self::tokens::{Audience, Refusal, Tokens};
