//! Digests: whether bytes are those that were asked for.

/// The SHA-256 of bytes, as registries write it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes)))
}

/// Whether these bytes have this digest, which may be a SHA-256 or a SHA-512. Of another kind nothing is known, so it is not
/// theirs.
pub(crate) fn matches(bytes: &[u8], digest: &str) -> bool {
    let (algorithm, hex) = match digest.split_once(':') {
        Some(("sha256", hex)) => (&ring::digest::SHA256, hex),
        Some(("sha512", hex)) => (&ring::digest::SHA512, hex),
        _ => return false,
    };
    hex::encode(ring::digest::digest(algorithm, bytes)) == hex
}

#[cfg(test)]
mod tests {
    use sockerless_docker::is_digest;

    use super::{matches, sha256};

    #[test]
    fn of_these_bytes_and_no_others() {
        let digest = sha256(b"abc");
        assert_eq!(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_digest(&digest) && matches(b"abc", &digest) && !matches(b"abd", &digest));
        let sha512 = format!("sha512:{}", hex::encode(ring::digest::digest(&ring::digest::SHA512, b"abc")));
        assert!(is_digest(&sha512) && matches(b"abc", &sha512) && !matches(b"", &sha512));
        assert!(
            !is_digest("md5:900150983cd24fb0d6963f7d28e17f72")
                && !matches(b"abc", "md5:900150983cd24fb0d6963f7d28e17f72")
        );
        assert!(!is_digest("sha256:../../../etc") && !is_digest("sha256"));
    }
}
