//! What goes over the wire, and how the Engine words it.

mod answer;
mod body;
mod content_type;
mod path;
mod query;
mod version;

pub(crate) use answer::{
    Answer, Reply, empty, endless, error_response, json, no_body, ok_empty, page_not_found, raw_error, stream,
};
pub(crate) use body::{Body, byte_stream, collect, discard, full, read_json, read_json_or_default, upload};
pub(crate) use path::{clean, decode as decode_path};
pub(crate) use query::Query;
pub(crate) use version::{MAX_VERSION, Version, VersionError};
