//! Extended attributes in archives: records `SCHILY.xattr.NAME` of the PAX header, as the Engine and GNU tar have them.

use std::io::{self, Read};
use std::path::Path;

use tar::Entry;

use super::ArchiveError;

const RECORD: &str = "SCHILY.xattr.";

/// Records of a sparse file in the form of PAX, which the library takes for ordinary contents.
const SPARSE: &str = "GNU.sparse.";

/// Name and value.
pub(super) type Attribute = (String, Vec<u8>);

/// What a file's archive carries: the capabilities of a program, as the Engine's archives do, and what users have set. Nothing on a
/// file system that has none.
pub(super) fn of(path: &Path) -> Vec<Attribute> {
    let names = xattr::list(path).into_iter().flatten().filter_map(|name| name.into_string().ok());
    let names = names.filter(|name| name == "security.capability" || name.starts_with("user."));
    names.filter_map(|name| Some((format!("{RECORD}{name}"), xattr::get(path, &name).ok()??))).collect()
}

/// What an entry carries. A value with a newline is left out, since the library takes that for the end of its record.
pub(super) fn in_entry(entry: &mut Entry<'_, impl Read>) -> Result<Vec<Attribute>, ArchiveError> {
    let malformed = |error: io::Error| ArchiveError::Invalid(format!("the archive is malformed: {error}"));
    let mut attributes = Vec::new();
    for record in entry.pax_extensions().map_err(malformed)?.into_iter().flatten().flatten() {
        let Ok(key) = record.key() else { continue };
        if key.starts_with(SPARSE) {
            return Err(ArchiveError::Invalid(
                "the archive holds a sparse file in the form of PAX, which the agent does not read: make it with --format=gnu, or \
                 without --sparse"
                    .to_owned(),
            ));
        }
        if let Some(name) = key.strip_prefix(RECORD) {
            attributes.push((name.to_owned(), record.value_bytes().to_vec()));
        }
    }
    Ok(attributes)
}

/// Sets them. As with the Engine it is no error that the file system, or the kernel, does not take one.
pub(super) fn set(path: &Path, attributes: &[Attribute]) -> io::Result<()> {
    for (name, value) in attributes {
        match xattr::set(path, name, value) {
            Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
                tracing::debug!(path = %path.display(), name, %error, "an extended attribute is left out");
            }
            result => result?,
        }
    }
    Ok(())
}
