//! From an archive to files.

use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use tar::{Archive, Entry, EntryType, Header};

use super::place::{clean, refuse_kernel};
use super::{ArchiveError, attributes};

/// How an archive is extracted.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteOptions {
    /// A directory is not replaced by something else, nor something else by a directory.
    pub no_overwrite_dir_non_dir: bool,
    /// Owners are those of the archive; otherwise whoever the agent runs as.
    pub keep_owners: bool,
}

/// Extracts an archive into a folder, also one that is compressed with gzip. On an error a part of it may be there.
///
/// # Errors
/// There is no such folder, the archive is malformed or wants to leave the folder, or the file system refuses.
pub fn write(directory: &str, options: WriteOptions, mut input: impl Read) -> Result<(), ArchiveError> {
    let mut begin = Vec::new();
    let broken = |error: std::io::Error| ArchiveError::Invalid(format!("the archive breaks off: {error}"));
    (&mut input).take(6).read_to_end(&mut begin).map_err(broken)?;
    let compression = compression(&begin);
    let input = std::io::Cursor::new(begin).chain(input);
    match compression {
        None => unpack(directory, options, input),
        Some("gzip") => unpack(directory, options, flate2::read::MultiGzDecoder::new(input)),
        Some(other) => Err(ArchiveError::Invalid(format!(
            "the archive is compressed with {other}, which the agent does not read: send it plain or with gzip"
        ))),
    }
}

/// By the first bytes.
fn compression(begin: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] = [
        (&[0x1f, 0x8b], "gzip"),
        (b"BZh", "bzip2"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    ];
    known.iter().find(|(magic, _)| begin.starts_with(magic)).map(|(_, name)| *name)
}

fn unpack(directory: &str, options: WriteOptions, input: impl Read) -> Result<(), ArchiveError> {
    let path = clean(directory).canonicalize().map_err(|error| ArchiveError::of(directory, &error))?;
    refuse_kernel(&path)?;
    if !path.is_dir() {
        return Err(ArchiveError::Invalid("extraction point is not a directory".to_owned()));
    }
    let mut archive = Archive::new(input);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    // That is done below: the crate takes an owner that is left blank for an error.
    archive.set_preserve_ownerships(false);
    archive.set_overwrite(true);
    let malformed = |error: std::io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => ArchiveError::Invalid("the archive breaks off: unexpected EOF".to_owned()),
        _ => ArchiveError::Invalid(format!("the archive is malformed: {error}")),
    };
    for entry in archive.entries().map_err(malformed)? {
        let mut entry = entry.map_err(malformed)?;
        extract(&path, options, &mut entry)?;
    }
    Ok(())
}

fn extract(directory: &Path, options: WriteOptions, entry: &mut Entry<'_, impl Read>) -> Result<(), ArchiveError> {
    let name =
        entry.path().map_err(|error| ArchiveError::Invalid(format!("a name in the archive: {error}")))?.into_owned();
    if name.components().any(|component| component == Component::ParentDir) {
        return Err(leaves(&name));
    }
    let kind = entry.header().entry_type();
    if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
        return Ok(());
    }
    let attributes = attributes::in_entry(entry)?;
    let target = directory.join(name.strip_prefix("/").unwrap_or(&name));
    // Through a link that the archive has made before, or that was there. What cannot be resolved is not there.
    let parent = target.parent().and_then(|parent| parent.canonicalize().ok());
    if target != directory && parent.is_some_and(|parent| !parent.starts_with(directory)) {
        return Err(leaves(&name));
    }
    if options.no_overwrite_dir_non_dir
        && let Ok(metadata) = target.symlink_metadata()
        && metadata.is_dir() != kind.is_dir()
    {
        let (old, new) =
            if metadata.is_dir() { ("directory", "non-directory") } else { ("non-directory", "directory") };
        return Err(ArchiveError::Invalid(format!(
            "cannot overwrite {old} \"{}\" with {new} \"{}\"",
            target.display(),
            directory.display()
        )));
    }
    if !kind.is_dir() && target.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        // Only an empty one gives way by itself.
        std::fs::remove_dir_all(&target).map_err(|error| ArchiveError::of(&target.display().to_string(), &error))?;
    }
    let written =
        entry.unpack_in(directory).map_err(|error| ArchiveError::Failed(format!("{}: {error}", name.display())))?;
    if written && options.keep_owners && nix::unistd::Uid::effective().is_root() {
        give(&target, entry.header())
            .map_err(|error| ArchiveError::Failed(format!("{}: its owner: {error}", name.display())))?;
    }
    if written && !kind.is_hard_link() {
        // After the owner, with whose change the kernel takes a program's capabilities away.
        attributes::set(&target, &attributes)
            .map_err(|error| ArchiveError::Failed(format!("{}: its extended attributes: {error}", name.display())))?;
    }
    if written || name.components().all(|component| matches!(component, Component::CurDir | Component::RootDir)) {
        return Ok(());
    }
    Err(leaves(&name))
}

fn leaves(name: &Path) -> ArchiveError {
    ArchiveError::Invalid(format!("the archive wants to leave the folder: {}", name.display()))
}

/// Gives an entry that was extracted to the owner that the archive names.
fn give(target: &Path, header: &Header) -> std::io::Result<()> {
    let kind = header.entry_type();
    if kind.is_hard_link() {
        return Ok(());
    }
    let old = header.as_old();
    std::os::unix::fs::lchown(target, Some(id(&old.uid, header.uid())?), Some(id(&old.gid, header.gid())?))?;
    let mode = header.mode().unwrap_or(0) & 0o7777;
    if !kind.is_symlink() && mode & 0o6000 != 0 {
        // The kernel has taken these bits away with the change of owner.
        std::fs::set_permissions(target, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// A number of a user or group; a field that is blank is root's, as it is for the Engine.
fn id(field: &[u8], number: std::io::Result<u64>) -> std::io::Result<u32> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    u32::try_from(number?).map_err(|_| std::io::Error::new(ErrorKind::InvalidData, "the number is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tar::Builder;

    #[test]
    fn an_owner_that_is_left_blank_is_root() {
        let bad = std::io::Error::from(ErrorKind::InvalidData);
        assert_eq!(id(&[0; 8], Err(bad)).unwrap(), 0);
        assert_eq!(id(b"0001750\0", Ok(1000)).unwrap(), 1000);
        assert!(id(b"x\0", Err(std::io::Error::from(ErrorKind::InvalidData))).is_err());
        let folder = tempfile::tempdir().unwrap();
        let mut header = Header::new_ustar();
        header.set_size(0);
        header.set_mode(0o4755);
        let mut builder = Builder::new(Vec::new());
        builder.append_data(&mut header, "blank", &b""[..]).unwrap();
        let options = WriteOptions { keep_owners: true, ..WriteOptions::default() };
        write(folder.path().to_str().unwrap(), options, &builder.into_inner().unwrap()[..]).unwrap();
        let mode = folder.path().join("blank").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o4755);
    }

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o640);
            header.set_size(0);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                header.set_link_name_literal(content).unwrap();
            } else {
                header.set_size(content.len() as u64);
            }
            // By hand, since the builder refuses names that a test of refusals needs.
            let bytes = header.as_old_mut();
            bytes.name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, if header.size().unwrap() > 0 { content.as_bytes() } else { b"" }).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn extracted(
        entries: &[(&str, EntryType, &str)],
        options: WriteOptions,
    ) -> (tempfile::TempDir, Result<(), ArchiveError>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let directory = folder.path().join("in");
        let result = write(directory.to_str().unwrap(), options, &archive(entries)[..]);
        (folder, result)
    }

    #[test]
    fn files_folders_and_links_arrive() {
        let (folder, result) = extracted(
            &[("d/", EntryType::Directory, ""), ("d/f", EntryType::Regular, "abc"), ("l", EntryType::Symlink, "d/f")],
            WriteOptions::default(),
        );
        result.unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("in/l")).unwrap(), "abc");
    }

    #[test]
    fn a_compressed_archive_arrives_and_another_compression_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let plain = archive(&[("f", EntryType::Regular, "abc")]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &plain).unwrap();
        let directory = folder.path().to_str().unwrap();
        write(directory, WriteOptions::default(), &gzip.finish().unwrap()[..]).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("f")).unwrap(), "abc");
        let error = write(directory, WriteOptions::default(), &b"BZh91AY"[..]).unwrap_err();
        assert!(matches!(error, ArchiveError::Invalid(message) if message.contains("bzip2")));
    }

    /// What GNU tar makes of a folder with a sparse file in it.
    fn made_by_gnu_tar(folder: &Path, format: &str) -> Vec<u8> {
        let file = std::fs::File::create(folder.join("sparse")).unwrap();
        file.set_len(1 << 20).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"end", (1 << 20) - 3).unwrap();
        let mut tar = std::process::Command::new("tar");
        tar.args(["--create", "--sparse", format, "--directory"]).arg(folder).arg("sparse");
        let made = tar.output().unwrap();
        assert!(made.status.success(), "{made:?}");
        assert!(made.stdout.len() < 1 << 19, "it is not sparse: {} bytes", made.stdout.len());
        made.stdout
    }

    #[test]
    fn a_sparse_file_arrives_whole_and_one_that_is_not_understood_is_refused() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let directory = to.path().to_str().unwrap();
        let gnu = made_by_gnu_tar(from.path(), "--format=gnu");
        write(directory, WriteOptions::default(), &gnu[..]).unwrap();
        let expected = std::fs::read(from.path().join("sparse")).unwrap();
        assert!(std::fs::read(to.path().join("sparse")).unwrap() == expected);
        let pax = made_by_gnu_tar(from.path(), "--format=posix");
        let error = write(directory, WriteOptions::default(), &pax[..]).unwrap_err();
        assert!(matches!(error, ArchiveError::Invalid(message) if message.contains("--format=gnu")));
    }

    #[test]
    fn extended_attributes_go_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        std::fs::create_dir(&to).unwrap();
        std::fs::write(from.join("f"), "abc").unwrap();
        if let Err(error) = xattr::set(from.join("f"), "user.of-mine", b"\0\xff=x") {
            println!("skipped: this file system has no extended attributes: {error}");
            return;
        }
        xattr::set(&from, "user.of-the-folder", b"x").unwrap();
        xattr::set(from.join("f"), "user.lines", b"one\ntwo").unwrap();
        let mut bytes = Vec::new();
        let place = super::super::place::Place::find(from.to_str().unwrap()).unwrap();
        super::super::read::read(&place, &mut bytes).unwrap();
        write(to.to_str().unwrap(), WriteOptions::default(), &bytes[..]).unwrap();
        let value = xattr::get(to.join("from/f"), "user.of-mine").unwrap();
        assert_eq!(value.as_deref(), Some(&b"\0\xff=x"[..]));
        assert_eq!(xattr::get(to.join("from"), "user.of-the-folder").unwrap().as_deref(), Some(&b"x"[..]));
        assert_eq!(std::fs::read_to_string(to.join("from/f")).unwrap(), "abc");
        // One that the kernel does not take is left out.
        attributes::set(&to, &[("no-such-space.x".to_owned(), Vec::new())]).unwrap();
    }

    #[test]
    fn an_archive_cannot_leave_the_folder() {
        for name in ["../out", "d/../../out"] {
            let (folder, result) = extracted(&[(name, EntryType::Regular, "x")], WriteOptions::default());
            assert!(matches!(result, Err(ArchiveError::Invalid(_))), "{name}: {result:?}");
            assert!(!folder.path().join("out").exists());
        }
        // An absolute name is taken as one within.
        let (folder, result) = extracted(&[("/abs", EntryType::Regular, "x")], WriteOptions::default());
        result.unwrap();
        assert!(folder.path().join("in/abs").exists());
        // Not through a link of its own either.
        let entries = [("l", EntryType::Symlink, ".."), ("l/out", EntryType::Regular, "x")];
        let (folder, result) = extracted(&entries, WriteOptions::default());
        assert!(result.is_err());
        assert!(!folder.path().join("out").exists());
    }

    #[test]
    fn a_folder_outside_is_not_removed_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("in")).unwrap();
        std::fs::create_dir_all(folder.path().join("outside/kept")).unwrap();
        let entries = [("l", EntryType::Symlink, "../outside"), ("l/kept", EntryType::Regular, "x")];
        let directory = folder.path().join("in");
        let result = write(directory.to_str().unwrap(), WriteOptions::default(), &archive(&entries)[..]);
        assert!(matches!(result, Err(ArchiveError::Invalid(_))), "{result:?}");
        assert!(folder.path().join("outside/kept").is_dir());
    }

    #[test]
    fn a_folder_is_not_overwritten_by_a_file_when_that_is_forbidden() {
        let options = WriteOptions { no_overwrite_dir_non_dir: true, ..WriteOptions::default() };
        let entries = [("d/", EntryType::Directory, ""), ("d", EntryType::Regular, "x")];
        let (_, result) = extracted(&entries, options);
        assert!(
            matches!(result, Err(ArchiveError::Invalid(message)) if message.starts_with("cannot overwrite directory"))
        );
        let (folder, result) = extracted(&entries, WriteOptions::default());
        result.unwrap();
        assert!(folder.path().join("in/d").is_file());
    }

    #[test]
    fn half_an_archive_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(&[("f", EntryType::Regular, "some bytes")]);
        let half = &bytes[..515];
        assert!(write(folder.path().to_str().unwrap(), WriteOptions::default(), half).is_err());
        assert!(write("/no/such/folder", WriteOptions::default(), half).is_err());
        assert!(write("/etc/passwd", WriteOptions::default(), half).is_err());
    }
}
