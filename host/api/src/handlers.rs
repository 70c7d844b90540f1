//! What answers: one module a subject. A handler reads the request, asks the engine, and words the answer.

pub(crate) mod archive;
pub(crate) mod backends;
pub(crate) mod containers;
pub(crate) mod exec;
pub(crate) mod images;
pub(crate) mod networks;
pub(crate) mod orphans;
mod plugin_archive;
pub(crate) mod plugins;
pub(crate) mod registry;
mod session;
pub(crate) mod streams;
pub(crate) mod system;
pub(crate) mod unsupported;
pub(crate) mod volumes;
mod websocket;

use sockerless_engine::Error;

use crate::wire::Query;

/// `os[/architecture[/variant]]`.
fn platform(query: &Query) -> Result<Option<String>, Error> {
    let Some(platform) = query.get("platform") else { return Ok(None) };
    let parts: Vec<&str> = platform.split('/').collect();
    let part = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if parts.len() > 3 || !parts.iter().all(part) {
        return Err(Error::invalid(format!("{platform:?}: cannot parse platform specifier: invalid argument")));
    }
    Ok(Some(platform.to_owned()))
}
