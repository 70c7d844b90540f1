//! From a WebAssembly module, as compilers that know no components make it, to a component.
//!
//! The same as `wasm-tools component embed` and `wasm-tools component new --adapt`, by the library that they are made of, so that
//! nobody has to install or compile them.

use std::path::Path;

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

use crate::{WORLD, read_file, wit, write_file};

/// The WIT package in a folder.
pub(crate) fn package(folder: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let (package, _) =
        resolve.push_dir(folder).with_context(|| format!("the WIT package in {} cannot be read", folder.display()))?;
    Ok((resolve, package))
}

/// Makes a component of the module in a file.
pub(crate) fn make(module: &Path, component: &Path) -> Result<()> {
    let (resolve, package) = package(&wit())?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
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
