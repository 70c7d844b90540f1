//! Requests to the resource manager.

use std::cell::Cell;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::{Failure, Refusal};
use super::retry::{ATTEMPTS, LAST_ATTEMPT, pause};
use crate::bindings::http::Response;
use crate::bindings::log::Level;
use crate::bindings::types::Timestamp;
use crate::config::Settings;
use crate::world::{Request, SendError, Signer, World};

/// Of Microsoft.Web.
const WEB_VERSION: &str = "2025-05-01";
/// Of Microsoft.OperationalInsights.
const WORKSPACE_VERSION: &str = "2023-09-01";
/// Of Microsoft.Authorization.
const PERMISSIONS_VERSION: &str = "2022-04-01";

/// What stands for itself in a segment of a path.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'(').remove(b')');

/// The resource manager, as one call of the backend uses it.
pub(crate) struct Client<'c> {
    pub(crate) world: &'c dyn World,
    pub(crate) settings: &'c Settings,
    /// The idempotency key of the call, or nothing.
    key: &'c str,
    sent: Cell<u16>,
}

impl<'c> Client<'c> {
    pub(crate) fn new(world: &'c dyn World, settings: &'c Settings, key: &'c str) -> Self {
        Self { world, settings, key, sent: Cell::new(0) }
    }

    /// The ARM id of the app of this name.
    pub(crate) fn site_id(&self, app: &str) -> String {
        format!("{}/{app}", self.sites_id())
    }

    /// The URL of a resource of Microsoft.Web, or of something below it.
    pub(crate) fn url(&self, id: &str) -> String {
        self.versioned(id, WEB_VERSION)
    }

    /// The URL of the list of all apps of the group.
    pub(crate) fn sites_url(&self) -> String {
        self.url(&self.sites_id())
    }

    fn sites_id(&self) -> String {
        format!("{}/providers/Microsoft.Web/sites", self.settings.group_id())
    }

    /// The URL of the next page of a list, given a link to it. Whatever host the link names, it is asked of the resource manager: no
    /// other is given its token.
    pub(crate) fn next_url(&self, link: &str) -> Option<String> {
        let after_scheme = link.split_once("://")?.1;
        let path = after_scheme.get(after_scheme.find('/')?..)?;
        Some(format!("https://{}{path}", self.settings.cloud.arm_host))
    }

    /// The URL of a workspace.
    pub(crate) fn workspace_url(&self, id: &str) -> String {
        self.versioned(id, WORKSPACE_VERSION)
    }

    /// The URL of what the daemon's identity may do with a resource or a resource group.
    pub(crate) fn permissions_url(&self, scope: &str) -> String {
        self.versioned(&format!("{scope}/providers/Microsoft.Authorization/permissions"), PERMISSIONS_VERSION)
    }

    fn versioned(&self, id: &str, version: &str) -> String {
        let path: Vec<String> = id.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect();
        format!("https://{}{}?api-version={version}", self.settings.cloud.arm_host, path.join("/"))
    }

    /// Sends a request, again where that is right, and sorts what comes back.
    pub(crate) fn send(&self, request: Request) -> Result<Response, Failure> {
        self.send_within(request, ATTEMPTS)
    }

    /// The same with another number of attempts.
    pub(crate) fn send_within(&self, request: Request, attempts: u32) -> Result<Response, Failure> {
        let request = request
            .header("x-ms-client-request-id", self.request_id())
            .header("accept", "application/json, text/plain;q=0.9, */*;q=0.5")
            .signed(Signer::Scope(self.settings.cloud.arm_scope));
        let response = exchange(self.world, &request, attempts).map_err(Failure::Unsent)?;
        match response.status {
            200..=299 => Ok(response),
            _ => Err(Failure::Refused(Box::new(Refusal::parse(&response, self.world.now())))),
        }
    }

    /// GETs a JSON document.
    pub(crate) fn get(&self, url: &str) -> Result<Value, Failure> {
        json(&self.send(Request::new("GET", url))?)
    }

    /// An id by which Azure's support finds a request again: in the form of a UUID, from the key of the call.
    fn request_id(&self) -> String {
        let count = self.sent.get();
        self.sent.set(count.wrapping_add(1));
        let digits = if self.key.len() == 32 && self.key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.key.to_owned()
        } else {
            let now = self.world.now();
            format!("{:016x}{:016x}", now.seconds, u64::from(now.nanoseconds) << 16)
        };
        format!(
            "{}-{}-{}-{}-{}{count:04x}",
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..28]
        )
    }
}

/// The body of a response as JSON.
pub(super) fn json(response: &Response) -> Result<Value, Failure> {
    serde_json::from_slice(&response.body)
        .map_err(|error| Failure::Malformed(format!("the answer ({}) is not JSON: {error}", response.status)))
}

/// Sends a request as often as is right, and answers what came of the last attempt.
pub(crate) fn exchange(world: &dyn World, request: &Request, attempts: u32) -> Result<Response, SendError> {
    let first = world.now();
    let mut attempt = 1;
    loop {
        let result = world.send(request);
        let wait = if attempt < attempts { pause(world, request, &result, attempt) } else { None };
        let wait = wait.filter(|wait| milliseconds_between(first, world.now()).saturating_add(*wait) <= LAST_ATTEMPT);
        let Some(wait) = wait else { return result };
        let status = match &result {
            Ok(response) => response.status.to_string(),
            Err(error) => error.to_string(),
        };
        world.log(
            Level::Debug,
            "repeating a request",
            &[("method", request.method), ("outcome", &status), ("wait_ms", &wait.to_string())],
        );
        world.sleep(wait);
        attempt += 1;
    }
}

/// None if the clock was set back.
fn milliseconds_between(first: Timestamp, second: Timestamp) -> u64 {
    let of = |time: Timestamp| i128::from(time.seconds) * 1_000 + i128::from(time.nanoseconds / 1_000_000);
    u64::try_from(of(second) - of(first)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn requests_are_signed_versioned_and_identified() {
        let script = Script::new().answer(200, "{}");
        let settings = script.settings();
        let client = Client::new(&script, &settings, "0123456789abcdef0123456789abcdef");
        client.get(&client.url("/subscriptions/s/resourceGroups/a (b)/x")).unwrap();
        let sent = script.sent();
        assert_eq!(
            sent[0].url,
            "https://management.azure.com/subscriptions/s/resourceGroups/a%20(b)/x?api-version=2025-05-01"
        );
        assert_eq!(sent[0].signer, Signer::Scope("https://management.azure.com/.default"));
        let id = sent[0].headers.iter().find(|(name, _)| name == "x-ms-client-request-id").unwrap();
        assert_eq!(id.1, "01234567-89ab-cdef-0123-456789ab0000");
    }

    #[test]
    fn every_request_has_its_own_id_also_without_a_key() {
        let script = Script::new().answer(200, "{}").answer(200, "{}");
        let settings = script.settings();
        let client = Client::new(&script, &settings, "");
        client.get("https://x/1").unwrap();
        client.get("https://x/2").unwrap();
        let ids: Vec<_> = script.sent().iter().map(|request| request.headers[0].1.clone()).collect();
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| crate::config::is_guid(id)), "{ids:?}");
    }

    #[test]
    fn other_clouds_have_another_host_and_scope() {
        let script = Script::new().with(crate::config::CLOUD, "usgov").answer(200, "{}");
        let settings = script.settings();
        let client = Client::new(&script, &settings, "");
        client.get(&client.url("/x")).unwrap();
        assert!(script.sent()[0].url.starts_with("https://management.usgovcloudapi.net/x?"));
        assert_eq!(script.sent()[0].signer, Signer::Scope("https://management.usgovcloudapi.net/.default"));
    }
}
