//! Ports for the containers. They share the machine's network, so no two may have the same.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Below the range from which Linux takes the ports of outgoing connections: a port that is free now
/// is not taken by one of those before the container listens.
const RANGE: Range<u16> = 18_000..32_000;

/// The ports that are given out.
#[derive(Debug, Clone, Default)]
pub(super) struct Ports(Arc<Mutex<HashSet<u16>>>);

/// A port, given back when dropped.
#[derive(Debug)]
pub(super) struct PortLease {
    port: u16,
    ports: Ports,
}

impl Ports {
    /// A port on which nothing listens.
    pub(super) fn take(&self) -> io::Result<PortLease> {
        for _ in 0..1_000 {
            let port = RANGE.start + random() % (RANGE.end - RANGE.start);
            let mut taken = lock(&self.0);
            if !taken.contains(&port) && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
                taken.insert(port);
                return Ok(PortLease { port, ports: self.clone() });
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port for a container was found"))
    }
}

impl PortLease {
    pub(super) fn get(&self) -> u16 {
        self.port
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        lock(&self.ports.0).remove(&self.port);
    }
}

fn random() -> u16 {
    getrandom::u32().unwrap_or_else(|_| std::process::id()).to_le_bytes()[..2]
        .iter()
        .fold(0, |port, byte| port << 8 | u16::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_out_twice() {
        let ports = Ports::default();
        let leases: Vec<_> = (0..50).map(|_| ports.take().unwrap()).collect();
        let distinct: HashSet<_> = leases.iter().map(PortLease::get).collect();
        assert_eq!(distinct.len(), 50);
        drop(leases);
        assert!(lock(&ports.0).is_empty());
    }
}
