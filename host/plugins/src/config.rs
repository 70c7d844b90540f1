//! Values of the keys that a backend declares.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sockerless_backend::types::{ConfigKey, Descriptor};

/// Where the operator's values come from: the daemon's environment, over its configuration file.
pub trait ConfigSource: Send + Sync + 'static {
    /// The value of a key, if the operator gave one.
    fn get(&self, key: &str) -> Option<String>;
}

impl ConfigSource for BTreeMap<String, String> {
    fn get(&self, key: &str) -> Option<String> {
        self.get(key).cloned()
    }
}

impl ConfigSource for HashMap<String, String> {
    fn get(&self, key: &str) -> Option<String> {
        self.get(key).cloned()
    }
}

/// The values of all declared keys, and the required keys that have none. An empty value counts as none.
pub(crate) fn values(
    descriptor: &Descriptor,
    source: &Arc<dyn ConfigSource>,
) -> (BTreeMap<String, String>, Vec<ConfigKey>) {
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for key in &descriptor.config {
        let value = source.get(&key.name).filter(|value| !value.is_empty()).or_else(|| key.default_value.clone());
        match value {
            Some(value) => {
                values.insert(key.name.clone(), value);
            }
            None if key.required => missing.push(key.clone()),
            None => {}
        }
    }
    (values, missing)
}
