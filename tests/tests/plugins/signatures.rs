//! Plugins from a registry that must be signed. Where there is no registry to start, it is skipped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use sockerless_tests::{Bare, Registry, built};

use super::docker::{listed, memory_file, refused};

/// A key, as `cosign generate-key-pair` makes one.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    /// Its public half as cosign writes it.
    fn pem(&self) -> String {
        // Algorithm and curve of the key, as every key of the curve P-256 begins.
        let mut der = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
        der.extend_from_slice(self.0.public_key().as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    fn sign(&self, payload: &str) -> (String, String) {
        let signature = self.0.sign(&SystemRandom::new(), payload.as_bytes()).unwrap();
        (payload.to_owned(), STANDARD.encode(signature.as_ref()))
    }
}

/// What `cosign sign` signs.
fn payload(repository: &str, manifest: &str) -> String {
    json!({
        "critical": {
            "identity": { "docker-reference": repository },
            "image": { "docker-manifest-digest": manifest },
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
}

#[test]
fn only_what_a_key_that_counts_has_signed_is_installed() {
    let mut bare = Bare::without_daemon(vec![], &[]);
    let Some(registry) = Registry::open(bare.folder()) else { return };
    let (ours, theirs) = (Key::new(), Key::new());
    let (key, config) = (bare.folder().join("cosign.pub"), bare.folder().join("sockerless.toml"));
    bare.daemon.set("SOCKERLESS_CONFIG", config.display().to_string());

    // Signatures that nobody can check here are no reason to go without.
    std::fs::write(&config, "[signatures]\nissuer = 'https://issuer.example'\n").unwrap();
    let error = bare.daemon.start().unwrap_err();
    assert!(error.contains("signatures without keys (identity, issuer) are not supported"), "{error}");
    std::fs::write(&config, format!("[signatures]\nkeys = ['{}']\n", key.display())).unwrap();
    let error = bare.daemon.start().unwrap_err();
    assert!(error.contains("cosign.pub cannot be read"), "{error}");
    let exempt = "[backend.guest.signatures]\nkeys = []\n";
    std::fs::write(&config, format!("[signatures]\nkeys = ['{}']\n{exempt}", key.display())).unwrap();
    std::fs::write(&key, ours.pem()).unwrap();
    bare.daemon.start().unwrap();

    let repository = format!("{}/team/memory", registry.host());
    let name = format!("{repository}:1");
    let digest = registry.push_component("team/memory", "1", &std::fs::read(memory_file()).unwrap());
    let right = payload(&repository, &digest);
    let install = ["plugin", "install", "--grant-all-permissions", "--disable", &name];
    let error = refused(&bare, &install);
    assert!(error.contains("it has no signature"), "{error}");
    let other_digest = payload(&repository, &format!("sha256:{}", "0".repeat(64)));
    let other_place = payload(&format!("{}/team/other", registry.host()), &digest);
    for (signature, reason) in [
        (theirs.sign(&right), "none of its signatures is by a key that counts"),
        ((right.clone(), ours.sign(&other_place).1), "none of its signatures is by a key that counts"),
        (ours.sign(&other_digest), "its signature is of something else"),
        (ours.sign(&other_place), "its signature is for another repository"),
        (ours.sign("{}"), "is not understood"),
    ] {
        registry.push_signatures("team/memory", &digest, &[signature]);
        let error = refused(&bare, &install);
        assert!(error.contains(reason), "{reason}: {error}");
        assert!(error.contains(&digest), "{error}");
    }
    assert_eq!(listed(&bare), "");

    // One of several is enough.
    registry.push_signatures("team/memory", &digest, &[theirs.sign(&right), ours.sign(&right)]);
    bare.docker.ok(&install);
    assert_eq!(listed(&bare), format!("{name} memory false"));
    // An upgrade is held against them too: another version, of which nobody has signed anything.
    registry.push_component("team/memory", "2", &[&std::fs::read(memory_file()).unwrap()[..], b"\0\x02\x01x"].concat());
    let next = format!("{repository}:2");
    let error = refused(&bare, &["plugin", "upgrade", "--grant-all-permissions", "--skip-remote-check", &name, &next]);
    assert!(error.contains("it has no signature"), "{error}");

    registry.push_component("guest", "1", &std::fs::read(built("SOCKERLESS_TEST_GUEST")).unwrap());
    let guest = format!("{}/guest:1", registry.host());
    bare.docker.ok(&["plugin", "install", "--grant-all-permissions", "--disable", &guest]);
}
