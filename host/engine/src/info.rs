//! Who this daemon is.

use jiff::Timestamp;
use sockerless_docker::{Component, PluginsInfo, Runtime, SwarmInfo, SystemInfo, SystemVersion, format_time};

use crate::engine::Engine;
use crate::record::Status;

impl Engine {
    /// What `docker info` shows: the default backend's machine, and who the backend is.
    #[must_use]
    pub fn info(&self) -> SystemInfo {
        let inner = &self.inner;
        let count = |wanted: &[Status]| {
            let count =
                inner.containers.all().iter().filter(|cell| wanted.contains(&cell.record().state.status)).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        let default = inner.backends.default_name();
        let loaded = default.as_deref().and_then(|name| inner.backends.get(name)).map(|backend| backend.loaded());
        let mut info = SystemInfo {
            id: inner.identity.id.clone(),
            name: inner.identity.name.clone(),
            server_version: inner.identity.version.clone(),
            containers: i64::try_from(inner.containers.all().len()).unwrap_or(i64::MAX),
            containers_running: count(&[Status::Running, Status::Restarting]),
            containers_paused: count(&[Status::Paused]),
            containers_stopped: count(&[Status::Created, Status::Exited, Status::Dead, Status::Removing]),
            images: i64::try_from(inner.images.count()).unwrap_or(i64::MAX),
            system_time: format_time(Timestamp::now()),
            docker_root_dir: inner.identity.state_dir.clone(),
            os_type: "linux".to_owned(),
            architecture: "x86_64".to_owned(),
            kernel_version: "unknown: the containers are not on this machine".to_owned(),
            logging_driver: "json-file".to_owned(),
            cgroup_driver: "none".to_owned(),
            cgroup_version: "2".to_owned(),
            ipv4_forwarding: true,
            index_server_address: "https://index.docker.io/v1/".to_owned(),
            plugins: PluginsInfo {
                volume: vec!["local".to_owned()],
                network: vec!["bridge".to_owned(), "host".to_owned(), "null".to_owned()],
                ..PluginsInfo::default()
            },
            swarm: SwarmInfo { local_node_state: "inactive".to_owned(), ..SwarmInfo::default() },
            default_runtime: default.clone().unwrap_or_default(),
            ..SystemInfo::default()
        };
        let mut warnings = Vec::new();
        for name in inner.backends.names() {
            let outage = inner.backends.get(&name).and_then(|backend| backend.out_of_service());
            warnings.extend(outage.map(|outage| format!("WARNING: {outage}")));
            info.runtimes.insert(name.clone(), Runtime { path: name, ..Runtime::default() });
        }
        match loaded {
            Some(loaded) => {
                let descriptor = &loaded.descriptor;
                info.driver.clone_from(&descriptor.driver);
                info.operating_system.clone_from(&descriptor.operating_system);
                info.ncpu = i64::from(descriptor.cpus);
                info.mem_total = i64::try_from(descriptor.memory).unwrap_or(i64::MAX);
                info.driver_status = vec![
                    ["Backend".to_owned(), descriptor.name.clone()],
                    ["Backend Version".to_owned(), descriptor.version.clone()],
                    ["Backend Digest".to_owned(), loaded.digest.clone()],
                    ["Backend Generation".to_owned(), loaded.generation.to_string()],
                ];
            }
            None => {
                warnings
                    .push("WARNING: no backend is loaded: containers can be neither created nor started".to_owned());
            }
        }
        info.warnings = Some(warnings).filter(|warnings| !warnings.is_empty());
        info
    }

    /// What `docker version` shows of the server.
    #[must_use]
    pub fn version(&self) -> SystemVersion {
        let inner = &self.inner;
        let details = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let mut components = vec![Component {
            name: "Engine".to_owned(),
            version: inner.identity.version.clone(),
            details: details(&[
                ("ApiVersion", sockerless_docker::API_VERSION),
                ("MinAPIVersion", sockerless_docker::MIN_API_VERSION),
                ("GitCommit", &inner.identity.commit),
                ("Os", "linux"),
                ("Arch", "amd64"),
                ("Experimental", "false"),
            ]),
        }];
        for name in inner.backends.names() {
            if let Some(backend) = inner.backends.get(&name) {
                let loaded = backend.loaded();
                components.push(Component {
                    name: format!("backend {name}"),
                    version: loaded.descriptor.version.clone(),
                    details: details(&[("Digest", &loaded.digest), ("Generation", &loaded.generation.to_string())]),
                });
            }
        }
        SystemVersion {
            components,
            version: inner.identity.version.clone(),
            api_version: sockerless_docker::API_VERSION.to_owned(),
            min_api_version: sockerless_docker::MIN_API_VERSION.to_owned(),
            git_commit: inner.identity.commit.clone(),
            os: "linux".to_owned(),
            arch: "amd64".to_owned(),
            build_time: format_time(inner.started),
            ..SystemVersion::default()
        }
    }
}
