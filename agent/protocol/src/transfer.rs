//! Copies of files, which go on where they were when a link has broken.
//!
//! The daemon draws an id for each, by which every exchange names it; the agent keeps it from the first exchange until it is told to forget
//! it, or for ten minutes without an exchange. An exchange for an id that the agent does not know any more, which names an offset
//! other than 0, is answered with 410: the copy cannot be gone on with.
//!
//! *Out.* `GET …?transfer={id}&from={offset}`: the bytes of the archive from there on, which
//! [`OUTPUT_BEGIN`](crate::headers::OUTPUT_BEGIN) repeats. The agent has made them once, and keeps of those that it has
//! sent the last [`KEPT`]: more than HTTP/2 lets be under way. So nothing is read twice from files that may have changed.
//!
//! *In.* `PUT …/{id}?offset={offset}`: as in [`input`](crate::input), with acknowledgements of the bytes that were taken.
//! [`END`](crate::input::END) comes when nothing more is wanted: all was taken, or it could not be. What became of it tells
//! `GET /v1/transfers/{id}`.

/// Bytes that were sent, and can be asked for again.
pub const KEPT: u64 = 3 << 20;

const _: () = assert!(KEPT > 2 * crate::link::STREAM_WINDOW as u64 + (1 << 20), "what is under way could be lost");
