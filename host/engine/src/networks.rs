//! Networks: their names, options and addresses. Only the books are kept; containers reach each other, or not, as the
//! backend has it.

mod connect;
mod endpoints;
mod subnet;
pub(crate) mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use sockerless_docker::{
    Filters, Ipam, IpamConfig, Labels, NetworkContainer, NetworkCreate, NetworkCreated, NetworkInspect, NetworksPruned,
    format_time,
};
use sockerless_store::{Kind, Store};

use self::subnet::Subnet;
use self::table::Table;
use crate::engine::{Engine, Inner};
use crate::error::{Error, Result};
use crate::ids;
use crate::record::ContainerRecord;

/// Those which every daemon has, with their drivers.
pub(crate) const PREDEFINED: [(&str, &str); 3] = [("bridge", "bridge"), ("host", "host"), ("none", "null")];

/// Drivers that a client may choose.
const DRIVERS: [&str; 3] = ["bridge", "ipvlan", "macvlan"];

/// All networks, and the addresses that are taken on each, by id.
pub(crate) struct Networks {
    pub(crate) table: Table<NetworkInspect>,
    pub(crate) taken: Mutex<BTreeMap<String, BTreeSet<Ipv4Addr>>>,
}

impl Networks {
    /// Reads them. The predefined ones are made at the first start, and keep their ids.
    pub(crate) async fn load(store: &dyn Store) -> Result<Self> {
        let networks = Self { table: Table::load(Kind::Network, store).await?, taken: Mutex::default() };
        for (name, driver) in PREDEFINED {
            if networks.find(name).is_err() {
                let mut ipam = Ipam { driver: "default".to_owned(), ..Ipam::default() };
                if driver == "bridge" {
                    ipam.config = Some(vec![networks.free_range()?]);
                }
                let network = NetworkInspect { ipam, ..blank(ids::object()?, name, driver) };
                let id = network.id.clone();
                networks.table.change(store).await.put(&id, network).await?;
            }
        }
        Ok(networks)
    }

    /// By id, by name, or by an unambiguous prefix of an id; in this order.
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<NetworkInspect>> {
        let missing = || Error::not_found(format!("network {reference} not found"));
        if reference.is_empty() {
            return Err(missing());
        }
        if let Some(network) = self.table.get(reference) {
            return Ok(network);
        }
        let all = self.table.all();
        if let Some(network) = all.iter().find(|network| network.name == reference) {
            return Ok(network.clone());
        }
        let mut matches = all.iter().filter(|network| network.id.starts_with(reference));
        match (matches.next(), matches.count()) {
            (Some(network), 0) => Ok(network.clone()),
            (Some(_), more) => Err(Error::invalid(format!(
                "network {reference} is ambiguous ({} matches found on ID prefix)",
                more + 1
            ))),
            (None, _) => Err(missing()),
        }
    }

    fn subnets(&self) -> Vec<Subnet> {
        let all = self.table.all();
        all.iter()
            .flat_map(|network| network.ipam.config.iter().flatten())
            .filter_map(|range| range.subnet.parse().ok())
            .collect()
    }

    fn free_range(&self) -> Result<IpamConfig> {
        let used = self.subnets();
        let subnet = Subnet::pools()
            .find(|pool| !used.iter().any(|subnet| subnet.overlaps(*pool)))
            .ok_or_else(|| Error::internal("all predefined address pools have been fully subnetted"))?;
        Ok(with_gateway(subnet, IpamConfig::default()))
    }

    /// The ranges of a network that is to be made, checked against all others.
    fn ranges(&self, wanted: Option<Vec<IpamConfig>>) -> Result<Vec<IpamConfig>> {
        let wanted = wanted.unwrap_or_default();
        if wanted.is_empty() {
            return Ok(vec![self.free_range()?]);
        }
        let mut used = self.subnets();
        let mut ranges = Vec::new();
        for range in wanted {
            if range.subnet.contains(':') {
                ranges.push(range);
                continue;
            }
            if range.subnet.is_empty() {
                ranges.push(self.free_range()?);
                continue;
            }
            let invalid = || {
                Error::invalid(format!(
                    "invalid network config:\ninvalid subnet {}: invalid CIDR block notation",
                    range.subnet
                ))
            };
            let subnet: Subnet = range.subnet.parse().map_err(|()| invalid())?;
            check_range(subnet, &range)?;
            if used.iter().any(|other| other.overlaps(subnet)) {
                return Err(Error::forbidden(
                    "invalid pool request: Pool overlaps with other one on this address space",
                ));
            }
            used.push(subnet);
            ranges.push(with_gateway(subnet, range));
        }
        Ok(ranges)
    }
}

/// What the Engine refuses of a range whose subnet is one.
fn check_range(subnet: Subnet, range: &IpamConfig) -> Result<()> {
    let invalid = |what: String| Err(Error::invalid(format!("invalid network config:\n{what}")));
    if subnet.to_string() != range.subnet {
        return invalid(format!("invalid subnet {}: it should be {subnet}", range.subnet));
    }
    if !range.gateway.is_empty() {
        let Ok(gateway) = range.gateway.parse::<Ipv4Addr>() else {
            return invalid(format!("invalid gateway {}: invalid address", range.gateway));
        };
        if !subnet.contains(gateway) {
            return invalid(format!("invalid gateway {gateway}: parent subnet {subnet} doesn't contain this address"));
        }
    }
    if !range.ip_range.is_empty() {
        let Ok(pool) = range.ip_range.parse::<Subnet>() else {
            return invalid(format!("invalid ip-range {}: invalid CIDR block notation", range.ip_range));
        };
        if !pool.hosts().next().is_some_and(|address| subnet.contains(address)) {
            return invalid(format!("invalid ip-range {pool}: parent subnet {subnet} doesn't contain ip-range"));
        }
    }
    Ok(())
}

fn with_gateway(subnet: Subnet, mut range: IpamConfig) -> IpamConfig {
    range.subnet = subnet.to_string();
    if range.gateway.is_empty() {
        range.gateway = subnet.hosts().next().map(|address| address.to_string()).unwrap_or_default();
    }
    range
}

/// A network without addresses.
fn blank(id: String, name: &str, driver: &str) -> NetworkInspect {
    NetworkInspect {
        name: name.to_owned(),
        id,
        created: format_time(Timestamp::now()),
        scope: "local".to_owned(),
        driver: driver.to_owned(),
        enable_ipv4: true,
        options: Some(BTreeMap::new()),
        labels: Some(BTreeMap::new()),
        ..NetworkInspect::default()
    }
}

pub(crate) fn is_predefined(name: &str) -> bool {
    PREDEFINED.iter().any(|(predefined, _)| *predefined == name)
}

impl Inner {
    /// The running containers on a network, by id.
    pub(crate) fn on_network(&self, network: &NetworkInspect) -> BTreeMap<String, NetworkContainer> {
        let all = self.containers.all();
        all.iter()
            .map(|cell| cell.record())
            .filter(|record| record.state.status.is_live())
            .filter_map(|record| {
                let endpoint = record.endpoints.values().find(|endpoint| endpoint.network_id == network.id)?;
                let address = &endpoint.ip_address;
                let container = NetworkContainer {
                    name: record.name.clone(),
                    endpoint_id: endpoint.endpoint_id.clone(),
                    mac_address: endpoint.mac_address.clone(),
                    ipv4_address: if address.is_empty() {
                        String::new()
                    } else {
                        format!("{address}/{}", endpoint.ip_prefix_len)
                    },
                    ipv6_address: String::new(),
                };
                Some((record.id.clone(), container))
            })
            .collect()
    }

    /// Tells that a container is on its networks, or is not any more.
    pub(crate) fn network_events(&self, record: &ContainerRecord, action: &str) {
        for endpoint in record.endpoints.values() {
            if let Some(network) = self.networks.table.get(&endpoint.network_id) {
                self.network_event(&network, action, Some(&record.id));
            }
        }
    }

    pub(crate) fn network_event(&self, network: &NetworkInspect, action: &str, container: Option<&str>) {
        let mut attributes =
            BTreeMap::from([("name".to_owned(), network.name.clone()), ("type".to_owned(), network.driver.clone())]);
        if let Some(container) = container {
            attributes.insert("container".to_owned(), container.to_owned());
        }
        self.events.publish("network", action, &network.id, attributes);
    }
}

impl Engine {
    /// The networks that pass the filters.
    ///
    /// # Errors
    /// An unknown filter or a value that cannot be.
    pub fn networks(&self, filters: &Filters) -> Result<Vec<NetworkInspect>> {
        filters.accept(&["dangling", "driver", "id", "label", "name", "scope", "type"])?;
        if let Some(kind) = filters.get("type").iter().find(|kind| !matches!(kind.as_str(), "builtin" | "custom")) {
            return Err(Error::internal(format!("invalid filter: 'type'='{kind}'")));
        }
        let dangling = match filters.get("dangling") {
            [] => None,
            [_] => Some(filters.boolean("dangling", false).map_err(|_| {
                Error::invalid(
                    "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")",
                )
            })?),
            _ => return Err(Error::invalid("got more than one value for filter key \"dangling\"")),
        };
        let networks = self.inner.networks.table.all().into_iter().filter(|network| {
            let builtin = is_predefined(&network.name);
            filters.matches("driver", &network.driver)
                && filters.matches("scope", &network.scope)
                && filters.matches("type", if builtin { "builtin" } else { "custom" })
                && filters.matches_by("id", |id| network.id.starts_with(id.as_str()))
                && filters.matches_by("name", |name| network.name.contains(name.as_str()))
                && filters.matches_labels("label", network.labels.as_ref().unwrap_or(&Labels::new()))
                && dangling.is_none_or(|dangling| dangling == (!builtin && self.inner.on_network(network).is_empty()))
        });
        Ok(networks.map(|network| (*network).clone()).collect())
    }

    /// One network, with the running containers on it.
    ///
    /// # Errors
    /// No such network.
    pub fn inspect_network(&self, reference: &str, scope: Option<&str>) -> Result<NetworkInspect> {
        let mut network = (*self.inner.networks.find(reference)?).clone();
        if scope.is_some_and(|scope| scope != network.scope) {
            return Err(Error::not_found(format!("network {reference} not found")));
        }
        network.containers = self.inner.on_network(&network);
        Ok(network)
    }

    /// Makes a network.
    ///
    /// # Errors
    /// A name that is taken, or a driver, scope or range that cannot be.
    pub async fn create_network(&self, request: NetworkCreate) -> Result<NetworkCreated> {
        let networks = &self.inner.networks;
        let name = request.name.trim();
        if name.is_empty() {
            return Err(Error::invalid("invalid name: name is empty"));
        }
        if is_predefined(name) || name == "default" {
            return Err(Error::forbidden(format!("operation is not permitted on predefined {name} network ")));
        }
        if request.ingress {
            return Err(Error::forbidden("Ingress network can only be global scope network"));
        }
        if request.scope == "swarm" {
            return Err(Error::forbidden("cannot create a swarm scoped network when swarm is not active"));
        }
        let driver = match request.driver.as_str() {
            _ if request.config_only => "null",
            "" | "default" => "bridge",
            driver => driver,
        };
        match driver {
            "overlay" => {
                return Err(Error::forbidden(
                    "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this \
                     node to swarm and try again.",
                ));
            }
            "host" | "null" if !request.config_only => {
                return Err(Error::forbidden(format!("only one instance of {driver:?} network is allowed")));
            }
            _ if request.config_only || DRIVERS.contains(&driver) => {}
            _ => return Err(Error::not_found(format!("plugin {driver:?} not found"))),
        }
        let ipam = request.ipam.unwrap_or_default();
        if !matches!(ipam.driver.as_str(), "" | "default" | "null") {
            return Err(Error::not_found(format!("plugin {:?} not found", ipam.driver)));
        }
        let changing = networks.table.change(&*self.inner.store).await;
        if networks.table.all().iter().any(|network| network.name == name) {
            return Err(Error::conflict(format!("network with name {name} already exists")));
        }
        let config_from = request.config_from.unwrap_or_default();
        let source = Some(&config_from.network).filter(|name| !name.is_empty()).map(|name| networks.find(name));
        let source = source
            .transpose()
            .map_err(|_| Error::not_found(format!("configuration network {:?} does not exist", config_from.network)))?;
        if source.is_some_and(|source| !source.config_only) {
            return Err(Error::forbidden(format!("{} is not a configuration network", config_from.network)));
        }
        let config = if request.config_only { ipam.config } else { Some(networks.ranges(ipam.config)?) };
        let network = NetworkInspect {
            enable_ipv4: request.enable_ipv4.unwrap_or(true),
            enable_ipv6: request.enable_ipv6.unwrap_or(false),
            ipam: Ipam {
                driver: if ipam.driver.is_empty() { "default".to_owned() } else { ipam.driver },
                options: ipam.options,
                config,
            },
            internal: request.internal,
            attachable: request.attachable,
            config_from,
            config_only: request.config_only,
            options: Some(request.options.unwrap_or_default()),
            labels: Some(request.labels.unwrap_or_default()),
            ..blank(ids::object()?, name, driver)
        };
        let id = network.id.clone();
        let network = changing.put(&id, network).await?;
        self.inner.network_event(&network, "create", None);
        Ok(NetworkCreated { id, warning: String::new() })
    }

    /// Removes a network.
    ///
    /// # Errors
    /// It is predefined, or running containers are on it.
    pub async fn remove_network(&self, reference: &str) -> Result<()> {
        let changing = self.inner.networks.table.change(&*self.inner.store).await;
        let network = self.inner.networks.find(reference)?;
        if is_predefined(&network.name) {
            return Err(Error::forbidden(format!("{} is a pre-defined network and cannot be removed", network.name)));
        }
        let containers = self.inner.on_network(&network);
        if !containers.is_empty() {
            let list: Vec<_> = containers
                .values()
                .map(|container| format!("name:{:?} id:\"{:.12}\"", container.name, container.endpoint_id))
                .collect();
            return Err(Error::forbidden(format!(
                "error while removing network: network {} has active endpoints ({})",
                network.name,
                list.join(", ")
            )));
        }
        changing.delete(&network.id).await?;
        self.inner.network_event(&network, "destroy", None);
        Ok(())
    }

    /// Removes every network on which no container runs, but the predefined ones.
    ///
    /// # Errors
    /// An unknown filter.
    pub async fn prune_networks(&self, filters: &Filters) -> Result<NetworksPruned> {
        filters.accept(&["label", "label!", "until"])?;
        let until = filters.until()?;
        let changing = self.inner.networks.table.change(&*self.inner.store).await;
        let mut deleted = Vec::new();
        for network in self.inner.networks.table.all() {
            let labels = network.labels.clone().unwrap_or_default();
            let created: Option<Timestamp> = network.created.parse().ok();
            if is_predefined(&network.name)
                || network.config_only
                || until.zip(created).is_some_and(|(until, created)| created > until)
                || !filters.matches_labels("label", &labels)
                || filters.excludes_labels("label!", &labels)
                || !self.inner.on_network(&network).is_empty()
            {
                continue;
            }
            changing.delete(&network.id).await?;
            self.inner.network_event(&network, "destroy", None);
            deleted.push(network.name.clone());
        }
        self.inner.events.publish("network", "prune", "", [("reclaimed".to_owned(), "0".to_owned())].into());
        Ok(NetworksPruned { networks_deleted: Some(deleted).filter(|names| !names.is_empty()) })
    }
}
