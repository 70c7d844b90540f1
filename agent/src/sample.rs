//! What the container uses now: from its cgroup where it is to be seen, else from `/proc`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use sockerless_agent_protocol::sample::{Network, Sample};

use crate::process::of_agent;

/// Takes one reading. Blocks for as long as the kernel takes.
pub(crate) fn take() -> Sample {
    let ticks = ticks_per_second();
    let mut sample = Sample {
        time: Timestamp::now().to_string(),
        cpu_machine: read("/proc/stat").lines().next().map(|line| machine_time(line, ticks)).unwrap_or_default(),
        cpus: std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1)),
        memory_limit: memory_of_machine(&read("/proc/meminfo")),
        networks: networks(&read("/proc/net/dev")),
        ..Sample::default()
    };
    if !from_cgroup(&mut sample, Path::new("/sys/fs/cgroup")) {
        from_processes(&mut sample, ticks);
    }
    sample
}

fn read(path: impl AsRef<Path>) -> String {
    // Each may be missing or forbidden; then there is nothing to tell.
    std::fs::read_to_string(path).unwrap_or_default()
}

fn ticks_per_second() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .filter(|ticks| *ticks > 0)
        .unwrap_or(100)
}

fn nanoseconds(ticks: u64, per_second: u64) -> u64 {
    ticks.saturating_mul(1_000_000_000 / per_second)
}

/// All the time of all processors: the first line of `/proc/stat`.
fn machine_time(line: &str, per_second: u64) -> u64 {
    // Guest time is in user time already.
    let ticks = line.split_whitespace().skip(1).take(8).filter_map(|field| field.parse::<u64>().ok()).sum();
    nanoseconds(ticks, per_second)
}

fn memory_of_machine(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// The cgroup of a container is the root of what it sees, and unlike the machine's root has a limit of memory.
fn from_cgroup(sample: &mut Sample, root: &Path) -> bool {
    let number = |file: &str| read(root.join(file)).trim().parse::<u64>().ok();
    let Some(memory) = number("memory.current") else { return false };
    sample.memory = memory;
    if let Some(limit) = number("memory.max") {
        sample.memory_limit = limit;
    }
    sample.memory_parts = pairs(&read(root.join("memory.stat")));
    let cpu = pairs(&read(root.join("cpu.stat")));
    let micro = |name: &str| cpu.get(name).copied().unwrap_or_default().saturating_mul(1000);
    (sample.cpu_total, sample.cpu_user, sample.cpu_kernel) =
        (micro("usage_usec"), micro("user_usec"), micro("system_usec"));
    sample.pids = number("pids.current").unwrap_or_default();
    sample.pids_limit = number("pids.max");
    for line in read(root.join("io.stat")).lines() {
        for (name, value) in line.split(' ').filter_map(|pair| pair.split_once('=')) {
            let value: u64 = value.parse().unwrap_or_default();
            match name {
                "rbytes" => sample.block_read += value,
                "wbytes" => sample.block_written += value,
                _ => {}
            }
        }
    }
    true
}

fn pairs(text: &str) -> BTreeMap<String, u64> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

fn from_processes(sample: &mut Sample, per_second: u64) {
    let page = 4096;
    for pid in of_agent() {
        let stat = read(format!("/proc/{pid}/stat"));
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        // Counted from the state, which is the third field of the file.
        let field = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        // With the time of children that have been waited for.
        sample.cpu_user += nanoseconds(field(11) + field(13), per_second);
        sample.cpu_kernel += nanoseconds(field(12) + field(14), per_second);
        sample.pids += field(17);
        sample.memory += field(21) * page;
    }
    sample.cpu_total = sample.cpu_user + sample.cpu_kernel;
}

fn networks(dev: &str) -> BTreeMap<String, Network> {
    let interface = |line: &str| {
        let (name, counters) = line.split_once(':')?;
        let counters: Vec<u64> = counters.split_whitespace().filter_map(|counter| counter.parse().ok()).collect();
        let [rx_bytes, rx_packets, rx_errors, rx_dropped, _, _, _, _, tx_bytes, tx_packets, tx_errors, tx_dropped, ..] =
            counters[..]
        else {
            return None;
        };
        let network =
            Network { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped };
        Some((name.trim().to_owned(), network)).filter(|(name, _)| name != "lo")
    };
    dev.lines().filter_map(interface).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(machine_time("cpu  1 2 3 4 5 6 7 8 9 10", 100), 36 * 10_000_000);
        assert_eq!(memory_of_machine("MemTotal:       2048 kB\nMemFree: 1 kB\n"), 2 << 20);
        let dev = "Inter-| Receive\n face |bytes\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 10 2 0 1 0 0 0 0 20 4 0 3 0 0 0 0\n";
        let networks = networks(dev);
        assert_eq!(networks.len(), 1);
        assert_eq!((networks["eth0"].rx_bytes, networks["eth0"].tx_dropped), (10, 3));
    }

    #[test]
    fn a_cgroup_is_one_when_it_counts_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut sample = Sample::default();
        assert!(!from_cgroup(&mut sample, folder.path()));
        for (file, text) in [
            ("memory.current", "1000\n"),
            ("memory.max", "max\n"),
            ("memory.stat", "anon 5\nfile 7\n"),
            ("cpu.stat", "usage_usec 3\nuser_usec 2\nsystem_usec 1\n"),
            ("io.stat", "8:0 rbytes=10 wbytes=20 rios=1\n8:1 rbytes=1 wbytes=2\n"),
        ] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        assert!(from_cgroup(&mut sample, folder.path()));
        assert_eq!((sample.memory, sample.memory_parts["file"], sample.cpu_total), (1000, 7, 3000));
        assert_eq!((sample.block_read, sample.block_written), (11, 22));
    }
}
