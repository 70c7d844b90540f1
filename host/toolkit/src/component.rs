//! From a WebAssembly module, as compilers that know no components make it, to a component.

use std::path::Path;

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::package::{read_file, world, write_file};

/// Makes a component of the module in a file, of a world of the WIT package in the folder `wit`. Blocks.
///
/// The same as `wasm-tools component embed` and `wasm-tools component new --adapt`.
///
/// # Errors
/// A file cannot be read or written; the package has no such world; the module does not fit it.
pub fn component(wit: &Path, name: Option<&str>, module: &Path, component: &Path) -> Result<()> {
    let (resolve, world) = world(wit, name)?;
    let mut bytes = read_file(module)?;
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8, false)?;
    let encoded = ComponentEncoder::default()
        .module(&bytes)
        .and_then(|encoder| {
            // Translates what a module for WASI 0.1 imports; left out if the module imports nothing of it.
            encoder.adapter(ADAPTER, REACTOR)?.validate(true).encode()
        })
        .with_context(|| format!("{} cannot be made a component", module.display()))?;
    write_file(component, &encoded)
}
