//! Operations on shares and folders.

use std::fs;
use std::path::Path;

use http::StatusCode;

use super::Reply;
use super::error::StorageError;
use super::path::FilePath;
use super::store::{Storage, make_folder};
use crate::config::StorageAccountConfig;
use crate::http::Answer;

/// Create Share.
pub(super) fn create(store: &Storage, account: &StorageAccountConfig, path: &FilePath) -> Reply {
    if !store.make_share(account, path) {
        let message = "The specified share already exists.";
        return Err(StorageError::new(StatusCode::CONFLICT, "ShareAlreadyExists", message));
    }
    describe(&store.share(account, path)?, StatusCode::CREATED)
}

/// Get Share Properties.
pub(super) fn properties(store: &Storage, account: &StorageAccountConfig, path: &FilePath) -> Reply {
    let answer = describe(&store.share(account, path)?, StatusCode::OK)?;
    Ok(answer
        .with_header("x-ms-share-quota", "5120")
        .with_header("x-ms-access-tier", "TransactionOptimized")
        .with_header("x-ms-enabled-protocols", "SMB"))
}

/// Create Directory.
pub(super) fn create_directory(store: &Storage, account: &StorageAccountConfig, path: &FilePath) -> Reply {
    let place = store.place(account, path)?;
    if place.exists() {
        return Err(StorageError::exists());
    }
    make_folder(&place).map_err(|error| StorageError::of_file(&error))?;
    describe(&place, StatusCode::CREATED)
}

/// What every answer says of a file, folder or share.
pub(super) fn describe(place: &Path, status: StatusCode) -> Reply {
    let metadata = fs::symlink_metadata(place).map_err(|error| StorageError::of_file(&error))?;
    let modified = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    let modified = modified.ok_or_else(|| StorageError::internal("a file has no time of its last change"))?;
    Ok(Answer::empty(status)
        .with_header("x-ms-request-id", uuid::Uuid::new_v4().to_string())
        .with_header("etag", format!("\"0x{:X}\"", modified.as_nanosecond()))
        .with_header("last-modified", modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()))
}
