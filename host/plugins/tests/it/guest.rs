//! The guest, built once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use bytes::Bytes;

fn build(features: &str) -> Vec<u8> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest/Cargo.toml");
    // `cargo xtask test` has built it already, for the end-to-end tests.
    let folder =
        std::env::var_os("SOCKERLESS_TEST_GUESTS").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    let target = folder.join(format!("guest-{features}"));
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--target", "wasm32-wasip2", "--features", features, "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        // Flags that are meant for this machine.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the guest is not built:\n{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(target.join("wasm32-wasip2/release/test_guest.wasm")).expect("the guest is there")
}

/// The guest with `logs`.
pub(crate) fn guest() -> Bytes {
    static GUEST: OnceLock<Bytes> = OnceLock::new();
    GUEST.get_or_init(|| build("logs").into()).clone()
}

/// The guest without `logs`.
pub(crate) fn guest_without_logs() -> Bytes {
    static GUEST: OnceLock<Bytes> = OnceLock::new();
    GUEST.get_or_init(|| build("").into()).clone()
}

/// The guest with settings for its `describe`: `version=2`, `name=other`, `mode=trap`.
pub(crate) fn guest_with(settings: &str) -> Bytes {
    const MARKER: &[u8] = b"SOCKERLESS-TEST:";
    let mut bytes = guest().to_vec();
    let at = bytes.windows(MARKER.len()).position(|window| window == MARKER).expect("the marker is there");
    let settings = format!("{settings};");
    bytes[at + MARKER.len()..][..settings.len()].copy_from_slice(settings.as_bytes());
    bytes.into()
}
