//! What a container's agent is told about the process it is to run.

use sockerless_agent_protocol::spec::ProcessSpec;

use crate::record::ContainerRecord;

/// The main process of a container, without its words: they stand in the start command.
pub(crate) fn process(record: &ContainerRecord) -> ProcessSpec {
    let config = &record.config;
    let [height, width] = record.host_config.console_size;
    ProcessSpec {
        argv: Vec::new(),
        tty: config.tty,
        open_stdin: config.open_stdin,
        env: config.env.clone().unwrap_or_default(),
        working_dir: config.working_dir.clone(),
        user: config.user.clone(),
        console_size: size(height, width),
        stop_signal: config.stop_signal.clone(),
        hostname: Some(config.hostname.clone()).filter(|name| !name.is_empty()),
        folders: mount_points(record),
        working_dir_exists: false,
    }
}

/// Where the client mounts what is not here: it finds empty folders there.
fn mount_points(record: &ContainerRecord) -> Vec<String> {
    let mounted = record.mount_points().map(|point| &point.destination);
    let mut folders: Vec<String> = mounted.chain(record.host_config.tmpfs.keys()).cloned().collect();
    folders.sort();
    folders.dedup();
    folders
}

/// A command beside the main process, that nobody types into.
pub(crate) fn probe(record: &ContainerRecord, argv: Vec<String>) -> ProcessSpec {
    ProcessSpec { argv, tty: false, open_stdin: false, console_size: None, folders: Vec::new(), ..process(record) }
}

/// Height and width of a terminal, if both are given and possible.
pub(crate) fn size(height: u32, width: u32) -> Option<[u16; 2]> {
    let size = [u16::try_from(height).ok()?, u16::try_from(width).ok()?];
    (size != [0, 0]).then_some(size)
}
