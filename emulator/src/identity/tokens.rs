//! The tokens that were given out. They are opaque, as clients must take them to be.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Names;
use crate::sync::lock;

/// What a token for storage accounts is asked for, in every cloud.
const STORAGE_RESOURCE: &str = "https://storage.azure.com";

/// Whom a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The resource manager.
    Arm,
    /// Log Analytics.
    Logs,
    /// Storage accounts.
    Storage,
}

impl Audience {
    /// The audience of a client-credentials scope, which is a resource followed by `/.default`.
    pub(crate) fn of_scope(cloud: &Names, scope: &str) -> Option<Self> {
        Self::of_resource(cloud, scope.strip_suffix("/.default")?)
    }

    /// The audience by the name of the resource itself, as managed identities ask for it.
    pub(crate) fn of_resource(cloud: &Names, resource: &str) -> Option<Self> {
        match resource.trim_end_matches('/') {
            arm if cloud.arm_resources.contains(&arm) => Some(Self::Arm),
            logs if cloud.logs_resources.contains(&logs) => Some(Self::Logs),
            STORAGE_RESOURCE => Some(Self::Storage),
            _ => None,
        }
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is none.
    Missing,
    /// Nobody gave it out.
    Invalid,
    /// It was good once.
    Expired,
    /// It is for another service.
    Audience,
}

/// Every token that may still be presented.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, (Audience, Instant)>>);

/// Expired tokens are remembered this long, to be told from invalid ones.
const MEMORY: Duration = Duration::from_secs(3_600);

impl Tokens {
    /// Makes a token that is good for `lifetime`.
    pub(crate) fn issue(&self, audience: Audience, lifetime: Duration) -> Result<String, getrandom::Error> {
        let mut random = [0; 48];
        getrandom::fill(&mut random)?;
        let token = format!("emulator.{}", URL_SAFE_NO_PAD.encode(random));
        let now = Instant::now();
        let mut tokens = lock(&self.0);
        tokens.retain(|_, (_, expiry)| *expiry + MEMORY > now);
        tokens.insert(token.clone(), (audience, now + lifetime));
        Ok(token)
    }

    /// Lets every token expire that was given out so far.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        for (_, expiry) in lock(&self.0).values_mut() {
            *expiry = now.min(*expiry);
        }
    }

    /// Whether a token opens the service.
    pub(crate) fn check(&self, token: Option<&str>, wanted: Audience) -> Result<(), Refusal> {
        let token = token.ok_or(Refusal::Missing)?;
        let (audience, expiry) = lock(&self.0).get(token).copied().ok_or(Refusal::Invalid)?;
        if Instant::now() >= expiry {
            return Err(Refusal::Expired);
        }
        if audience != wanted {
            return Err(Refusal::Audience);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cloud;

    #[test]
    fn a_token_is_good_for_its_audience_and_time() {
        let tokens = Tokens::default();
        let token = tokens.issue(Audience::Arm, Duration::from_secs(60)).unwrap();
        assert_eq!(tokens.check(Some(&token), Audience::Arm), Ok(()));
        assert_eq!(tokens.check(Some(&token), Audience::Logs), Err(Refusal::Audience));
        assert_eq!(tokens.check(Some("other"), Audience::Arm), Err(Refusal::Invalid));
        assert_eq!(tokens.check(None, Audience::Arm), Err(Refusal::Missing));
        tokens.expire();
        assert_eq!(tokens.check(Some(&token), Audience::Arm), Err(Refusal::Expired));
        let short = tokens.issue(Audience::Arm, Duration::ZERO).unwrap();
        assert_eq!(tokens.check(Some(&short), Audience::Arm), Err(Refusal::Expired));
    }

    #[test]
    fn scopes_name_their_resource() {
        let of = |scope| Audience::of_scope(Cloud::Public.names(), scope);
        let gov = |scope| Audience::of_scope(Cloud::UsGovernment.names(), scope);
        assert_eq!(of("https://management.azure.com/.default"), Some(Audience::Arm));
        assert_eq!(of("https://management.azure.com//.default"), Some(Audience::Arm));
        assert_eq!(of("https://api.loganalytics.io/.default"), Some(Audience::Logs));
        assert_eq!(of("https://management.azure.com/user_impersonation"), None);
        assert_eq!(of("https://example.com/.default"), None);
        assert_eq!(gov("https://management.usgovcloudapi.net/.default"), Some(Audience::Arm));
        assert_eq!(gov("https://api.loganalytics.us/.default"), Some(Audience::Logs));
        assert_eq!(gov("https://management.azure.com/.default"), None);
        assert_eq!(of("https://storage.azure.com/.default"), Some(Audience::Storage));
        assert_eq!(gov("https://storage.azure.com/.default"), Some(Audience::Storage));
    }
}
