//! From files to an archive.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header, HeaderMode};

use super::attributes;
use super::place::Place;

/// Folders of the kernel and of devices: not part of what an image could hold.
const NOT_EXPORTED: [&str; 3] = ["proc", "sys", "dev"];

/// Writes what is at a place, below its name.
///
/// # Errors
/// A file cannot be read, or `out` takes no more.
pub fn read(place: &Place, out: &mut dyn Write) -> io::Result<()> {
    let name = if place.name == "/" { PathBuf::from(".") } else { PathBuf::from(&place.name) };
    let mut writer = Writer::new(out);
    writer.tree(&place.path, &name, &|path| !path.starts_with("/proc") && !path.starts_with("/sys"))?;
    writer.builder.finish()
}

/// Writes a whole file system, as the root of the archive.
///
/// # Errors
/// A file cannot be read, or `out` takes no more.
pub fn export(root: &Path, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = Writer::new(out);
    let skipped: Vec<PathBuf> = NOT_EXPORTED.iter().map(|name| root.join(name)).collect();
    let wanted = |path: &Path| !skipped.iter().any(|folder| path != folder && path.starts_with(folder));
    for entry in sorted(root)? {
        let path = root.join(&entry);
        writer.tree(&path, Path::new(&entry), &wanted)?;
    }
    writer.builder.finish()
}

struct Writer<'a> {
    builder: Builder<&'a mut dyn Write>,
    /// Files with more than one name, by device and number, and the name that they have already.
    linked: HashMap<(u64, u64), PathBuf>,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        let mut builder = Builder::new(out);
        builder.mode(HeaderMode::Complete);
        Self { builder, linked: HashMap::new() }
    }

    /// A file, or a folder with everything in it. What vanishes meanwhile is left out.
    fn tree(&mut self, root: &Path, name: &Path, wanted: &dyn Fn(&Path) -> bool) -> io::Result<()> {
        let mut next = vec![(root.to_path_buf(), name.to_path_buf())];
        while let Some((path, name)) = next.pop() {
            if !wanted(&path) {
                continue;
            }
            let metadata = match path.symlink_metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match self.one(&path, &name, &metadata) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                result => result?,
            }
            if metadata.is_dir() {
                // Taken from the end: the first name comes first.
                for entry in sorted(&path).unwrap_or_default().into_iter().rev() {
                    next.push((path.join(&entry), name.join(&entry)));
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, path: &Path, name: &Path, metadata: &Metadata) -> io::Result<()> {
        let kind = metadata.file_type();
        let mut header = Header::new_gnu();
        header.set_metadata_in_mode(metadata, HeaderMode::Complete);
        if kind.is_socket() {
            return Ok(());
        }
        if kind.is_symlink() {
            header.set_size(0);
            let target = std::fs::read_link(path)?;
            // As it is: the library would make `a/b` of `a/.//b`, but where the header has no room for it.
            return match header.set_link_name_literal(target.as_os_str().as_bytes()) {
                Ok(()) => self.builder.append_data(&mut header, name, io::empty()),
                Err(_) => self.builder.append_link(&mut header, name, target),
            };
        }
        let attributes = attributes::of(path);
        if !attributes.is_empty() {
            let records = attributes.iter().map(|(record, value)| (record.as_str(), value.as_slice()));
            self.builder.append_pax_extensions(records)?;
        }
        if !kind.is_file() {
            header.set_size(0);
            if kind.is_dir() {
                // The slash is what marks a folder for some readers.
                let mut name = name.as_os_str().to_owned();
                name.push("/");
                return self.builder.append_data(&mut header, Path::new(&name), io::empty());
            }
            return self.builder.append_data(&mut header, name, io::empty());
        }
        if metadata.nlink() > 1 {
            let key = (metadata.dev(), metadata.ino());
            if let Some(first) = self.linked.get(&key) {
                header.set_entry_type(EntryType::Link);
                header.set_size(0);
                return self.builder.append_link(&mut header, name, first.clone());
            }
            self.linked.insert(key, name.to_path_buf());
        }
        let file = File::open(path)?;
        // It may grow or shrink while it is read; the header has said how long it is.
        let bytes = file.chain(io::repeat(0)).take(metadata.len());
        self.builder.append_data(&mut header, name, bytes)
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(archive: &[u8]) -> Vec<(String, EntryType, String)> {
        let mut archive = tar::Archive::new(archive);
        let entry = |mut entry: tar::Entry<'_, _>| {
            let mut text = String::new();
            Read::read_to_string(&mut entry, &mut text).unwrap();
            let link = entry.link_name().unwrap().map(|link| link.display().to_string());
            (entry.path().unwrap().display().to_string(), entry.header().entry_type(), link.unwrap_or(text))
        };
        archive.entries().unwrap().map(|found| entry(found.unwrap())).collect()
    }

    #[test]
    fn a_folder_with_links_and_long_names() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().join("top");
        let long = "l".repeat(200);
        std::fs::create_dir(&top).unwrap();
        std::fs::write(top.join("a"), "one").unwrap();
        std::fs::hard_link(top.join("a"), top.join("b")).unwrap();
        std::os::unix::fs::symlink("./a", top.join("c")).unwrap();
        std::fs::write(top.join(&long), "").unwrap();
        let mut bytes = Vec::new();
        read(&Place::find(top.to_str().unwrap()).unwrap(), &mut bytes).unwrap();
        let expected = [
            ("top/".to_owned(), EntryType::Directory, String::new()),
            ("top/a".to_owned(), EntryType::Regular, "one".to_owned()),
            ("top/b".to_owned(), EntryType::Link, "top/a".to_owned()),
            ("top/c".to_owned(), EntryType::Symlink, "./a".to_owned()),
            (format!("top/{long}"), EntryType::Regular, String::new()),
        ];
        assert_eq!(names(&bytes), expected);
    }

    #[test]
    fn an_export_leaves_the_kernel_out() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["proc/1", "etc", "dev"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        std::fs::write(root.path().join("proc/1/environ"), "").unwrap();
        let mut bytes = Vec::new();
        export(root.path(), &mut bytes).unwrap();
        let names: Vec<String> = names(&bytes).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["dev/", "etc/", "proc/"]);
    }
}
