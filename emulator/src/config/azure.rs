//! Settings of the resource manager and of the token endpoint.

use serde::{Deserialize, Serialize};

use crate::control::PutScript;

/// The directory: one tenant with one application in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Tenant (directory) id.
    pub tenant: String,
    /// The application's client id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// The assertion that the platform of a workload gave it: the content of `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token: String,
    /// What `X-IDENTITY-HEADER` must say at the managed-identity endpoint of App Service.
    pub identity_header: String,
    /// How long a token is good.
    pub token_lifetime_ms: u64,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            tenant: "11111111-1111-1111-1111-111111111111".to_owned(),
            client_id: "22222222-2222-2222-2222-222222222222".to_owned(),
            client_secret: "emulator-secret".to_owned(),
            federated_token: "emulator-federated-token".to_owned(),
            identity_header: "emulator-identity-header".to_owned(),
            token_lifetime_ms: 3_599_000,
        }
    }
}

/// An App Service plan that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanConfig {
    /// Resource group; one of [`ArmConfig::resource_groups`].
    pub resource_group: String,
    /// Name of the plan.
    pub name: String,
    /// SKU name: `EP1`, `P1v3`, `Y1` (which refuses containers), …
    pub sku: String,
    /// Region.
    pub location: String,
}

/// What one role grants the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionConfig {
    /// Actions such as `Microsoft.Web/sites/write`; `*` stands for anything.
    pub actions: Vec<String>,
    /// What is left out of them.
    #[serde(default)]
    pub not_actions: Vec<String>,
}

impl PermissionConfig {
    fn of(actions: &[&str]) -> Self {
        Self { actions: actions.iter().map(|&action| action.to_owned()).collect(), not_actions: Vec::new() }
    }
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// Requests that may come at once.
    pub capacity: u32,
    /// Requests that are given back each second.
    pub refill_per_second: f64,
}

/// Throttling of the resource manager, per principal and kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThrottleConfig {
    /// GET and HEAD.
    pub reads: BucketConfig,
    /// PUT, PATCH and POST.
    pub writes: BucketConfig,
    /// DELETE.
    pub deletes: BucketConfig,
    /// What Microsoft.Web itself lets pass, whatever the method: the throttle with the error in PascalCase.
    pub provider: BucketConfig,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            reads: BucketConfig { capacity: 250, refill_per_second: 25.0 },
            writes: BucketConfig { capacity: 200, refill_per_second: 10.0 },
            deletes: BucketConfig { capacity: 200, refill_per_second: 10.0 },
            provider: BucketConfig { capacity: 10_000, refill_per_second: 1_000.0 },
        }
    }
}

/// The subscription and what is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArmConfig {
    /// Subscription id.
    pub subscription: String,
    /// Resource groups that exist.
    pub resource_groups: Vec<String>,
    /// Region of the resource groups.
    pub location: String,
    /// Plans that exist at the start.
    pub plans: Vec<PlanConfig>,
    /// Site names that somebody else in Azure has.
    pub taken_names: Vec<String>,
    /// Versions of the Microsoft.Web API that exist.
    pub api_versions: Vec<String>,
    /// How a PUT of a site goes when no fault says otherwise.
    pub put: PutScript,
    /// What stands between name and domain in the host names of sites that are made from now on: Azure gives newer apps host
    /// names that nobody can tell from the name.
    pub host_suffix: String,
    /// Sites on one page of a list.
    pub page_size: usize,
    /// Rate limits.
    pub throttle: ThrottleConfig,
    /// What the client may do, whatever the resource.
    pub permissions: Vec<PermissionConfig>,
}

impl Default for ArmConfig {
    fn default() -> Self {
        let group = "sockerless".to_owned();
        let location = "eastus".to_owned();
        Self {
            subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
            resource_groups: vec![group.clone()],
            plans: vec![PlanConfig {
                resource_group: group,
                name: "sockerless-plan".to_owned(),
                sku: "EP1".to_owned(),
                location: location.clone(),
            }],
            location,
            taken_names: Vec::new(),
            api_versions: [
                "2022-03-01",
                "2022-09-01",
                "2023-01-01",
                "2023-12-01",
                "2024-04-01",
                "2024-11-01",
                "2025-03-01",
                "2025-05-01",
            ]
            .map(str::to_owned)
            .to_vec(),
            put: PutScript::default(),
            host_suffix: String::new(),
            page_size: 50,
            throttle: ThrottleConfig::default(),
            // Website Contributor and Managed Identity Operator, as far as they matter here.
            permissions: vec![
                PermissionConfig::of(&[
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                    "Microsoft.Web/serverFarms/*",
                    "Microsoft.Web/sites/*",
                ]),
                PermissionConfig::of(&[
                    "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
                    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
                ]),
            ],
        }
    }
}
