//! The Azure Files share with the agent, by the settings of the backend `azf`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use http::HeaderValue;
use sockerless_azure_files::{Error, Proof, ShareClient, ShareOptions, Tokens};
use sockerless_plugins::{AzureConfig, AzureCredentials, HttpConfig, TokenSource};
use tokio::sync::OnceCell;

use crate::config::{Config, Settings};

const SHARE: &str = "SOCKERLESS_AZF_AGENT_SHARE";
const SHARE_ACCOUNT: &str = "SOCKERLESS_AZF_AGENT_SHARE_ACCOUNT";
const SHARE_KEY: &str = "SOCKERLESS_AZF_AGENT_SHARE_KEY";
const STORAGE_ACCOUNT: &str = "SOCKERLESS_AZF_STORAGE_ACCOUNT";
const STORAGE_KEY: &str = "SOCKERLESS_AZF_STORAGE_KEY";
const CLOUD: &str = "SOCKERLESS_AZF_CLOUD";
/// Scope of the tokens of storage accounts, in every cloud.
const SCOPE: &str = "https://storage.azure.com/.default";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The agent's file in the share.
pub(crate) const AGENT: &str = "sockerless-agent";

/// The share, and what it is called.
pub(crate) struct AgentShare {
    pub(crate) client: ShareClient,
    pub(crate) account: String,
    pub(crate) share: String,
}

impl AgentShare {
    /// The share that the settings name; nothing if they name none.
    ///
    /// # Errors
    /// What belongs to it is missing or malformed.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>> {
        let settings = &config.settings;
        let Some(share) = settings.get(SHARE) else { return Ok(None) };
        let own = settings.get(SHARE_ACCOUNT);
        let storage = settings.get(STORAGE_ACCOUNT);
        let account = own.or(storage).ok_or_else(|| {
            anyhow!(
                "neither {STORAGE_ACCOUNT} nor {SHARE_ACCOUNT} is set: which storage account has the share {share}?"
            )
        })?;
        let key = settings.get(SHARE_KEY).or_else(|| settings.get(STORAGE_KEY).filter(|_| Some(account) == storage));
        let endpoint = config.endpoint()?;
        let proof = match key {
            Some(key) => Proof::Key(key.to_owned()),
            None => {
                let http = HttpConfig { endpoint: endpoint.clone(), resolver: None };
                let azure = AzureConfig::from_map(&settings.clone().into_map());
                let source = AzureCredentials::new(azure, &http)?;
                Proof::Tokens(Arc::new(StorageTokens { source, token: OnceCell::new() }))
            }
        };
        let options = ShareOptions {
            account: account.to_owned(),
            domain: domain(settings)?.to_owned(),
            share: share.to_owned(),
            proof,
            endpoint,
        };
        let client = ShareClient::new(http_client()?, options).with_context(|| {
            format!("check {SHARE_KEY} and {STORAGE_KEY}: az storage account keys list --account-name {account}")
        })?;
        Ok(Some(Self { client, account: account.to_owned(), share: share.to_owned() }))
    }

    /// An error with what to do about it.
    pub(crate) fn explain(&self, error: Error) -> anyhow::Error {
        let Self { account, share, .. } = self;
        let advice = match &error {
            Error::Refused(refusal) => match (refusal.status, refusal.code.as_str()) {
                (_, "ShareNotFound") => Some(format!(
                    "The share does not exist: sockerless azure push-agent makes it, or az storage share-rm create \
                     --storage-account {account} --name {share}."
                )),
                (403, "AuthenticationFailed") => Some(format!(
                    "The key is not the account's: check {SHARE_KEY} or {STORAGE_KEY} with az storage account keys list \
                     --account-name {account}."
                )),
                (403, "KeyBasedAuthenticationNotPermitted") => Some(format!(
                    "The account takes no keys, without which the platform mounts no share: az storage account update --name \
                     {account} --allow-shared-key-access true."
                )),
                (401 | 403, _) => Some(format!(
                    "Give whoever runs this the role \"Storage File Data Privileged Contributor\" on the account: az role \
                     assignment create. Or set {SHARE_KEY}."
                )),
                _ => None,
            },
            Error::Token(_) => {
                Some(format!("Or set {SHARE_KEY}: az storage account keys list --account-name {account}."))
            }
            Error::Unreachable(_) => {
                Some(format!("Does the storage account {account} exist, and does it let this machine in?"))
            }
            _ => None,
        };
        let what = format!("the share {share} of the storage account {account}");
        match advice {
            // What made it unreachable is said behind it.
            Some(advice) if matches!(error, Error::Unreachable(_)) => {
                anyhow::Error::new(error).context(format!("{what}: {advice}"))
            }
            Some(advice) => anyhow!("{what}: {error}. {advice}"),
            None => anyhow::Error::new(error).context(what),
        }
    }
}

/// What to do if no share is named.
pub(crate) fn unnamed() -> anyhow::Error {
    anyhow!(
        "{SHARE} is not set: it names the Azure Files share that has the agent. Set it, and {SHARE_KEY} or {STORAGE_KEY}, in the \
         environment or in the configuration file (--config)"
    )
}

/// The domain of the cloud's storage.
fn domain(settings: &Settings) -> Result<&'static str> {
    match settings.get(CLOUD).unwrap_or("public").to_ascii_lowercase().as_str() {
        "public" => Ok("core.windows.net"),
        "usgov" => Ok("core.usgovcloudapi.net"),
        "china" => Ok("core.chinacloudapi.cn"),
        other => bail!("{CLOUD} is \"{other}\": write public, usgov or china"),
    }
}

fn http_client() -> Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(sockerless_plugins::tls_config()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT);
    Ok(client.build()?)
}

/// The daemon's own credentials. One token serves for as long as this program runs.
struct StorageTokens {
    source: AzureCredentials,
    token: OnceCell<HeaderValue>,
}

#[async_trait]
impl Tokens for StorageTokens {
    async fn authorization(&self) -> Result<HeaderValue, String> {
        let acquire = || async {
            let token = self.source.acquire(SCOPE).await.map_err(|error| error.to_string())?;
            token.bearer().map_err(|error| error.to_string())
        };
        self.token.get_or_try_init(acquire).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ServeOptions;

    fn share(settings: &[(&str, &str)]) -> Result<Option<AgentShare>> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        AgentShare::of(&Config::load(ServeOptions::default(), settings).unwrap())
    }

    fn shown(settings: &[(&str, &str)]) -> String {
        format!("{:?}", share(settings).unwrap().unwrap().client)
    }

    #[test]
    fn the_share_is_that_of_the_settings() {
        assert!(share(&[(STORAGE_ACCOUNT, "storage")]).unwrap().is_none());
        let storage = [(SHARE, "agents"), (STORAGE_ACCOUNT, "storage"), (STORAGE_KEY, "a2V5")];
        assert!(shown(&storage).contains("storage.file.core.windows.net"));
        let own = [(SHARE, "agents"), (STORAGE_ACCOUNT, "storage"), (SHARE_ACCOUNT, "other"), (CLOUD, "usgov")];
        assert!(shown(&own).contains("other.file.core.usgovcloudapi.net"));
        for wrong in [
            vec![(SHARE, "agents")],
            vec![(SHARE, "agents"), (STORAGE_ACCOUNT, "a"), (SHARE_KEY, "no base64!")],
            vec![(SHARE, "agents"), (STORAGE_ACCOUNT, "a"), (CLOUD, "moon")],
        ] {
            assert!(share(&wrong).is_err(), "{wrong:?}");
        }
    }
}
