//! Putting existing containers on networks, and taking them off.

use sockerless_docker::{EndpointSettings, NetworkConnect, NetworkDisconnect};

use crate::cell::Command;
use crate::engine::Engine;
use crate::error::{Error, Result};

impl Engine {
    /// Puts a container on a network.
    ///
    /// # Errors
    /// No such container or network; it is on it already; its network mode does not allow it.
    pub async fn connect_network(&self, reference: &str, request: NetworkConnect) -> Result<()> {
        if request.container.is_empty() {
            return Err(Error::invalid("invalid name or ID supplied: \"\""));
        }
        let cell = self.inner.containers.find(&request.container)?;
        let network = self.inner.networks.find(reference)?;
        let record = cell.record();
        let mode = &record.host_config.network_mode;
        if network.name == "host" {
            return Err(Error::invalid(
                "cannot connect container to host network - container must be created in host network mode",
            ));
        }
        if mode.starts_with("container:") || mode == "host" {
            return Err(Error::invalid(
                "container sharing network namespace with another container or host cannot be connected to any other network",
            ));
        }
        if network.name == "none" || mode == "none" {
            return Err(Error::invalid(
                "container cannot be connected to multiple networks with one of the networks in private (none) mode",
            ));
        }
        let exists = {
            let (container, name) = (record.name.clone(), network.name.clone());
            move || Error::forbidden(format!("endpoint with name {container} already exists in network {name}"))
        };
        // One that does not run gets other settings.
        let on = record.endpoints.values().find(|endpoint| endpoint.network_id == network.id);
        if on.is_some() && record.state.status.is_live() {
            return Err(exists());
        }
        if let Some(endpoint) = on {
            self.inner.networks.release_one(endpoint);
        }
        let endpoint = self
            .inner
            .networks
            .endpoint(&network, request.endpoint_config.unwrap_or_default())
            .inspect_err(|_| self.inner.networks.adopt(&record.endpoints))?;
        let (name, added) = (network.name.clone(), endpoint.clone());
        let connected = cell
            .ask(|reply| Command::Edit {
                edit: Box::new(move |record| {
                    let on = record.endpoints.values().any(|endpoint| endpoint.network_id == added.network_id);
                    if on && record.state.status.is_live() {
                        return Err(exists());
                    }
                    record.endpoints.retain(|_, endpoint| endpoint.network_id != added.network_id);
                    record.endpoints.insert(name, added);
                    Ok(())
                }),
                reply,
            })
            .await;
        if connected.is_err() {
            self.inner.networks.release_one(&endpoint);
            // Nothing has changed: what the container had it still has, unless it is gone.
            if self.inner.containers.get(&cell.id).is_some() {
                self.inner.networks.adopt(&cell.record().endpoints);
            }
            return connected;
        }
        if cell.record().state.status.is_live() {
            self.inner.network_event(&network, "connect", Some(&cell.id));
        }
        Ok(())
    }

    /// Takes a container off a network.
    ///
    /// # Errors
    /// No such container or network; it is not on it.
    pub async fn disconnect_network(&self, reference: &str, request: NetworkDisconnect) -> Result<()> {
        let cell = self.inner.containers.find(&request.container)?;
        let network = self.inner.networks.find(reference)?;
        let (id, name, network_id) = (cell.id.clone(), network.name.clone(), network.id.clone());
        let removed = std::sync::Arc::new(std::sync::Mutex::new(None::<EndpointSettings>));
        let slot = removed.clone();
        cell.ask(|reply| Command::Edit {
            edit: Box::new(move |record| {
                let key = record
                    .endpoints
                    .iter()
                    .find(|(_, endpoint)| endpoint.network_id == network_id)
                    .map(|(key, _)| key.clone());
                let endpoint = key.and_then(|key| record.endpoints.remove(&key));
                if endpoint.is_none() {
                    // The Engine has two ways of saying it.
                    let article = if record.state.status.is_live() { "" } else { "the " };
                    return Err(Error::internal(format!("container {id} is not connected to {article}network {name}")));
                }
                *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = endpoint;
                Ok(())
            }),
            reply,
        })
        .await?;
        if let Some(endpoint) = removed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            self.inner.networks.release_one(&endpoint);
        }
        self.inner.network_event(&network, "disconnect", Some(&cell.id));
        Ok(())
    }
}
