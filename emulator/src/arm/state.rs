//! What exists in the subscription.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::app;
use super::draft::Draft;
use super::identity::SiteIdentity;
use super::operations::Operation;
use super::plans::Plan;
use crate::bucket::Bucket;
use crate::config::{ArmConfig, ThrottleConfig};
use crate::container::{AppHandle, Order};
use crate::sync::lock;

/// A site that exists.
#[derive(Debug)]
pub(super) struct Site {
    /// How it was asked for.
    pub(super) draft: Draft,
    /// When it was changed last.
    pub(super) modified: jiff::Timestamp,
    /// Whether its owner stopped it.
    pub(super) is_stopped: bool,
    /// What runs it. `None` while its creation goes on.
    pub(super) handle: Option<AppHandle>,
}

/// The resources. Keys are names in lower case.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sites: BTreeMap<String, Site>,
    pub(super) plans: BTreeMap<PlanKey, Plan>,
    pub(super) operations: BTreeMap<String, Operation>,
}

/// Resource group and name of a plan, in lower case.
pub(super) type PlanKey = (String, String);

/// The key of a plan.
pub(super) fn plan_key(group: &str, name: &str) -> PlanKey {
    (group.to_ascii_lowercase(), name.to_ascii_lowercase())
}

/// The resource manager.
#[derive(Debug)]
pub(crate) struct Arm {
    state: Mutex<State>,
    reads: Bucket,
    writes: Bucket,
    deletes: Bucket,
    /// What Microsoft.Web itself lets pass.
    provider: Bucket,
}

impl Arm {
    pub(crate) fn new(config: &ArmConfig) -> Self {
        let plans = config
            .plans
            .iter()
            .map(|plan| (plan_key(&plan.resource_group, &plan.name), Plan::from_config(plan)))
            .collect();
        Self {
            state: Mutex::new(State { plans, ..State::default() }),
            reads: Bucket::default(),
            writes: Bucket::default(),
            deletes: Bucket::default(),
            provider: Bucket::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Counts a request. The header that tells what is left, or how long to wait.
    pub(super) fn throttle(&self, config: &ThrottleConfig, method: &Method) -> Result<(&'static str, u32), Duration> {
        let (bucket, config, header) = match *method {
            Method::GET | Method::HEAD => (&self.reads, config.reads, "x-ms-ratelimit-remaining-subscription-reads"),
            Method::DELETE => (&self.deletes, config.deletes, "x-ms-ratelimit-remaining-subscription-deletes"),
            _ => (&self.writes, config.writes, "x-ms-ratelimit-remaining-subscription-writes"),
        };
        bucket.take(config).map(|left| (header, left))
    }

    /// Whether Microsoft.Web itself lets a request pass.
    pub(super) fn provider_passes(&self, config: &ThrottleConfig) -> bool {
        self.provider.take(config.provider).is_ok()
    }

    /// What runs a site, for the front end. `None` when there is no such site or it is not made yet.
    pub(crate) fn handle_of(&self, site: &str) -> Option<AppHandle> {
        self.state().sites.get(&site.to_ascii_lowercase())?.handle.clone()
    }

    /// Whether there is such a site, made or in the making.
    pub(crate) fn exists(&self, site: &str) -> bool {
        self.state().sites.contains_key(&site.to_ascii_lowercase())
    }

    /// The name of the site behind a host.
    pub(crate) fn name_at(&self, host: &str) -> Option<String> {
        let state = self.state();
        // Nearly always the host is named after its site, so that nobody else is looked at.
        let label = host.split('.').next().unwrap_or(host);
        let named = state.sites.get(label).filter(|site| site.draft.host() == host);
        let site = named.or_else(|| state.sites.values().find(|site| site.draft.host() == host))?;
        Some(site.draft.name.clone())
    }

    /// The identities of the site whose containers know a secret.
    pub(crate) fn identity_of(&self, secret: &str) -> Option<SiteIdentity> {
        let state = self.state();
        let identities = state.sites.values().filter_map(|site| site.draft.identity.as_ref());
        identities.into_iter().find(|identity| identity.secret == secret).cloned()
    }

    /// Every site, for the control API.
    pub(crate) fn apps(&self) -> Vec<Value> {
        self.state().sites.values().map(app::view).collect()
    }

    /// One site, for the control API.
    pub(crate) fn app(&self, name: &str) -> Option<Value> {
        self.state().sites.get(&name.to_ascii_lowercase()).map(app::view)
    }

    /// Every plan, for the control API.
    pub(crate) fn plans(&self) -> Vec<Value> {
        let state = self.state();
        state.plans.values().map(|plan| plan.view("")).collect()
    }

    /// Deletes every site, its containers at once.
    pub(crate) fn shut_down(&self) {
        for site in std::mem::take(&mut self.state().sites).into_values() {
            if let Some(handle) = site.handle {
                handle.order(Order::Shutdown);
            }
        }
    }
}
