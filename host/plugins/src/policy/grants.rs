//! What a loaded backend may do: its wishes and the operator's policy, both.

use std::path::Path;
use std::sync::Arc;

use http::Method;
use sockerless_backend::types::Descriptor;
use url::Url;

use super::{HostPattern, HostRule, Policy, ScopeRule};

/// Whether the addresses of a host are checked before it is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// Public addresses only.
    Public,
    /// Any address but those of metadata services.
    Private,
    /// A unix socket, and no address.
    Socket(Arc<Path>),
    /// Any address: the daemon's own requests for credentials, which also a metadata service answers.
    Trusted,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    hosts: Vec<HostPattern>,
    rules: Vec<HostRule>,
    scopes: Vec<Scope>,
}

#[derive(Clone, Debug)]
struct Scope {
    name: String,
    hosts: Vec<HostPattern>,
    granted: Option<Vec<HostPattern>>,
}

impl Grants {
    /// Compares what the descriptor wants with what the policy grants. The error names each wish beyond it, and the
    /// setting that would grant it.
    ///
    /// The patterns of the descriptor must have been validated: those that are none are ignored.
    pub(crate) fn new(descriptor: &Descriptor, policy: &Policy) -> Result<Self, Vec<String>> {
        let parse = |hosts: &[String]| hosts.iter().filter_map(|host| host.parse().ok()).collect::<Vec<HostPattern>>();
        let hosts = parse(&descriptor.hosts);
        let mut beyond = Vec::new();
        let rules = match &policy.hosts {
            None => hosts.iter().cloned().map(HostRule::public).collect(),
            Some(rules) => {
                for host in &hosts {
                    if !rules.iter().any(|rule| rule.host.covers(host)) {
                        beyond.push(format!("requests to `{host}`, which `hosts` in its policy does not list"));
                    }
                }
                rules.clone()
            }
        };
        let mut scopes = Vec::new();
        for wish in &descriptor.scopes {
            let rule = policy.scopes.as_ref().map(|rules| rules.iter().find(|rule| rule.scope == wish.scope));
            let granted = match rule {
                None => None,
                Some(Some(ScopeRule { hosts, .. })) => hosts.clone(),
                Some(None) => {
                    beyond
                        .push(format!("credentials for `{}`, which `scopes` in its policy does not list", wish.scope));
                    continue;
                }
            };
            let hosts = parse(&wish.hosts);
            for host in &hosts {
                if granted.as_ref().is_some_and(|granted| !granted.iter().any(|rule| rule.covers(host))) {
                    beyond.push(format!(
                        "tokens of `{}` on requests to `{host}`, which this scope's `hosts` in its policy do not list",
                        wish.scope
                    ));
                }
            }
            scopes.push(Scope { name: wish.scope.clone(), hosts, granted });
        }
        if beyond.is_empty() { Ok(Self { hosts, rules, scopes }) } else { Err(beyond) }
    }

    /// How a request may be sent. The error says why it may not, and what would allow it.
    pub(crate) fn route(&self, method: &Method, url: &Url) -> Result<Route, String> {
        let rules = self.rules_of(url)?;
        let Some(rule) = rules.iter().find(|rule| rule.requests.allow(method, url.path())) else {
            return Err(format!(
                "the policy grants `{}` for other methods or paths; see `methods` and `path-prefix` of its rule among the `hosts` \
                 of the backend's policy",
                url.host_str().unwrap_or_default()
            ));
        };
        Ok(match rule {
            HostRule { socket: Some(socket), .. } => Route::Socket(Arc::clone(socket)),
            HostRule { private: true, .. } => Route::Private,
            _ => Route::Public,
        })
    }

    /// The pattern of the rule by which the host of a URL is granted. There are as many as the operator or the descriptor has named.
    pub(crate) fn rule(&self, url: &Url) -> Arc<str> {
        let host = url.host_str().unwrap_or_default();
        let rule = self.rules.iter().find(|rule| rule.host.matches(host));
        rule.map_or_else(|| "none".into(), |rule| rule.host.to_string().into())
    }

    /// Whether there is anything at all that may be asked of the server of a URL.
    ///
    /// # Errors
    /// There is nothing: the text says why, and what would allow it.
    pub(crate) fn reaches(&self, url: &Url) -> Result<(), String> {
        self.rules_of(url).map(drop)
    }

    /// The rules by which the server of a URL may be reached: one at least.
    fn rules_of(&self, url: &Url) -> Result<Vec<&HostRule>, String> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.hosts.iter().any(|pattern| pattern.matches(host)) {
            return Err(format!("the backend's descriptor does not ask for the host `{host}`"));
        }
        let mut matching: Vec<_> = self.rules.iter().filter(|rule| rule.host.matches(host)).collect();
        if matching.is_empty() {
            return Err(format!("`hosts` in the backend's policy does not list `{host}`"));
        }
        matching.retain(|rule| rule.scheme.name() == url.scheme() && rule.port == port);
        if matching.is_empty() {
            return Err(format!(
                "the policy grants `{host}` by another scheme or port; `{}://{host}:{port}` among the `hosts` of the \
                 backend's policy would allow it",
                url.scheme()
            ));
        }
        Ok(matching)
    }

    /// Whether the backend gets credentials of this scope at all.
    pub(crate) fn grants_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted.name == scope)
    }

    /// Whether a token of this scope may be put on a request to this host.
    pub(crate) fn may_sign(&self, scope: &str, url: &Url) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default();
        let fits = |hosts: &[HostPattern]| hosts.iter().any(|pattern| pattern.matches(host));
        let allowed = self.scopes.iter().any(|granted| {
            granted.name == scope && fits(&granted.hosts) && granted.granted.as_deref().is_none_or(fits)
        });
        if allowed {
            return Ok(());
        }
        Err(format!(
            "a token of `{scope}` must not be sent to `{host}`: neither the backend's descriptor nor its policy lists this \
             host for that scope"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockerless_backend::types::ScopeGrant;

    const SCOPE: &str = "https://management.azure.com/.default";

    fn descriptor() -> Descriptor {
        Descriptor {
            name: "t".into(),
            version: "1".into(),
            driver: String::new(),
            operating_system: String::new(),
            cpus: 1,
            memory: 1,
            config: vec![],
            hosts: vec!["management.azure.com".into(), "*.azurewebsites.net".into()],
            scopes: vec![ScopeGrant { scope: SCOPE.into(), hosts: vec!["management.azure.com".into()] }],
        }
    }

    fn route(grants: &Grants, url: &Url) -> Result<Route, String> {
        grants.route(&Method::GET, url)
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn by_default_grants_what_is_asked_for_over_https() {
        let grants = Grants::new(&descriptor(), &Policy::default()).unwrap();
        assert_eq!(route(&grants, &url("https://management.azure.com/x")), Ok(Route::Public));
        assert_eq!(route(&grants, &url("https://a.azurewebsites.net:443/")), Ok(Route::Public));
        assert!(route(&grants, &url("http://management.azure.com/")).unwrap_err().contains("another scheme or port"));
        assert!(route(&grants, &url("https://management.azure.com:8443/")).unwrap_err().contains(":8443"));
        assert!(route(&grants, &url("https://evil.example/")).unwrap_err().contains("does not ask for"));
        assert_eq!(&*grants.rule(&url("https://a.azurewebsites.net/x?y")), "*.azurewebsites.net");
        assert!(grants.may_sign(SCOPE, &url("https://management.azure.com/")).is_ok());
        assert!(grants.may_sign(SCOPE, &url("https://a.azurewebsites.net/")).is_err());
        assert!(!grants.grants_scope("https://graph.microsoft.com/.default"));
    }

    #[test]
    fn a_policy_narrows_and_names_what_is_beyond_it() {
        let policy = Policy { hosts: Some(vec!["management.azure.com".parse().unwrap()]), scopes: Some(vec![]) };
        let beyond = Grants::new(&descriptor(), &policy).unwrap_err();
        assert_eq!(beyond.len(), 2, "{beyond:?}");
        assert!(beyond[0].contains("`*.azurewebsites.net`"));
        assert!(beyond[1].contains(SCOPE));
    }

    #[test]
    fn a_wide_policy_does_not_widen_the_wishes() {
        let rules = ["management.azure.com", "*.azurewebsites.net", "other.example"];
        let policy = Policy { hosts: Some(rules.iter().map(|rule| rule.parse().unwrap()).collect()), scopes: None };
        let grants = Grants::new(&descriptor(), &policy).unwrap();
        assert!(route(&grants, &url("https://other.example/")).is_err());
    }

    #[test]
    fn a_rule_is_for_its_methods_and_paths_only() {
        let rules = r#"{"hosts": [
            {"host": "management.azure.com", "path-prefix": "/subscriptions/s", "methods": ["GET", "PUT"]},
            {"host": "management.azure.com", "path-prefix": "/subscriptions/s/providers", "methods": ["POST"]},
            "*.azurewebsites.net"
        ]}"#;
        let grants = Grants::new(&descriptor(), &serde_json::from_str(rules).unwrap()).unwrap();
        let allowed = |method: &str, path: &str| {
            let url = url(&format!("https://management.azure.com{path}"));
            grants.route(&Method::from_bytes(method.as_bytes()).unwrap(), &url).is_ok()
        };
        assert!(allowed("GET", "/subscriptions/s/x?y=/subscriptions"));
        assert!(allowed("PUT", "/subscriptions/s"));
        assert!(allowed("POST", "/subscriptions/s/providers/x"));
        assert!(!allowed("POST", "/subscriptions/s/x"));
        assert!(!allowed("DELETE", "/subscriptions/s/x"));
        assert!(!allowed("GET", "/subscriptions/other"));
        assert!(!allowed("GET", "/subscriptions/s/../other"));
        let error = grants.route(&Method::GET, &url("https://management.azure.com/x")).unwrap_err();
        assert!(error.contains("for other methods or paths"), "{error}");
        assert!(grants.reaches(&url("https://management.azure.com/")).is_ok());
        assert!(grants.reaches(&url("http://management.azure.com/")).is_err());
        assert_eq!(grants.route(&Method::DELETE, &url("https://a.azurewebsites.net/x")), Ok(Route::Public));
    }
}
