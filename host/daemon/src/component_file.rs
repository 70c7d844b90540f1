//! Components in files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Largest component that is read, in bytes: as large as the daemon's API takes one.
const LARGEST: u64 = 64 << 20;

/// Reads a component. Blocks.
///
/// # Errors
/// The file cannot be read; it is too large, which is seen before it is read whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    read_up_to(path, LARGEST)
}

fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read the component {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    let size = file.metadata().with_context(cannot)?.len();
    if size > limit {
        bail!(too_large(path, &format!("has {size} bytes"), limit));
    }
    let mut component = Vec::new();
    // What is no ordinary file does not say its size.
    file.take(limit + 1).read_to_end(&mut component).with_context(cannot)?;
    if component.len() as u64 > limit {
        bail!(too_large(path, "does not end", limit));
    }
    Ok(component)
}

fn too_large(path: &Path, how: &str, limit: u64) -> String {
    format!(
        "the component {} {how}, more than the {limit} that are allowed: build it smaller (opt-level \"s\", LTO, stripped)",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.wasm");
        // A hole: it takes no room on the disk, and would take 500 MB of memory.
        File::create(&path).unwrap().set_len(500_000_000).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("has 500000000 bytes, more than the 67108864 that are allowed"), "{error}");
        std::fs::write(&path, b"1234").unwrap();
        assert_eq!(read_up_to(&path, 4).unwrap(), b"1234");
        assert!(read_up_to(&path, 3).is_err());
        // Says that it has no size, and has no end.
        let error = read_up_to(Path::new("/dev/zero"), 1000).unwrap_err().to_string();
        assert!(error.contains("does not end"), "{error}");
    }
}
