//! What is kept of images, networks and volumes: a copy in memory of what the store holds.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sockerless_store::{Change, Kind, Store};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{Error, Result};

/// Records of one kind. Readers never wait for the store; changes are made one after the other, on disk first.
pub(crate) struct Table<T> {
    kind: Kind,
    rows: RwLock<BTreeMap<String, Arc<T>>>,
    changing: Mutex<()>,
}

/// The right to change a table. What was read under it stays true until it is dropped.
pub(crate) struct Changing<'a, T> {
    table: &'a Table<T>,
    store: &'a dyn Store,
    _turn: MutexGuard<'a, ()>,
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    pub(crate) async fn load(kind: Kind, store: &dyn Store) -> Result<Self> {
        let mut rows = BTreeMap::new();
        for record in store.all(kind).await? {
            let row = serde_json::from_str(&record.body).map_err(|error| {
                Error::internal(format!("the record {kind:?} {} in the state file is unreadable: {error}", record.id))
            })?;
            rows.insert(record.id, Arc::new(row));
        }
        Ok(Self { kind, rows: RwLock::new(rows), changing: Mutex::new(()) })
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<T>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All of them, by id.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Waits for the turn to change it.
    pub(crate) async fn change<'a>(&'a self, store: &'a dyn Store) -> Changing<'a, T> {
        Changing { table: self, store, _turn: self.changing.lock().await }
    }
}

impl<T: Serialize> Changing<'_, T> {
    pub(crate) async fn put(&self, id: &str, row: T) -> Result<Arc<T>> {
        let body = serde_json::to_string(&row)
            .map_err(|error| Error::internal(format!("a record cannot be written: {error}")))?;
        self.store.apply(vec![Change::put(self.table.kind, id, body)]).await?;
        let row = Arc::new(row);
        self.table.rows.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), row.clone());
        Ok(row)
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<()> {
        self.store.apply(vec![Change::delete(self.table.kind, id)]).await?;
        self.table.rows.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }
}
