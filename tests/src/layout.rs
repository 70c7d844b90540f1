//! Images as files, for the emulator's folder of images.

use std::fs;
use std::path::Path;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// A tar of these files, each of which may be executed.
#[must_use]
pub fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Writes an OCI layout of these layers (tars), with this `config`, under a name.
pub fn write_layout(folder: &Path, name: &str, layers: &[Vec<u8>], config: &Value) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |content: &[u8]| {
        let hex = hex::encode(digest(&SHA256, content));
        fs::write(blobs.join(&hex), content).unwrap();
        json!({ "digest": format!("sha256:{hex}"), "size": content.len() })
    };
    let layers: Vec<Value> = layers.iter().map(|layer| put(layer)).collect();
    let config = put(json!({ "config": config }).to_string().as_bytes());
    let manifest = put(json!({ "schemaVersion": 2, "config": config, "layers": layers }).to_string().as_bytes());
    let mut named = manifest;
    named["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    fs::write(folder.join("index.json"), json!({ "schemaVersion": 2, "manifests": [named] }).to_string()).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}
