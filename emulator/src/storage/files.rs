//! Operations on files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::civil::Date;
use md5::{Digest, Md5};

use super::Reply;
use super::authorization::version;
use super::error::StorageError;
use super::path::FilePath;
use super::shares::describe;
use super::store::{Storage, open_to_all};
use super::usage;
use crate::config::StorageAccountConfig;
use crate::http::{Answer, Exchange};

/// Most bytes of one range.
const MAX_RANGE: usize = 4 << 20;
/// Most bytes of a file: 4 TiB.
const MAX_FILE: u64 = 4 << 40;
/// Most bytes that one answer has.
const MAX_READ: u64 = 256 << 20;
/// The first version that renames.
const RENAMES: Date = Date::constant(2021, 4, 10);

/// Create File: an empty one of its full size, in place of one that is there.
pub(super) fn create(store: &Storage, account: &StorageAccountConfig, path: &FilePath, exchange: &Exchange) -> Reply {
    if exchange.header("x-ms-type").is_none_or(|kind| !kind.eq_ignore_ascii_case("file")) {
        return Err(StorageError::missing_header("x-ms-type"));
    }
    let size =
        exchange.header("x-ms-content-length").ok_or_else(|| StorageError::missing_header("x-ms-content-length"))?;
    let size: u64 = size.parse().map_err(|_| StorageError::invalid_header("x-ms-content-length"))?;
    if size > MAX_FILE {
        return Err(StorageError::invalid_header("x-ms-content-length"));
    }
    let hash = exchange.header("x-ms-content-md5").map(|hash| decoded_hash(hash, "x-ms-content-md5")).transpose()?;
    let place = store.place(account, path)?;
    usage::check(&place)?;
    let made = File::create(&place).and_then(|file| file.set_len(size)).and_then(|()| open_to_all(&place));
    made.map_err(|error| of_written(&error))?;
    store.set_hash(&place, hash.map(|hash| STANDARD.encode(hash)));
    Ok(with_system_properties(describe(&place, StatusCode::CREATED)?, &place)?
        .with_header("x-ms-request-server-encrypted", "true"))
}

/// Put Range.
pub(super) fn put_range(
    store: &Storage,
    account: &StorageAccountConfig,
    path: &FilePath,
    exchange: &Exchange,
) -> Reply {
    let range = exchange.header("x-ms-range").or_else(|| exchange.header("range"));
    let (first, last) = parse_range(range.ok_or_else(|| StorageError::missing_header("x-ms-range"))?)?;
    let last = last.ok_or_else(|| StorageError::invalid_header("x-ms-range"))?;
    let length = last - first + 1;
    match exchange.header("x-ms-write") {
        Some("update") => {}
        Some(_) => return Err(StorageError::invalid_header("x-ms-write")),
        None => return Err(StorageError::missing_header("x-ms-write")),
    }
    if exchange.body.len() > MAX_RANGE {
        let message =
            format!("The request body is too large and exceeds the maximum permissible limit. ({MAX_RANGE} bytes)");
        return Err(StorageError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", message));
    }
    if exchange.body.len() as u64 != length {
        return Err(StorageError::invalid_header("x-ms-range"));
    }
    let hash = Md5::digest(&exchange.body);
    let said = exchange.header("content-md5").map(|said| decoded_hash(said, "content-md5")).transpose()?;
    if said.is_some_and(|said| said != hash.as_slice()) {
        let message =
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.";
        return Err(StorageError::new(StatusCode::BAD_REQUEST, "Md5Mismatch", message));
    }
    let place = existing(store, account, path)?;
    usage::check(&place)?;
    let file = OpenOptions::new().write(true).open(&place).map_err(|error| StorageError::of_file(&error))?;
    if last >= file.metadata().map_err(|error| StorageError::of_file(&error))?.len() {
        return Err(StorageError::invalid_range());
    }
    file.write_all_at(&exchange.body, first).map_err(|error| StorageError::of_file(&error))?;
    Ok(describe(&place, StatusCode::CREATED)?
        .with_header("content-md5", STANDARD.encode(hash))
        .with_header("x-ms-request-server-encrypted", "true"))
}

/// Rename File: the path is the new one.
pub(super) fn rename(store: &Storage, account: &StorageAccountConfig, path: &FilePath, exchange: &Exchange) -> Reply {
    if version(exchange)? < RENAMES {
        return Err(StorageError::invalid_header("x-ms-version"));
    }
    let source = exchange.header("x-ms-file-rename-source");
    let source = source.ok_or_else(|| StorageError::missing_header("x-ms-file-rename-source"))?;
    let source = source_path(source, &exchange.host)?;
    if source.share != path.share {
        return Err(StorageError::invalid_header("x-ms-file-rename-source"));
    }
    let from = existing(store, account, &source)?;
    let to = store.place(account, path)?;
    let replaces = exchange
        .header("x-ms-file-rename-replace-if-exists")
        .is_some_and(|replaces| replaces.eq_ignore_ascii_case("true"));
    if fs::symlink_metadata(&to).is_ok() {
        if !replaces {
            return Err(StorageError::exists());
        }
        // To replace a file is to delete it, which cannot be done to one that a client has open and maps.
        usage::check(&to)?;
    }
    fs::rename(&from, &to).map_err(|error| StorageError::of_file(&error))?;
    store.set_hash(&to, store.hash(&from));
    store.set_hash(&from, None);
    Ok(with_system_properties(describe(&to, StatusCode::OK)?, &to)?
        .with_header("x-ms-request-server-encrypted", "true"))
}

/// Get File.
pub(super) fn read(store: &Storage, account: &StorageAccountConfig, path: &FilePath, exchange: &Exchange) -> Reply {
    let place = existing(store, account, path)?;
    let failed = |error: io::Error| StorageError::of_file(&error);
    let file = File::open(&place).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let range = exchange.header("x-ms-range").or_else(|| exchange.header("range")).map(parse_range).transpose()?;
    let (first, end) = match range {
        None => (0, size),
        Some((first, _)) if first >= size => return Err(StorageError::invalid_range()),
        Some((first, last)) => (first, last.map_or(size, |last| size.min(last + 1))),
    };
    let length = usize::try_from(end - first).ok().filter(|_| end - first <= MAX_READ);
    let mut content =
        vec![0; length.ok_or_else(|| StorageError::internal("the emulator reads no file that is so large"))?];
    file.read_exact_at(&mut content, first).map_err(failed)?;
    let mut answer = describe_file(store, &place, range.map_or(StatusCode::OK, |_| StatusCode::PARTIAL_CONTENT))?;
    if range.is_some() {
        answer = answer.with_header("content-range", format!("bytes {first}-{}/{size}", end - 1));
    }
    answer.body = content.into();
    Ok(answer)
}

/// Get File Properties.
pub(super) fn properties(store: &Storage, account: &StorageAccountConfig, path: &FilePath) -> Reply {
    let place = existing(store, account, path)?;
    let size = fs::metadata(&place).map_err(|error| StorageError::of_file(&error))?.len();
    Ok(describe_file(store, &place, StatusCode::OK)?.with_header("content-length", size.to_string()))
}

/// Delete File. Whoever has it open keeps it until they close it.
pub(super) fn delete(store: &Storage, account: &StorageAccountConfig, path: &FilePath) -> Reply {
    let place = existing(store, account, path)?;
    fs::remove_file(&place).map_err(|error| StorageError::of_file(&error))?;
    store.set_hash(&place, None);
    Ok(Answer::empty(StatusCode::ACCEPTED).with_header("x-ms-request-id", uuid::Uuid::new_v4().to_string()))
}

/// The place of a file that is there.
fn existing(store: &Storage, account: &StorageAccountConfig, path: &FilePath) -> Result<PathBuf, StorageError> {
    let place = store.place(account, path)?;
    let is_file = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_file());
    if is_file { Ok(place) } else { Err(StorageError::no_file()) }
}

fn describe_file(store: &Storage, place: &Path, status: StatusCode) -> Reply {
    let answer = describe(place, status)?
        .with_header("content-type", "application/octet-stream")
        .with_header("accept-ranges", "bytes")
        .with_header("x-ms-type", "File")
        .with_header("x-ms-server-encrypted", "true");
    let answer = with_system_properties(answer, place)?;
    Ok(match store.hash(place) {
        // Of a part it is not the hash of what is answered.
        Some(hash) if status == StatusCode::PARTIAL_CONTENT => answer.with_header("x-ms-content-md5", hash),
        Some(hash) => answer.with_header("content-md5", hash),
        None => answer,
    })
}

/// What SMB knows of a file, as far as the machine's file system does.
fn with_system_properties(answer: Answer, place: &Path) -> Reply {
    let metadata = fs::symlink_metadata(place).map_err(|error| StorageError::of_file(&error))?;
    let text = |time: io::Result<std::time::SystemTime>| {
        let time =
            time.ok().and_then(|time| jiff::Timestamp::try_from(time).ok()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{time:.7}")
    };
    let written = text(metadata.modified());
    Ok(answer
        .with_header("x-ms-file-attributes", "Archive")
        .with_header("x-ms-file-creation-time", text(metadata.created().or_else(|_| metadata.modified())))
        .with_header("x-ms-file-last-write-time", &written)
        .with_header("x-ms-file-change-time", &written)
        .with_header("x-ms-file-id", metadata.ino().to_string()))
}

/// The error of a file that is to be made.
fn of_written(error: &io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::IsADirectory => StorageError::exists(),
        _ => StorageError::of_file(error),
    }
}

/// The path of a URL of this account.
fn source_path(source: &str, host: &str) -> Result<FilePath, StorageError> {
    let invalid = || StorageError::invalid_header("x-ms-file-rename-source");
    let url = url::Url::parse(source).map_err(|_| invalid())?;
    let own = host.split(':').next().unwrap_or(host);
    if !url.host_str().is_some_and(|named| named.eq_ignore_ascii_case(own)) {
        return Err(invalid());
    }
    let path = FilePath::parse(url.path())?;
    if path.is_share() { Err(invalid()) } else { Ok(path) }
}

/// `bytes=first-last`, the last included, or to the end.
fn parse_range(range: &str) -> Result<(u64, Option<u64>), StorageError> {
    let invalid = || StorageError::invalid_header("x-ms-range");
    let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(invalid)?;
    let first: u64 = first.parse().map_err(|_| invalid())?;
    let last: Option<u64> = if last.is_empty() { None } else { Some(last.parse().map_err(|_| invalid())?) };
    // Nothing of the file can be behind its largest size, and nothing computed from it overflows.
    if first > MAX_FILE || last.is_some_and(|last| last < first || last > MAX_FILE) {
        return Err(StorageError::invalid_range());
    }
    Ok((first, last))
}

fn decoded_hash(hash: &str, header: &str) -> Result<Vec<u8>, StorageError> {
    STANDARD.decode(hash).ok().filter(|hash| hash.len() == 16).ok_or_else(|| StorageError::invalid_header(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-9"), Ok((0, Some(9))));
        assert_eq!(parse_range("bytes=5-"), Ok((5, None)));
        for range in ["", "bytes=-5", "bytes=9-0", "0-9", "bytes=0-18446744073709551615", "bytes=a-b"] {
            assert!(parse_range(range).is_err(), "{range}");
        }
    }

    #[test]
    fn what_is_renamed_is_of_this_account() {
        let host = "account1.file.core.windows.net:443";
        let path = source_path("https://account1.file.core.windows.net/agents/a", host).unwrap();
        assert_eq!(path.segments, ["a"]);
        for source in [
            "/agents/a",
            "https://other.file.core.windows.net/agents/a",
            "https://account1.file.core.windows.net/agents",
        ] {
            assert!(source_path(source, host).is_err(), "{source}");
        }
    }
}
