//! The resource manager: requests, their repetition, long-running operations, errors, and what a site is there.

mod client;
mod error;
mod explain;
mod operation;
mod retry;
mod settings;
mod site;
mod tags;

pub(crate) use self::client::{Client, exchange};
pub(crate) use self::error::{Failure, Refusal};
pub(crate) use self::explain::{error_text, explain, send_error};
pub(crate) use self::operation::complete;
pub(crate) use self::retry::ATTEMPTS;
pub(crate) use self::settings::app_settings;
pub(crate) use self::site::{Site, app_name, body, settings_map};
pub(crate) use self::tags::{Marks, labels_in};
