//! The credentials of Microsoft's cloud, by Microsoft's own library.
//!
//! The sources are tried in the order that Azure's users know: client secret, workload identity, managed identity,
//! developer tools. One that is configured and fails ends the search: going on would act as somebody else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, RetryOptions, Transport as AzureTransport};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, DeveloperToolsCredential,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};

use http::{HeaderMap, Method, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::transport::Transport;
use super::{Token, TokenError, TokenSource};
use crate::egress::{Connections, HttpClient, HttpConfig, Outgoing};
use crate::error::EngineError;
use crate::policy::Route;
use crate::text::redacted;

const METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const PROBE: Duration = Duration::from_secs(1);
const MANAGED_IDENTITY: Duration = Duration::from_secs(30);

/// What the sources need to know. The names are those of Azure's environment variables.
#[derive(Clone, Default)]
pub struct AzureConfig {
    /// `AZURE_TENANT_ID`
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_ID`; of a user-assigned identity where there is no secret.
    pub client_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`
    pub client_secret: Option<String>,
    /// `AZURE_FEDERATED_TOKEN_FILE`
    pub federated_token_file: Option<String>,
    /// `AZURE_AUTHORITY_HOST`, for clouds other than the public one.
    pub authority_host: Option<String>,
}

impl AzureConfig {
    /// Of values by the names of the environment variables. An empty one counts as absent.
    #[must_use]
    pub fn from_map(values: &BTreeMap<String, String>) -> Self {
        let var = |name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
        Self {
            tenant_id: var("AZURE_TENANT_ID"),
            client_id: var("AZURE_CLIENT_ID"),
            client_secret: var("AZURE_CLIENT_SECRET"),
            federated_token_file: var("AZURE_FEDERATED_TOKEN_FILE"),
            authority_host: var("AZURE_AUTHORITY_HOST"),
        }
    }
}

impl fmt::Debug for AzureConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureConfig")
            .field("tenant_id", &self.tenant_id)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret.as_ref().map(|_| "…"))
            .field("federated_token_file", &self.federated_token_file)
            .field("authority_host", &self.authority_host)
            .finish()
    }
}

/// Tokens of Microsoft Entra.
pub struct AzureCredentials {
    config: AzureConfig,
    http: Arc<HttpClient>,
}

/// What became of one source.
enum Tried {
    Token(Token),
    /// Nothing here for this source; the next one may do.
    Absent(String),
    /// Configured, and failed.
    Failed(String),
}

impl AzureCredentials {
    /// Sources by this configuration, reached as `http` says.
    pub fn new(config: AzureConfig, http: &HttpConfig) -> Result<Self, EngineError> {
        Ok(Self { config, http: Arc::new(HttpClient::new(http, Connections::Reused)?) })
    }

    /// The library caches tokens within a credential, where a refused one would stay: each acquisition makes a new
    /// credential.
    fn options(&self, retry: RetryOptions) -> ClientOptions {
        let cloud = self.config.authority_host.clone().map(|authority_host| {
            let mut custom = CustomConfiguration::default();
            custom.authority_host = authority_host;
            Arc::new(CloudConfiguration::from(custom))
        });
        let transport = AzureTransport::new(Arc::new(Transport(Arc::clone(&self.http))));
        ClientOptions { transport: Some(transport), retry, cloud, ..ClientOptions::default() }
    }

    async fn client_secret(&self, scope: &str) -> Tried {
        let Some(secret) = &self.config.client_secret else {
            return Tried::Absent("AZURE_CLIENT_SECRET is not set".into());
        };
        let (Some(tenant), Some(client)) = (&self.config.tenant_id, &self.config.client_id) else {
            return Tried::Failed("AZURE_CLIENT_SECRET is set, but AZURE_TENANT_ID or AZURE_CLIENT_ID is not".into());
        };
        let options = ClientSecretCredentialOptions { client_options: self.options(RetryOptions::default()) };
        let credential =
            ClientSecretCredential::new(tenant, client.clone(), Secret::new(secret.clone()), Some(options));
        let token = match credential {
            Ok(credential) => ask(&*credential, scope).await,
            Err(error) => Err(describe(&error)),
        };
        // Whoever gives out tokens may repeat in an error what it was sent.
        let failed = |text: String| Tried::Failed(redacted(&text, std::slice::from_ref(secret)));
        token.map_or_else(failed, Tried::Token)
    }

    async fn workload_identity(&self, scope: &str) -> Tried {
        let Some(file) = self.config.federated_token_file.clone() else {
            return Tried::Absent("AZURE_FEDERATED_TOKEN_FILE is not set".into());
        };
        let options = WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions {
                client_options: self.options(RetryOptions::default()),
            },
            client_id: self.config.client_id.clone(),
            tenant_id: self.config.tenant_id.clone(),
            token_file_path: Some(file.into()),
        };
        // It reads the file at once, and blocks for it.
        let made = tokio::task::spawn_blocking(move || WorkloadIdentityCredential::new(Some(options))).await;
        match made {
            Ok(Ok(credential)) => ask(&*credential, scope).await.map_or_else(Tried::Failed, Tried::Token),
            Ok(Err(error)) => Tried::Failed(describe(&error)),
            Err(error) => Tried::Failed(error.to_string()),
        }
    }

    async fn managed_identity(&self, scope: &str) -> Tried {
        // App Service and its like say in the environment where the identity is to be had; elsewhere it is a service of
        // the machine's network. The library asks that one for more than a minute, also where there is none.
        if std::env::var_os("IDENTITY_ENDPOINT").is_none()
            && let Err(reason) = self.metadata_service().await
        {
            return Tried::Absent(reason);
        }
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.config.client_id.clone().map(UserAssignedId::ClientId),
            client_options: self.options(RetryOptions::default()),
        };
        match ManagedIdentityCredential::new(Some(options)) {
            Ok(credential) => match timeout(MANAGED_IDENTITY, ask(&*credential, scope)).await {
                Ok(answer) => answer.map_or_else(Tried::Absent, Tried::Token),
                Err(_) => Tried::Absent(format!("no token within {} s", MANAGED_IDENTITY.as_secs())),
            },
            Err(error) => Tried::Absent(describe(&error)),
        }
    }

    /// Whether the machine has a metadata service: it refuses a request like this one, but at once.
    async fn metadata_service(&self) -> Result<(), String> {
        let url = Url::parse(METADATA).map_err(|error| error.to_string())?;
        let request = Outgoing {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            route: Route::Trusted,
            rule: "credentials".into(),
        };
        match timeout(PROBE, self.http.send(&request, None)).await {
            Ok(Ok(response)) if response.status() != StatusCode::NOT_FOUND => Ok(()),
            _ => Err("IDENTITY_ENDPOINT is not set, and there is no metadata service at 169.254.169.254".into()),
        }
    }

    async fn developer_tools(scope: &str) -> Tried {
        match DeveloperToolsCredential::new(None) {
            Ok(credential) => ask(&*credential, scope).await.map_or_else(Tried::Absent, Tried::Token),
            Err(error) => Tried::Absent(describe(&error)),
        }
    }
}

impl fmt::Debug for AzureCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureCredentials").field("config", &self.config).finish_non_exhaustive()
    }
}

async fn ask(credential: &dyn TokenCredential, scope: &str) -> Result<Token, String> {
    let token = credential.get_token(&[scope], None).await.map_err(|error| describe(&error))?;
    Ok(Token::new(token.token.secret().to_owned(), token.expires_on.into()))
}

/// The error and its causes on one line.
fn describe(error: &azure_core::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| (*error).source());
    for text in causes.map(ToString::to_string) {
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl TokenSource for AzureCredentials {
    async fn acquire(&self, scope: &str) -> Result<Token, TokenError> {
        let mut tried = Vec::new();
        for source in ["client secret", "workload identity", "managed identity", "developer tools"] {
            let outcome = match source {
                "client secret" => self.client_secret(scope).await,
                "workload identity" => self.workload_identity(scope).await,
                "managed identity" => self.managed_identity(scope).await,
                _ => Self::developer_tools(scope).await,
            };
            match outcome {
                Tried::Token(token) => {
                    tracing::debug!(scope, source, "acquired a token");
                    return Ok(token);
                }
                Tried::Absent(reason) => tried.push(format!("{source}: {reason}")),
                Tried::Failed(reason) => {
                    tried.push(format!("{source}: {reason} (it is configured, so no other source is tried)"));
                    break;
                }
            }
        }
        Err(TokenError(format!(
            "no source of Azure credentials works; set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign \
             in with `az login`. Tried: {}",
            tried.join("; ")
        )))
    }
}
