//! The form of the database, and how an older one becomes a newer one.

use rusqlite::Connection;

use crate::store::{Kind, StoreError};

/// The form that this version writes, kept in SQLite's `user_version`.
pub(crate) const VERSION: i64 = 1;

/// Brings an open database to [`VERSION`]. A file of a newer version is refused: writing to it would lose what this
/// version does not know.
pub(crate) fn migrate(connection: &mut Connection, path: &str) -> Result<(), StoreError> {
    let open = |error: rusqlite::Error| StoreError::Open(format!("cannot open the state file {path}: {error}"));
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(open)?;
    if found > VERSION {
        return Err(StoreError::Open(format!(
            "the state file {path} has format {found}, this version of sockerless knows formats up to {VERSION}: \
             start the newer version that wrote it, or name another folder with --state-dir"
        )));
    }
    if found == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(open)?;
    for kind in Kind::ALL {
        let table = kind.table();
        transaction
            .execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY NOT NULL, record TEXT NOT NULL) WITHOUT ROWID"
            ))
            .map_err(open)?;
    }
    transaction.pragma_update(None, "user_version", VERSION).map_err(open)?;
    transaction.commit().map_err(open)
}
