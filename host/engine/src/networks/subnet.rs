//! Ranges of IPv4 addresses, for the networks that the daemon keeps books of.

use std::net::Ipv4Addr;
use std::str::FromStr;

/// `172.18.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet {
    first: u32,
    prefix: u8,
}

impl FromStr for Subnet {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = text.split_once('/').ok_or(())?;
        let address: Ipv4Addr = address.parse().map_err(|_| ())?;
        match prefix.parse() {
            Ok(prefix @ 1..=30) => Ok(Self::new(address, prefix)),
            _ => Err(()),
        }
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", Ipv4Addr::from_bits(self.first), self.prefix)
    }
}

impl Subnet {
    const fn mask(prefix: u8) -> u32 {
        u32::MAX << (32 - prefix)
    }

    /// The subnet of this length (1 to 30) that the address is in.
    pub(crate) const fn new(address: Ipv4Addr, prefix: u8) -> Self {
        Self { first: address.to_bits() & Self::mask(prefix), prefix }
    }

    pub(crate) const fn prefix(self) -> u8 {
        self.prefix
    }

    const fn last(self) -> u32 {
        self.first | !Self::mask(self.prefix)
    }

    pub(crate) const fn contains(self, address: Ipv4Addr) -> bool {
        self.first <= address.to_bits() && address.to_bits() <= self.last()
    }

    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }

    /// The addresses that machines may have: neither the first nor the last one.
    pub(crate) fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first + 1..self.last()).map(Ipv4Addr::from_bits)
    }

    /// What networks get that name no subnet, in the order of the Engine's own pools.
    pub(crate) fn pools() -> impl Iterator<Item = Self> {
        let wide = (17..=31).map(|second| Self::new(Ipv4Addr::new(172, second, 0, 0), 16));
        let narrow = (0..=240).step_by(16).map(|third| Self::new(Ipv4Addr::new(192, 168, third, 0), 20));
        wide.chain(narrow)
    }
}

#[cfg(test)]
mod tests {
    use super::Subnet;

    #[test]
    fn read_and_printed() {
        let subnet: Subnet = "10.99.3.4/16".parse().unwrap();
        assert_eq!(subnet.to_string(), "10.99.0.0/16");
        assert_eq!(subnet.hosts().next().unwrap().to_string(), "10.99.0.1");
        assert_eq!("10.0.0.0/30".parse::<Subnet>().unwrap().hosts().count(), 2);
        for text in ["", "x", "10.0.0.0", "10.0.0.0/0", "10.0.0.0/33", "10.0.0/8", "fd00::/64"] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }

    #[test]
    fn overlaps() {
        let subnet = |text: &str| text.parse::<Subnet>().unwrap();
        assert!(subnet("10.0.0.0/8").overlaps(subnet("10.99.0.0/16")));
        assert!(!subnet("10.0.0.0/16").overlaps(subnet("10.1.0.0/16")));
        assert!(subnet("10.0.0.0/16").contains("10.0.255.255".parse().unwrap()));
    }

    #[test]
    fn pools_do_not_overlap() {
        let pools: Vec<_> = Subnet::pools().collect();
        for (index, one) in pools.iter().enumerate() {
            assert!(pools[index + 1..].iter().all(|other| !one.overlaps(*other)), "{one}");
        }
    }
}
