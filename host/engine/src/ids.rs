//! Ids, keys and names that the engine draws.

use crate::error::{Error, Result};

/// A container's, network's or exec's id: 64 hexadecimal digits, 256 random bits.
pub(crate) fn object() -> Result<String> {
    random_hex::<32>()
}

/// The id of one run of a container.
pub(crate) fn run() -> Result<String> {
    random_hex::<16>()
}

/// Names one intention towards a backend.
pub(crate) fn idempotency_key() -> Result<String> {
    random_hex::<16>()
}

fn random_hex<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal(format!("the system gives no random numbers: {error}")))?;
    Ok(hex::encode(bytes))
}

const LEFT: [&str; 32] = [
    "agile", "amber", "brave", "bright", "calm", "clever", "cosmic", "crisp", "eager", "early", "fair", "fleet",
    "gentle", "golden", "happy", "humble", "keen", "kind", "lively", "lucid", "mellow", "merry", "nimble", "noble",
    "patient", "quiet", "rapid", "serene", "steady", "sunny", "vivid", "witty",
];

const RIGHT: [&str; 32] = [
    "bernoulli",
    "bohr",
    "borg",
    "cantor",
    "cerf",
    "codd",
    "cray",
    "dirac",
    "erdos",
    "euclid",
    "gauss",
    "germain",
    "hamilton",
    "hoare",
    "kepler",
    "knuth",
    "lamarr",
    "lamport",
    "liskov",
    "minsky",
    "moore",
    "naur",
    "perlman",
    "postel",
    "ramanujan",
    "ritchie",
    "shannon",
    "sinoussi",
    "stallman",
    "torvalds",
    "turing",
    "wirth",
];

/// A name for a container whose client named none, in the Engine's form. `attempt` past the first few adds a number, so that
/// a free one is found however many are taken.
pub(crate) fn container_name(attempt: u32) -> Result<String> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal(format!("the system gives no random numbers: {error}")))?;
    let [left, right, high, low] = bytes;
    let pair = format!("{}_{}", LEFT[usize::from(left) % LEFT.len()], RIGHT[usize::from(right) % RIGHT.len()]);
    Ok(if attempt < 3 { pair } else { format!("{pair}{}", u16::from_be_bytes([high, low])) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_dockers_form_and_differ() {
        let (one, other) = (object().unwrap(), object().unwrap());
        assert_eq!(one.len(), 64);
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
        assert_ne!(one, other);
    }

    #[test]
    fn later_attempts_at_a_name_are_numbered() {
        assert!(!container_name(0).unwrap().ends_with(|c: char| c.is_ascii_digit()));
        assert!(container_name(3).unwrap().ends_with(|c: char| c.is_ascii_digit()));
    }
}
