//! Where telemetry goes.

use anyhow::{Result, bail};
use url::Url;

/// The ingestion endpoint, and how rows are marked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `…/v2/track`.
    pub(super) url: Url,
    pub(super) instrumentation_key: String,
    /// Becomes `AppRoleName`: the app's name in lower case.
    pub(super) role: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Target")
            .field("url", &self.url.as_str())
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// From a connection string: `InstrumentationKey=…;IngestionEndpoint=https://…/;…`.
    ///
    /// # Errors
    /// There is no key in it, or the endpoint is no URL.
    pub(crate) fn parse(connection_string: &str, site: String) -> Result<Self> {
        let get = |wanted: &str| {
            connection_string.split(';').filter_map(|pair| pair.split_once('=')).find_map(|(name, value)| {
                name.trim()
                    .eq_ignore_ascii_case(wanted)
                    .then(|| value.trim().to_owned())
                    .filter(|value| !value.is_empty())
            })
        };
        let Some(instrumentation_key) = get("InstrumentationKey") else {
            bail!("it has no InstrumentationKey: copy the connection string from the Application Insights resource");
        };
        let endpoint = get("IngestionEndpoint").unwrap_or_else(|| "https://dc.services.visualstudio.com".to_owned());
        let url: Url = format!("{}/v2/track", endpoint.trim_end_matches('/')).parse()?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            bail!("its IngestionEndpoint is no address of a web service: {endpoint}");
        }
        Ok(Self { url, instrumentation_key, role: site.to_ascii_lowercase() })
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_connection_string_is_read() {
        let text = "InstrumentationKey=k-1;IngestionEndpoint=https://eastus.in.example/;LiveEndpoint=https://l/";
        let target = Target::parse(text, "Skls-1".into()).unwrap();
        assert_eq!(target.url.as_str(), "https://eastus.in.example/v2/track");
        assert_eq!((target.instrumentation_key.as_str(), target.role.as_str()), ("k-1", "skls-1"));
        assert!(!format!("{target:?}").contains("k-1"));
        assert!(Target::parse("IngestionEndpoint=https://x", String::new()).is_err());
        assert!(Target::parse("InstrumentationKey=k;IngestionEndpoint=ftp://x", String::new()).is_err());
    }
}
