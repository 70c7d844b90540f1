//! Settings of the storage accounts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A storage account, of which the emulator has the file service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageAccountConfig {
    /// Its name, in lower case: `<name>.file.core.windows.net` is its file service in the public cloud.
    pub name: String,
    /// Its one access key, base64.
    pub key: String,
    /// File shares that it has without anybody having made them.
    #[serde(default)]
    pub shares: Vec<String>,
}

/// Storage accounts and where their contents are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// The accounts that exist.
    pub accounts: Vec<StorageAccountConfig>,
    /// Where the shares are kept, as `<account>/<share>`. Without it in a temporary folder, which goes with the emulator.
    pub folder: Option<PathBuf>,
}

impl StorageConfig {
    /// The account of this name.
    pub(crate) fn account(&self, name: &str) -> Option<&StorageAccountConfig> {
        self.accounts.iter().find(|account| account.name.eq_ignore_ascii_case(name))
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        let account = StorageAccountConfig {
            name: "sockerlessstorage".to_owned(),
            key: "ZW11bGF0b3Itc3RvcmFnZS1rZXk=".to_owned(),
            shares: Vec::new(),
        };
        Self { accounts: vec![account], folder: None }
    }
}
