//! Which addresses a backend may reach.
//!
//! The check is made on the address that is connected to, not on the name: a name of the public DNS that points at
//! this machine, at its network or at the cloud's metadata service gets nowhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Services of clouds that hand out credentials to whoever can reach them. Never granted.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    // Credentials of containers and pods in Amazon's cloud.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Azure's platform: configuration and certificates of the virtual machine.
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    // Google's, and OpenStack's.
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// On the internet.
    Public,
    /// This machine, its network, or reserved.
    Private,
    /// A cloud's metadata service.
    Metadata,
}

pub(crate) fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_v4(address),
        IpAddr::V6(address) => embedded_v4(address).map_or_else(|| zone_v6(address), zone_v4),
    }
}

fn zone_v4(address: Ipv4Addr) -> Zone {
    if METADATA_V4.contains(&address) {
        return Zone::Metadata;
    }
    let [a, b, c, _] = address.octets();
    let reserved = a == 0
        || a >= 224 // multicast, reserved, broadcast
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT
        || (a == 192 && b == 0 && (c == 0 || c == 2)) // protocol assignments, documentation
        || (a == 192 && b == 88 && c == 99) // relays of 6to4
        || (a == 198 && (b == 18 || b == 19 || (b == 51 && c == 100))) // benchmarks, documentation
        || (a == 203 && b == 0 && c == 113); // documentation
    if reserved || address.is_loopback() || address.is_private() || address.is_link_local() {
        Zone::Private
    } else {
        Zone::Public
    }
}

fn zone_v6(address: Ipv6Addr) -> Zone {
    if METADATA_V6.contains(&address) {
        return Zone::Metadata;
    }
    let [first, second, ..] = address.segments();
    // Global unicast is 2000::/3; of that, 2001::/23 is for protocols (Teredo among them), 2001:db8::/32 and
    // 3fff::/20 for documentation.
    let global = first & 0xe000 == 0x2000;
    let special = (first == 0x2001 && (second < 0x0200 || second == 0x0db8)) || (first == 0x3fff && second < 0x1000);
    if global && !special { Zone::Public } else { Zone::Private }
}

/// The IPv4 address that packets to this one end at: mapped, compatible, NAT64, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None, // unspecified and loopback are IPv6's own
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_zones_apart() {
        let cases = [
            ("8.8.8.8", Zone::Public),
            ("20.50.2.1", Zone::Public),
            ("127.0.0.1", Zone::Private),
            ("127.255.0.1", Zone::Private),
            ("10.1.2.3", Zone::Private),
            ("172.16.0.1", Zone::Private),
            ("172.32.0.1", Zone::Public),
            ("192.168.1.1", Zone::Private),
            ("169.254.0.1", Zone::Private),
            ("100.64.0.1", Zone::Private),
            ("0.0.0.0", Zone::Private),
            ("255.255.255.255", Zone::Private),
            ("224.0.0.1", Zone::Private),
            ("198.18.0.1", Zone::Private),
            ("169.254.169.254", Zone::Metadata),
            ("168.63.129.16", Zone::Metadata),
            ("2606:4700::1111", Zone::Public),
            ("::", Zone::Private),
            ("::1", Zone::Private),
            ("fe80::1", Zone::Private),
            ("fc00::1", Zone::Private),
            ("fd12:3456::1", Zone::Private),
            ("ff02::1", Zone::Private),
            ("2001:db8::1", Zone::Private),
            ("2001:0:53aa:64c::1", Zone::Private),
            ("fd00:ec2::254", Zone::Metadata),
            ("fd20:ce::254", Zone::Metadata),
            ("fe80::a9fe:a9fe", Zone::Metadata),
            ("169.254.170.2", Zone::Metadata),
            ("::ffff:168.63.129.16", Zone::Metadata),
            ("::ffff:127.0.0.1", Zone::Private),
            ("::ffff:8.8.8.8", Zone::Public),
            ("::ffff:169.254.169.254", Zone::Metadata),
            ("::127.0.0.1", Zone::Private),
            ("64:ff9b::10.0.0.1", Zone::Private),
            ("64:ff9b::169.254.169.254", Zone::Metadata),
            ("2002:7f00:1::", Zone::Private),
            ("2002:a9fe:a9fe::", Zone::Metadata),
            ("64:ff9b:1::1", Zone::Private),
        ];
        for (text, expected) in cases {
            assert_eq!(zone(text.parse().unwrap()), expected, "{text}");
        }
    }
}
