//! Which containers there are, and which of them a client means.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cell::Cell;
use crate::error::{Error, Result};

/// All containers, and the names that are taken.
#[derive(Default)]
pub(crate) struct Containers {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By id.
    cells: HashMap<String, Arc<Cell>>,
    /// Name to id. A name is taken from before the container exists until after it is gone.
    names: HashMap<String, String>,
}

impl Containers {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a name for a container that is about to be made.
    pub(crate) fn reserve(&self, name: &str, id: &str) -> Result<()> {
        let mut inner = self.lock();
        match inner.names.get(name) {
            Some(holder) if holder != id => Err(name_conflict(name, holder)),
            _ => {
                inner.names.insert(name.to_owned(), id.to_owned());
                Ok(())
            }
        }
    }

    /// Gives a name back, if `id` still holds it.
    pub(crate) fn release(&self, name: &str, id: &str) {
        let mut inner = self.lock();
        if inner.names.get(name).is_some_and(|holder| holder == id) {
            inner.names.remove(name);
        }
    }

    pub(crate) fn insert(&self, cell: Arc<Cell>) {
        self.lock().cells.insert(cell.id.clone(), cell);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.lock().cells.remove(id);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Cell>> {
        self.lock().cells.get(id).cloned()
    }

    /// All of them, the newest first, as Docker lists them.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        let mut all: Vec<_> = self.lock().cells.values().map(|cell| (cell.record().created, cell.clone())).collect();
        all.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.id.cmp(&b.id)));
        all.into_iter().map(|(_, cell)| cell).collect()
    }

    /// By full id, by name with or without the slash, or by an unambiguous prefix of an id; in this order, as the Engine does.
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<Cell>> {
        let inner = self.lock();
        let missing = || Error::no_such_container(reference);
        if reference.is_empty() {
            return Err(Error::invalid("invalid name or ID supplied: \"\""));
        }
        if let Some(cell) = inner.cells.get(reference) {
            return Ok(cell.clone());
        }
        let name = reference.strip_prefix('/').unwrap_or(reference);
        if let Some(cell) = inner.names.get(name).and_then(|id| inner.cells.get(id)) {
            return Ok(cell.clone());
        }
        let mut matches = inner.cells.values().filter(|cell| cell.id.starts_with(reference));
        match (matches.next(), matches.next()) {
            (Some(cell), None) => Ok(cell.clone()),
            (Some(_), Some(_)) => Err(Error::invalid(format!("multiple IDs found with provided prefix: {reference}"))),
            (None, _) => Err(missing()),
        }
    }
}

fn name_conflict(name: &str, holder: &str) -> Error {
    Error::conflict(format!(
        "Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". You have to remove (or rename) \
         that container to be able to reuse that name."
    ))
}
