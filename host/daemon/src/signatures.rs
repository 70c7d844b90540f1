//! Whose signatures count: what the operator says of the backends that come from registries.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sockerless_registry::SignatureKey;

use crate::config::{BackendRules, Config};

/// Keys by which backends from registries must be signed: the table `signatures`, of all backends or of one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Signatures {
    /// Files with public keys, PEM. One of them is enough. None: no signature is asked for.
    pub(crate) keys: Vec<PathBuf>,
    /// Known only so that they can be refused in words.
    identity: Option<String>,
    issuer: Option<String>,
}

impl Signatures {
    /// Reads the keys.
    ///
    /// # Errors
    /// A file cannot be read, or holds no such key; signatures without keys are asked for.
    pub(crate) fn read(&self) -> Result<Vec<SignatureKey>> {
        if self.identity.is_some() || self.issuer.is_some() {
            bail!(
                "signatures without keys (identity, issuer) are not supported: to check them takes the logs of sigstore, which this daemon \
                 does not ask; sign with `cosign sign --key`, and name the public key under `keys`"
            );
        }
        let read = |file: &PathBuf| {
            let pem = std::fs::read_to_string(file)
                .with_context(|| format!("the key of signatures {} cannot be read", file.display()))?;
            let key = SignatureKey::from_pem(&pem).map_err(anyhow::Error::msg);
            key.with_context(|| format!("the file {} is not understood as the key of signatures", file.display()))
        };
        self.keys.iter().map(read).collect()
    }
}

/// The keys of all backends, read.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignatureKeys {
    all: Vec<SignatureKey>,
    by_backend: BTreeMap<String, Vec<SignatureKey>>,
}

impl SignatureKeys {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// As for [`Signatures::read`].
    pub(crate) fn read(config: &Config) -> Result<Self> {
        let own = |(name, rules): (&String, &BackendRules)| {
            let keys = rules.signatures.as_ref()?.read();
            Some(keys.map(|keys| (name.clone(), keys)).with_context(|| format!("[backend.{name}.signatures]")))
        };
        Ok(Self {
            all: config.signatures.read().context("[signatures]")?,
            by_backend: config.backend_rules.iter().filter_map(own).collect::<Result<_>>()?,
        })
    }

    /// Those by one of which a backend must be signed. None: it need not be.
    pub(crate) fn of(&self, backend: &str) -> &[SignatureKey] {
        self.by_backend.get(backend).unwrap_or(&self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ServeOptions;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanb33yBpSkTfkHdJ7wHxDw1QDhgG7\n\
        4/wbDNR5+wO3pAgPnd+eHjb7yQ3PEFjkk2RhtuOBVZTcfSHUKQ==\n\
        -----END PUBLIC KEY-----\n";

    fn keys(text: &str) -> Result<SignatureKeys> {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("cosign.pub");
        std::fs::write(&key, PEM).unwrap();
        let path = folder.path().join("sockerless.toml");
        std::fs::write(&path, text.replace("KEY", key.to_str().unwrap())).unwrap();
        let options = ServeOptions { config: Some(path), ..ServeOptions::default() };
        SignatureKeys::read(&Config::load(options, std::iter::empty())?)
    }

    #[test]
    fn a_backends_own_keys_take_the_place_of_those_of_all() {
        let none = keys("").unwrap();
        assert!(none.of("azf").is_empty());
        let keys =
            keys("[signatures]\nkeys = ['KEY']\n[backend.mine.signatures]\nkeys = []\n[backend.b.limits]\n").unwrap();
        assert_eq!((keys.of("azf").len(), keys.of("b").len(), keys.of("mine").len()), (1, 1, 0));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        let error = |text| format!("{:#}", keys(text).unwrap_err());
        let keyless = error("[signatures]\nissuer = 'https://accounts.example'\nidentity = 'me@example.com'\n");
        assert!(keyless.contains("signatures without keys") && keyless.contains("cosign sign --key"), "{keyless}");
        let missing = error("[backend.azf.signatures]\nkeys = ['/nowhere/cosign.pub']\n");
        assert!(missing.contains("[backend.azf.signatures]") && missing.contains("/nowhere/cosign.pub"), "{missing}");
        assert!(error("[signatures]\nkey = []\n").contains("key"));
    }
}
