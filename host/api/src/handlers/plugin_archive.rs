//! The folder of a plugin, as `docker plugin create` sends it: `config.json`, and the component as `rootfs/backend.wasm`.

use std::io::{Cursor, Read};
use std::path::{Component, Path};

use bytes::Bytes;
use flate2::read::GzDecoder;
use sockerless_engine::Error;
use tar::{Archive, EntryType};

const CONFIG: &str = "config.json";
const COMPONENT: &str = "rootfs/backend.wasm";
/// As large as `config.json` may be, in bytes.
const CONFIG_LIMIT: u64 = 1 << 20;
/// As many entries as an archive may have.
const ENTRIES: usize = 10_000;

/// The component of an archive, compressed or not, which holds at most `limit` bytes.
///
/// # Errors
/// It is no archive; it lacks one of the two; they are not what they should be.
pub(super) fn component(archive: &Bytes, limit: usize) -> Result<Bytes, Error> {
    if archive.starts_with(&[0x1f, 0x8b]) {
        // Bounds also what is passed over between the two.
        read(GzDecoder::new(Cursor::new(archive)).take(archive_limit(limit)), limit)
    } else {
        read(Cursor::new(archive), limit)
    }
}

/// As large as an archive may be, in bytes: the component, and what else a folder may hold.
pub(super) fn archive_limit(component: usize) -> u64 {
    component as u64 + (4 << 20)
}

fn read(archive: impl Read, limit: usize) -> Result<Bytes, Error> {
    let (mut config, mut component) = (None, None);
    let mut archive = Archive::new(archive);
    for (at, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        let entry = entry.map_err(unreadable)?;
        if at == ENTRIES {
            return Err(Error::invalid(format!("the plugin's archive has more than {ENTRIES} entries")));
        }
        let path = entry.path().map_err(unreadable)?.into_owned();
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        if is(&path, CONFIG) {
            config = Some(whole(entry, CONFIG, CONFIG_LIMIT)?);
        } else if is(&path, COMPONENT) {
            component = Some(whole(entry, COMPONENT, limit as u64)?);
        }
    }
    let config = config.ok_or_else(|| Error::invalid("config not found: the folder of a plugin holds config.json"))?;
    let valid = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&config);
    valid.map_err(|error| Error::invalid(format!("the plugin's config.json is not understood: {error}")))?;
    component.map(Bytes::from).ok_or_else(|| {
        Error::invalid(
            "the plugin has no rootfs/backend.wasm: plugins of this daemon are WebAssembly components of the world \
             `sockerless:backend/plugin`; put yours there",
        )
    })
}

fn whole(entry: impl Read, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    // One more than it may have tells whether there is more.
    entry.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(Error::invalid(format!("the plugin's {name} has more than the {limit} bytes that it may have")));
    }
    Ok(bytes)
}

#[expect(clippy::needless_pass_by_value, reason = "used in map_err")]
fn unreadable(error: std::io::Error) -> Error {
    Error::invalid(format!("the plugin's archive cannot be read: {error}"))
}

/// Whether a path of an archive is this one: some begin with `./`.
fn is(path: &Path, wanted: &str) -> bool {
    path.components().filter(|part| *part != Component::CurDir).eq(Path::new(wanted).components())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bytes::Bytes;

    use super::component;

    fn archive(files: &[(&str, &[u8])]) -> Bytes {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, *bytes).unwrap();
        }
        archive.into_inner().unwrap().into()
    }

    fn refused(archive: &Bytes, limit: usize) -> String {
        component(archive, limit).unwrap_err().message
    }

    #[test]
    fn the_component_is_found_compressed_or_not() {
        let plain = archive(&[("config.json", b"{}"), ("rootfs/other", b"-"), ("rootfs/backend.wasm", b"abc")]);
        assert_eq!(component(&plain, 3).unwrap(), "abc");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        assert_eq!(component(&gzip.finish().unwrap().into(), 3).unwrap(), "abc");
    }

    #[test]
    fn what_lacks_or_is_too_large_is_named() {
        let wasm: (&str, &[u8]) = ("rootfs/backend.wasm", b"abc");
        assert!(refused(&archive(&[wasm]), 3).starts_with("config not found"));
        assert!(refused(&archive(&[("config.json", b"{}")]), 3).contains("no rootfs/backend.wasm"));
        assert!(refused(&archive(&[("config.json", b"[]"), wasm]), 3).contains("config.json is not understood"));
        assert!(refused(&archive(&[("config.json", b"{}"), wasm]), 2).contains("more than the 2 bytes"));
        assert!(refused(&Bytes::from_static(&[1; 1024]), 2).contains("cannot be read"));
        assert!(refused(&Bytes::from_static(b"\x1f\x8bno gzip"), 2).contains("cannot be read"));
    }
}
