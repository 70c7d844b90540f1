//! The handle: a path in the cloud.

use crate::breaks;
use crate::sockerless::backend::types::{Container, Error, Handle};

pub fn of(path: &str) -> Handle {
    Handle { version: 1, data: path.as_bytes().to_vec() }
}

/// The path in a container's handle, if it has one.
pub fn path(container: &Container) -> Result<Option<String>, Error> {
    let Some(handle) = &container.handle else { return Ok(None) };
    if handle.version != 1 && !breaks("handle-any-version") {
        return Err(Error::Invalid(format!("the handle has version {}, and this backend reads 1", handle.version)));
    }
    let text = String::from_utf8(handle.data.clone());
    if breaks("handle-unwraps") {
        return Ok(Some(text.expect("a path")));
    }
    match text {
        Ok(path) if path.starts_with("containers/") => Ok(Some(path)),
        _ => Err(Error::Invalid("the handle is no path".into())),
    }
}
