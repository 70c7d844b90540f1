//! What those need who write backends.
//!
//! - [`new_project`]: a project to begin with, of the same sources as `examples/backends`.
//! - [`bindings`]: the WIT package as code of a language whose own tools do not make it.
//! - [`component`]: a component of a module, as compilers make it that know of none.
//!
//! The last two are what `wit-bindgen` and `wasm-tools` do, by the libraries that those are made of: so nobody has to install them.

#![forbid(unsafe_code)]

mod bindings;
mod component;
#[cfg(test)]
mod frozen;
mod package;
mod project;

pub use bindings::{Generated, bindings};
pub use component::component;
pub use project::{Commands, Language, new_project};
