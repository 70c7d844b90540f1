//! A container in full.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sockerless_docker::{ContainerInspect, GraphDriver, NetworkSettings, State, ZERO_TIME, format_time};

use crate::engine::Engine;
use crate::error::Result;
use crate::record::{ContainerRecord, Status};

impl Engine {
    /// That there is such a container.
    ///
    /// # Errors
    /// There is none.
    pub fn container_exists(&self, reference: &str) -> Result<()> {
        self.inner.containers.find(reference).map(drop)
    }

    /// Everything that Docker shows of a container.
    ///
    /// # Errors
    /// No such container.
    pub fn inspect_container(&self, reference: &str, size: bool) -> Result<ContainerInspect> {
        let record = self.inner.containers.find(reference)?.record();
        let backend = self.inner.backends.get(&record.backend);
        let driver = backend
            .as_ref()
            .map_or_else(|| record.backend.clone(), |backend| backend.loaded().descriptor.driver.clone());
        let mut state = state(&record);
        if let Some(outage) = backend.as_ref().and_then(|backend| backend.out_of_service())
            && state.error.is_empty()
        {
            state.error = outage;
        }
        let execs = self.inner.execs.of_container(&record.id);
        Ok(ContainerInspect {
            id: record.id.clone(),
            created: format_time(record.created),
            path: record.command.first().cloned().unwrap_or_default(),
            args: record.command.iter().skip(1).cloned().collect(),
            state,
            image: record.image_id.clone(),
            name: format!("/{}", record.name),
            restart_count: i64::try_from(record.restart_count).unwrap_or(i64::MAX),
            driver: driver.clone(),
            platform: record.platform.clone(),
            exec_ids: Some(execs).filter(|ids| !ids.is_empty()),
            host_config: record.host_config.clone(),
            graph_driver: GraphDriver { data: Some(BTreeMap::new()), name: driver },
            size_rw: size.then_some(0),
            size_root_fs: size.then_some(0),
            mounts: record.mount_points().cloned().collect(),
            config: record.config.clone(),
            network_settings: network_settings(&record),
            ..ContainerInspect::default()
        })
    }
}

fn state(record: &ContainerRecord) -> State {
    let state = &record.state;
    let time = |time: Option<Timestamp>| time.map_or_else(|| ZERO_TIME.to_owned(), format_time);
    State {
        status: state.status.as_str().to_owned(),
        running: state.status.is_live(),
        paused: state.status == Status::Paused,
        restarting: state.status == Status::Restarting,
        oom_killed: false,
        dead: state.status == Status::Dead,
        pid: state.pid.into(),
        exit_code: state.exit.code.into(),
        error: state.exit.error.clone(),
        started_at: time(state.started_at),
        finished_at: time(state.finished_at),
        health: state.health.clone(),
    }
}

fn network_settings(record: &ContainerRecord) -> NetworkSettings {
    let mut settings = NetworkSettings { networks: record.shown_endpoints(), ..NetworkSettings::default() };
    // The old fields repeat what the default network says.
    if let Some(endpoint) = settings.networks.get("bridge").cloned() {
        settings.endpoint_id.clone_from(&endpoint.endpoint_id);
        settings.gateway.clone_from(&endpoint.gateway);
        settings.ip_address.clone_from(&endpoint.ip_address);
        settings.ip_prefix_len = endpoint.ip_prefix_len;
        settings.mac_address.clone_from(&endpoint.mac_address);
    }
    settings
}
