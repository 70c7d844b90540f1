//! A client of Azure Files that does one thing: it puts a program into a share, in place of an earlier one that may be running.
//!
//! - [`ShareClient`]: one share of one storage account, and how it is reached.
//! - [`Proof`]: the account's key, or tokens.
//! - [`push`](ShareClient::push) and [`file`](ShareClient::file): what is done with it.
//!
//! By key each request is signed (`signature`); `request` sends one and reads refusals; `operations` are the service's
//! operations, one function each; `push` puts them together.

#![forbid(unsafe_code)]

mod error;
mod operations;
mod push;
mod request;
mod signature;

pub use error::{Error, Refusal};
pub use operations::FileProperties;
pub use push::Pushed;
pub use request::{Proof, ShareClient, ShareOptions, Tokens};
