//! Name resolution that leaves out the addresses that must not be reached.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{Zone, zone};
use crate::policy::Route;

/// Turns a host's name into addresses.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of the name.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A name has only addresses that must not be reached.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{host} is at {address}, {}", match .zone {
        Zone::Metadata => "a cloud's metadata service, which no backend may reach",
        _ => "which is not a public address; a rule with `private = true` among the `hosts` of the backend's policy \
              would allow it",
    }
)]
pub(crate) struct Forbidden {
    host: String,
    address: IpAddr,
    zone: Zone,
}

/// Whether an address may be connected to on this route.
pub(crate) fn admit(route: &Route, host: &str, address: IpAddr) -> Result<(), Forbidden> {
    let zone = zone(address);
    match (zone, route) {
        (Zone::Public, _) | (_, Route::Trusted) | (Zone::Private, Route::Private) => Ok(()),
        _ => Err(Forbidden { host: host.to_owned(), address, zone }),
    }
}

/// A [`Resolver`] as the HTTP client uses it, for one route.
pub(super) struct Guarded {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) route: Route,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, route) = (Arc::clone(&self.resolver), self.route.clone());
        Box::pin(async move {
            let host = name.as_str();
            let mut admitted = Vec::new();
            let mut forbidden = None;
            for address in resolver.resolve(host).await? {
                match admit(&route, host, address) {
                    // The client puts in the port of the URL.
                    Ok(()) => admitted.push(SocketAddr::new(address, 0)),
                    Err(error) => forbidden = Some(error),
                }
            }
            match forbidden {
                Some(error) if admitted.is_empty() => Err(error.into()),
                _ => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}
