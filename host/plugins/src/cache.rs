//! Compiled components on disk.
//!
//! Compiling takes a hundred milliseconds for a small backend and ten seconds for a language's runtime; loading what was
//! compiled takes less than one. But compiled code is believed: a file that somebody else wrote is that somebody's
//! code in this process. So the directory is private to this user, and each file carries the digest of its content,
//! which is compared before anything of it is used.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use wasmtime::Engine;
use wasmtime::component::Component;

const MAGIC: &[u8] = b"sockerless compiled component 1\n";
const DIGEST: usize = 32;
/// The oldest beyond so many are deleted.
const KEPT: usize = 32;

/// Where compiled components are kept. Without a directory, nowhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct ComponentCache {
    directory: Option<PathBuf>,
}

/// Whence a component came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Compiled,
    Cached,
}

impl ComponentCache {
    /// Makes the directory, or checks that nobody else can write to it. Blocks.
    pub(crate) fn open(directory: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let metadata = fs::metadata(&directory)?;
        if metadata.uid() != nix::unistd::geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "the cache of compiled components, {}, can be reached by other users; make it yours with mode 0700, or \
                     name another directory",
                    directory.display()
                ),
            ));
        }
        Ok(Self { directory: Some(directory) })
    }

    /// Compiles a component, or takes it from the cache. Blocks, and computes for long.
    ///
    /// What is wrong with the cache is no error: the component is compiled then.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        sha256: &str,
    ) -> wasmtime::Result<(Component, Origin)> {
        let Some(directory) = &self.directory else {
            return Ok((Component::from_binary(engine, bytes)?, Origin::Compiled));
        };
        let path = directory.join(format!("{sha256}-{:016x}.cwasm", compatibility(engine)));
        match read(&path) {
            Ok(code) => match deserialize(engine, &code) {
                Ok(component) => return Ok((component, Origin::Cached)),
                Err(error) => tracing::warn!(path = %path.display(), error = format!("{error:#}"), "compiling anew"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "compiling anew"),
        }
        let component = Component::from_binary(engine, bytes)?;
        let written = component.serialize().map_err(io::Error::other).and_then(|code| write(directory, &path, &code));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "cannot keep the compiled component");
        }
        Ok((component, Origin::Compiled))
    }
}

/// Changes with wasmtime's version and with each setting that matters to compiled code.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

#[expect(unsafe_code, reason = "wasmtime cannot verify compiled code")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code is what `Component::serialize` of this program wrote: `read` has checked that the file belongs
    // to this user, that nobody else can write to it, and that its content is whole. Whether it fits this engine is
    // checked by wasmtime itself.
    unsafe { Component::deserialize(engine, code) }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let invalid = |text| Err(io::Error::new(io::ErrorKind::InvalidData, text));
    let mut file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != nix::unistd::geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
        return invalid("the file is not this user's alone");
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    let Some((expected, code)) = content.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(DIGEST)) else {
        return invalid("the file does not begin as it should");
    };
    if digest(&SHA256, code).as_ref() != expected {
        return invalid("the file is corrupted");
    }
    Ok(code.to_vec())
}

/// Writes beside the place and renames, so that a reader never sees half a file.
fn write(directory: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(MAGIC)?;
    file.write_all(digest(&SHA256, code).as_ref())?;
    file.write_all(code)?;
    file.persist(path)?;
    prune(directory)
}

fn prune(directory: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "cwasm") {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort_unstable();
    let surplus = files.len().saturating_sub(KEPT);
    files.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
}
