//! A store that forgets everything with the process, for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::store::{Change, Kind, Record, Store, StoreError};

/// Keeps records in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<BTreeMap<(Kind, String), String>>,
}

#[async_trait]
impl Store for MemoryStore {
    async fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(kind, record) => {
                    records.insert((kind, record.id), record.body);
                }
                Change::Delete(kind, id) => {
                    records.remove(&(kind, id));
                }
            }
        }
        Ok(())
    }

    async fn all(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records
            .iter()
            .filter(|((of, _), _)| *of == kind)
            .map(|((_, id), body)| Record { id: id.clone(), body: body.clone() })
            .collect())
    }

    async fn probe(&self, _write: bool) -> Result<(), StoreError> {
        Ok(())
    }
}
