//! What the backend remembers of a container.
//!
//! Every call runs in a fresh instance, so nothing can be kept in a variable. The host stores the handle and gives it back
//! with every call, also to the version of this backend that replaces this one, so its form is a promise: a new form gets a
//! new number.

use serde::{Deserialize, Serialize};

use crate::bindings::types::{Container, Error, Handle, Timestamp};

/// The version of the form below.
const VERSION: u32 = 1;

/// What is remembered, as JSON. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When the container was created.
    pub created: u64,
    /// How often it was started.
    pub starts: u64,
    /// When it was started last; 0 before the first time.
    pub started: u64,
}

impl State {
    /// Of a container that has just been created.
    pub fn new(now: Timestamp) -> Self {
        Self { created: milliseconds(now), starts: 0, started: 0 }
    }

    /// What the host has kept of this container.
    ///
    /// # Errors
    /// There is nothing, or it is nothing that this version can read.
    pub fn of(container: &Container) -> Result<Self, Error> {
        let Some(Handle { version, data }) = &container.handle else {
            return Err(Error::NotFound(format!("memory knows nothing of container {}", container.name)));
        };
        if *version != VERSION {
            let text = format!(
                "the handle of container {} has version {version}, and this backend reads version {VERSION}",
                container.name
            );
            return Err(Error::Invalid(text));
        }
        serde_json::from_slice(data).map_err(|error| {
            Error::Invalid(format!("the handle of container {} cannot be read: {error}", container.name))
        })
    }

    /// Notes a start.
    #[must_use]
    pub fn started(self, now: Timestamp) -> Self {
        Self { starts: self.starts + 1, started: milliseconds(now), ..self }
    }

    /// What the host is to keep.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn to_handle(&self) -> Result<Handle, Error> {
        let data =
            serde_json::to_vec(self).map_err(|error| Error::Other(format!("the handle cannot be written: {error}")))?;
        Ok(Handle { version: VERSION, data })
    }
}

fn milliseconds(time: Timestamp) -> u64 {
    // No clock of ours is before 1970.
    u64::try_from(time.seconds).unwrap_or(0) * 1000 + u64::from(time.nanoseconds / 1_000_000)
}

/// A time that a [`State`] remembers.
pub fn timestamp(milliseconds: u64) -> Timestamp {
    let remainder = u32::try_from(milliseconds % 1000).unwrap_or(0);
    Timestamp { seconds: i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX), nanoseconds: remainder * 1_000_000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(handle: Option<Handle>) -> Container {
        Container {
            id: "c0ffee".into(),
            name: "web".into(),
            image: "alpine".into(),
            command: vec!["sleep".into(), "5".into()],
            environment: vec![],
            spec: "{}".into(),
            handle,
        }
    }

    #[test]
    fn the_form_of_version_1_stays_as_it_is() {
        let state = State::new(Timestamp { seconds: 1, nanoseconds: 2_999_999 });
        let handle = state.started(Timestamp { seconds: 3, nanoseconds: 0 }).to_handle().unwrap();
        assert_eq!(handle.version, 1);
        assert_eq!(handle.data, br#"{"created":1002,"starts":1,"started":3000}"#);
        let read = State::of(&container(Some(handle))).unwrap();
        assert_eq!(timestamp(read.created), Timestamp { seconds: 1, nanoseconds: 2_000_000 });
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let of = |version, data: &[u8]| State::of(&container(Some(Handle { version, data: data.into() })));
        assert!(matches!(State::of(&container(None)), Err(Error::NotFound(_))));
        assert!(matches!(of(2, b"{}"), Err(Error::Invalid(text)) if text.contains("has version 2")));
        assert!(matches!(of(1, b"{"), Err(Error::Invalid(text)) if text.contains("cannot be read")));
    }
}
