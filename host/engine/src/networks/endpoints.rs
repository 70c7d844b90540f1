//! Containers' ends of networks: which addresses they have.
//!
//! No packet ever flows here. The addresses are kept because clients read them back, and must not meet twice.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::PoisonError;

use sockerless_docker::{EndpointSettings, NetworkInspect, NetworkingConfig};

use crate::error::{Error, Result};
use crate::ids;
use crate::networks::subnet::Subnet;
use crate::networks::{Networks, is_predefined};
use crate::record::ContainerRecord;

/// The MAC address of an endpoint for which none is asked: the Engine's older way, so that no two of a network are the same.
fn mac_address_of(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// Whether it is six bytes, or none.
fn is_mac_address(text: &str) -> bool {
    let is_byte = |byte: &str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
    text.is_empty() || (text.split([':', '-']).count() == 6 && text.split([':', '-']).all(is_byte))
}

impl ContainerRecord {
    /// The ends of networks as the Engine shows them: with addresses while the container runs, and with names and the network's
    /// id from the first start on. Ours are assigned when the container is made, and stay.
    pub(crate) fn shown_endpoints(&self) -> BTreeMap<String, EndpointSettings> {
        let shown = |(name, endpoint): (&String, &EndpointSettings)| {
            let has_started = self.state.started_at.is_some();
            let mut shown = endpoint.clone();
            if !self.state.status.is_live() {
                let assigned = endpoint.ip_address.parse().map(mac_address_of);
                shown = EndpointSettings {
                    ipam_config: endpoint.ipam_config.clone(),
                    links: endpoint.links.clone(),
                    aliases: endpoint.aliases.clone(),
                    driver_opts: endpoint.driver_opts.clone(),
                    mac_address: endpoint.mac_address.clone(),
                    network_id: if has_started { endpoint.network_id.clone() } else { String::new() },
                    ..EndpointSettings::default()
                };
                if assigned.is_ok_and(|assigned| assigned == endpoint.mac_address) {
                    shown.mac_address.clear();
                }
            }
            if has_started && !is_predefined(name) {
                shown.dns_names = Some(self.dns_names(endpoint));
            }
            (name.clone(), shown)
        };
        self.endpoints.iter().map(shown).collect()
    }

    /// By what other containers of a network would call this one.
    fn dns_names(&self, endpoint: &EndpointSettings) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let short = self.id.get(..12).unwrap_or(&self.id);
        let own = [&*self.name].into_iter().chain(endpoint.aliases.iter().flatten().map(String::as_str));
        for name in own.chain([short, &*self.config.hostname]).filter(|name| !name.is_empty()) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

impl Networks {
    /// The endpoints of a container that is to be made: on the network of its mode, and on those that it names.
    /// `mac_address` is what older clients ask for beside, on the network of the mode.
    /// They hold their addresses until [`release`](Self::release).
    pub(crate) fn endpoints(
        &self,
        mode: &str,
        config: NetworkingConfig,
        mac_address: &str,
    ) -> Result<BTreeMap<String, EndpointSettings>> {
        if mode.starts_with("container:") {
            return Ok(BTreeMap::new());
        }
        let mut wanted: BTreeMap<String, EndpointSettings> =
            config.endpoints_config.into_iter().map(|(name, settings)| (name, settings.unwrap_or_default())).collect();
        if let Some(settings) = wanted.remove("default") {
            wanted.entry("bridge".to_owned()).or_insert(settings);
        }
        // The mode may be an id where the endpoint is called by name, or the other way round.
        let main = self.named(mode)?;
        if !wanted.keys().any(|name| self.named(name).is_ok_and(|network| network.id == main.id)) {
            wanted.insert(main.name.clone(), EndpointSettings::default());
        }
        for (name, settings) in &mut wanted {
            if !mac_address.is_empty() && self.named(name).is_ok_and(|network| network.id == main.id) {
                if settings.mac_address.is_empty() {
                    mac_address.clone_into(&mut settings.mac_address);
                } else if settings.mac_address != mac_address {
                    return Err(Error::invalid(
                        "the container-wide MAC address must match the endpoint-specific MAC address for the main network, \
                         or be left empty",
                    ));
                }
            }
            if !is_mac_address(&settings.mac_address) {
                return Err(Error::invalid(format!(
                    "invalid config for network {name}: invalid MAC address {}",
                    settings.mac_address
                )));
            }
        }
        let mut endpoints = BTreeMap::new();
        for (name, settings) in wanted {
            let endpoint = self.named(&name).and_then(|network| {
                let endpoint = self.endpoint(&network, settings)?;
                Ok((network.name.clone(), endpoint))
            });
            match endpoint {
                Ok((name, endpoint)) => {
                    endpoints.insert(name, endpoint);
                }
                Err(error) => {
                    self.release(&endpoints);
                    return Err(error);
                }
            }
        }
        Ok(endpoints)
    }

    /// A network that a container is to be made on. That it does not exist is told as a fault of the request: a client
    /// that is told 404 at a create believes that the image is missing, and pulls it.
    fn named(&self, name: &str) -> Result<std::sync::Arc<NetworkInspect>> {
        self.find(name).map_err(|error| Error::invalid(error.message))
    }

    /// A new endpoint on a network.
    pub(crate) fn endpoint(
        &self,
        network: &NetworkInspect,
        mut settings: EndpointSettings,
    ) -> Result<EndpointSettings> {
        settings.network_id.clone_from(&network.id);
        settings.endpoint_id = ids::object()?;
        let ranges = network.ipam.config.as_deref().unwrap_or_default();
        let Some((range, subnet)) = ranges.iter().find_map(|range| Some((range, range.subnet.parse::<Subnet>().ok()?)))
        else {
            return Ok(settings);
        };
        let requested =
            settings.ipam_config.as_ref().map(|ipam| ipam.ipv4_address.as_str()).filter(|ip| !ip.is_empty());
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = taken.entry(network.id.clone()).or_default();
        let reserved = |address: &Ipv4Addr| {
            let text = address.to_string();
            text == range.gateway || range.auxiliary_addresses.values().any(|auxiliary| *auxiliary == text)
        };
        let address = match requested {
            Some(text) => {
                let address: Ipv4Addr = text
                    .parse()
                    .map_err(|_| Error::invalid(format!("invalid endpoint settings:\ninvalid IPv4 address: {text}")))?;
                if !subnet.contains(address) {
                    return Err(Error::invalid(format!(
                        "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address {text}"
                    )));
                }
                if reserved(&address) || taken.contains(&address) {
                    return Err(Error::forbidden("Address already in use"));
                }
                address
            }
            None => {
                let pool = range.ip_range.parse().unwrap_or(subnet);
                pool.hosts()
                    .find(|address| subnet.contains(*address) && !reserved(address) && !taken.contains(address))
                    .ok_or_else(|| Error::forbidden("no available IPv4 addresses on this network's address pools"))?
            }
        };
        taken.insert(address);
        if !network.internal {
            settings.gateway.clone_from(&range.gateway);
        }
        settings.ip_address = address.to_string();
        settings.ip_prefix_len = subnet.prefix();
        if settings.mac_address.is_empty() {
            settings.mac_address = mac_address_of(address);
        }
        Ok(settings)
    }

    /// Notes the addresses of a container that the store gave back.
    pub(crate) fn adopt(&self, endpoints: &BTreeMap<String, EndpointSettings>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for endpoint in endpoints.values() {
            if let Ok(address) = endpoint.ip_address.parse() {
                taken.entry(endpoint.network_id.clone()).or_default().insert(address);
            }
        }
    }

    /// Gives the addresses of a container that is gone back.
    pub(crate) fn release(&self, endpoints: &BTreeMap<String, EndpointSettings>) {
        for endpoint in endpoints.values() {
            self.release_one(endpoint);
        }
    }

    pub(crate) fn release_one(&self, endpoint: &EndpointSettings) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(taken), Ok(address)) = (taken.get_mut(&endpoint.network_id), endpoint.ip_address.parse()) {
            taken.remove(&address);
        }
    }
}
