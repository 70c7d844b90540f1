//! The store in one SQLite file.
//!
//! SQLite writes from one connection at a time, and a durable commit waits for the disk. So one thread owns the connection,
//! and makes a single transaction of all changes that wait when it comes round: twenty containers that start
//! at once cost about as many disk flushes as two.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, params};
use sockerless_telemetry::metrics::metrics;
use tokio::sync::{mpsc, oneshot};

use crate::schema;
use crate::store::{Change, Kind, Record, Store, StoreError};
use crate::trouble::Trouble;

/// Batches that one transaction takes at most, so that the first of them does not wait for ever.
const GROUP: usize = 256;

enum Request {
    Apply(Vec<Change>, oneshot::Sender<Result<(), StoreError>>),
    All(Kind, oneshot::Sender<Result<Vec<Record>, StoreError>>),
    Probe { write: bool, reply: oneshot::Sender<Result<(), StoreError>> },
}

/// A store in one SQLite file. Closes, after what was asked before, when it is dropped.
#[derive(Debug)]
pub struct SqliteStore {
    requests: mpsc::UnboundedSender<Request>,
}

impl SqliteStore {
    /// Opens the file, or makes it, with access for its owner only; brings an older form up to date.
    ///
    /// Blocks for as long as the disk takes: to be called before the runtime has work, or on a blocking thread.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the file cannot be opened, is not a database, is damaged, is held by another
    /// daemon, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let shown = path.display().to_string();
        let connection = connect(path, &shown)?;
        let (requests, inbox) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(connection, inbox))
            .map_err(|error| StoreError::Open(format!("cannot start the thread of the state file {shown}: {error}")))?;
        Ok(Self { requests })
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.ask(|reply| Request::Apply(changes, reply)).await
    }

    async fn all(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        self.ask(|reply| Request::All(kind, reply)).await
    }

    async fn probe(&self, write: bool) -> Result<(), StoreError> {
        self.ask(|reply| Request::Probe { write, reply }).await
    }
}

fn connect(path: &Path, shown: &str) -> Result<Connection, StoreError> {
    let open = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => damaged(shown, &error),
        Some(rusqlite::ErrorCode::DatabaseBusy) => StoreError::Open(format!(
            "the state file {shown} is in use by another sockerless: stop that one, or name another folder with --state-dir"
        )),
        _ => StoreError::Open(format!("cannot open the state file {shown}: {error}")),
    };
    create_private(path).map_err(|error| StoreError::Open(format!("cannot make the state file {shown}: {error}")))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(open)?;
    connection.busy_timeout(Duration::from_secs(2)).map_err(open)?;
    // Two daemons on one file would each believe in their own memory: the lock is taken for good.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(open)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(open)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(open)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(open)?;
    if verdict != "ok" {
        return Err(damaged(shown, &verdict));
    }
    schema::migrate(&mut connection, shown)?;
    Ok(connection)
}

fn damaged(shown: &str, cause: &dyn std::fmt::Display) -> StoreError {
    StoreError::Open(format!(
        "the state file {shown} is damaged ({cause}): it is left as it is; restore a copy of it, or move it away, start again, and let \
         `sockerless store rebuild` find the containers in the cloud"
    ))
}

/// SQLite makes files with the process's mask; tokens' hashes are for nobody else to read.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

fn serve(mut connection: Connection, mut inbox: mpsc::UnboundedReceiver<Request>) {
    let mut group = Vec::new();
    let mut trouble = Trouble::from_environment();
    while let Some(first) = inbox.blocking_recv() {
        let mut next = Some(first);
        while let Some(request) = next.take() {
            match request {
                Request::Apply(changes, reply) => {
                    group.push((changes, reply));
                    if group.len() < GROUP {
                        next = inbox.try_recv().ok();
                    }
                }
                Request::All(kind, reply) => {
                    // What was asked before this must be visible to it.
                    commit(&mut connection, &mut group, &mut trouble);
                    let _ = reply.send(read(&connection, kind));
                }
                Request::Probe { write, reply } => {
                    let _ = reply.send(probe(&connection, write));
                }
            }
        }
        commit(&mut connection, &mut group, &mut trouble);
    }
}

type Group = Vec<(Vec<Change>, oneshot::Sender<Result<(), StoreError>>)>;

fn commit(connection: &mut Connection, group: &mut Group, trouble: &mut Trouble) {
    if group.is_empty() {
        return;
    }
    let began = Instant::now();
    let written = trouble.before().and_then(|()| write(connection, group));
    trouble.after();
    metrics().engine.transaction(written.is_ok(), began.elapsed());
    let result = written.map_err(|error| {
        tracing::error!(%error, batches = group.len(), "cannot write the state of the daemon");
        StoreError::Write(error.to_string())
    });
    for (_, reply) in group.drain(..) {
        // A caller that has gone does not want the answer; the change is made all the same.
        let _ = reply.send(result.clone());
    }
}

fn write(connection: &mut Connection, group: &Group) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for change in group.iter().flat_map(|(changes, _)| changes) {
        match change {
            Change::Put(kind, record) => {
                let sql = format!(
                    "INSERT INTO {} (id, record) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                    kind.table()
                );
                transaction.prepare_cached(&sql)?.execute(params![record.id, record.body])?;
            }
            Change::Delete(kind, id) => {
                let sql = format!("DELETE FROM {} WHERE id = ?1", kind.table());
                transaction.prepare_cached(&sql)?.execute(params![id])?;
            }
        }
    }
    transaction.commit()
}

/// Whether the file can be read, or written. What is written is the version of its form, which stands there already.
fn probe(connection: &Connection, write: bool) -> Result<(), StoreError> {
    let version = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let version = connection
        .query_row("PRAGMA user_version", [], version)
        .map_err(|error| StoreError::Read(error.to_string()))?;
    if write {
        connection
            .pragma_update(None, "user_version", version)
            .map_err(|error| StoreError::Write(error.to_string()))?;
    }
    Ok(())
}

fn read(connection: &Connection, kind: Kind) -> Result<Vec<Record>, StoreError> {
    let fail = |error: rusqlite::Error| StoreError::Read(error.to_string());
    let sql = format!("SELECT id, record FROM {} ORDER BY id", kind.table());
    let mut statement = connection.prepare_cached(&sql).map_err(fail)?;
    let rows = statement.query_map([], |row| Ok(Record { id: row.get(0)?, body: row.get(1)? })).map_err(fail)?;
    rows.collect::<rusqlite::Result<_>>().map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| record.id.as_str()).collect()
    }

    #[tokio::test]
    async fn keeps_what_was_written_over_a_reopen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = SqliteStore::open(&path).unwrap();
        store
            .apply(vec![
                Change::put(Kind::Container, "b", "1"),
                Change::put(Kind::Container, "a", "1"),
                Change::put(Kind::Volume, "a", "2"),
            ])
            .await
            .unwrap();
        store.apply(vec![Change::put(Kind::Container, "a", "3"), Change::delete(Kind::Container, "b")]).await.unwrap();
        drop(store);
        // The thread closes the file after the last request; the lock is gone when it has.
        let store = loop {
            match SqliteStore::open(&path) {
                Ok(store) => break store,
                Err(StoreError::Open(text)) if text.contains("in use") => {}
                Err(error) => panic!("{error}"),
            }
        };
        let containers = store.all(Kind::Container).await.unwrap();
        assert_eq!(containers, [Record { id: "a".into(), body: "3".into() }]);
        assert_eq!(ids(&store.all(Kind::Volume).await.unwrap()), ["a"]);
        assert!(store.all(Kind::Network).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_read_sees_the_writes_before_it_in_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("state.db")).unwrap();
        let mut writes = tokio::task::JoinSet::new();
        let store = std::sync::Arc::new(store);
        for n in 0..500 {
            let store = store.clone();
            writes.spawn(async move { store.apply(vec![Change::put(Kind::Image, format!("{n:03}"), "x")]).await });
        }
        assert!(writes.join_all().await.into_iter().all(|result| result.is_ok()));
        assert_eq!(store.all(Kind::Image).await.unwrap().len(), 500);
    }

    #[tokio::test]
    async fn a_probe_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("state.db")).unwrap();
        store.apply(vec![Change::put(Kind::Image, "a", "x")]).await.unwrap();
        store.probe(false).await.unwrap();
        store.probe(true).await.unwrap();
        assert_eq!(ids(&store.all(Kind::Image).await.unwrap()), ["a"]);
    }

    #[test]
    fn a_probe_finds_that_nothing_can_be_written() {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "query_only", true).unwrap();
        probe(&connection, false).unwrap();
        assert!(matches!(probe(&connection, true), Err(StoreError::Write(_))));
    }

    #[test]
    fn the_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let _store = SqliteStore::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::fs::write(&path, b"this is no database, and it is longer than a header of a database would be").unwrap();
        let error = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("damaged") && error.contains("state.db"), "{error}");
        assert!(std::fs::read(&path).unwrap().starts_with(b"this is no database"));
    }

    #[tokio::test]
    async fn a_file_of_the_first_version_is_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        Connection::open(&path).unwrap().execute_batch(include_str!("../testdata/format-1.sql")).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        for kind in Kind::ALL {
            let records = store.all(kind).await.unwrap();
            assert!(!records.is_empty(), "{kind:?}");
            for record in records {
                assert!(record.body.starts_with('{'), "{record:?}");
                store.apply(vec![Change::put(kind, record.id, "{}")]).await.unwrap();
            }
            assert!(store.all(kind).await.unwrap().iter().all(|record| record.body == "{}"));
        }
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("format 99"), "{error}");
    }

    #[test]
    fn a_second_daemon_on_the_same_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let _first = SqliteStore::open(&path).unwrap();
        let error = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("in use"), "{error}");
    }
}
