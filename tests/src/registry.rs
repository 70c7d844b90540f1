//! A registry of images, Docker's own, with what a test puts into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::{Reply, ask};
use crate::optional;
use crate::program::Program;

/// `secret`, by bcrypt, for `user`.
const PASSWORDS: &str = "user:$2y$04$sIblMIfZFJK62C3/dqvfOugY1QnTVDC6pfc.MBP/ZiABOCnupAdSC\n";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// A registry on a free port of this machine.
#[derive(Debug)]
pub struct Registry {
    host: String,
    authorization: Option<String>,
    /// Where it has its blobs.
    data: PathBuf,
    program: Program,
}

/// What was put into a registry.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The digest of the manifest.
    pub digest: String,
    /// The size of the manifest in bytes.
    pub size: usize,
    /// The digest of the configuration: the image's id.
    pub id: String,
}

/// What is uploaded.
struct Blob {
    digest: String,
    size: usize,
}

impl Blob {
    fn descriptor(&self, media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": self.digest, "size": self.size })
    }
}

impl Registry {
    /// One that is open to everybody; nothing where there is no registry to start.
    #[must_use]
    pub fn open(folder: &Path) -> Option<Self> {
        Self::start(folder, false)
    }

    /// One that lets in `user` with the password `secret`, and nobody else.
    #[must_use]
    pub fn closed(folder: &Path) -> Option<Self> {
        Self::start(folder, true)
    }

    fn start(folder: &Path, closed: bool) -> Option<Self> {
        let program = optional("SOCKERLESS_TEST_REGISTRY")?;
        let folder = folder.join("registry");
        std::fs::create_dir_all(&folder).unwrap();
        let passwords = folder.join("passwords");
        std::fs::write(&passwords, PASSWORDS).unwrap();
        let mut config = json!({
            "version": "0.1",
            "log": { "level": "info" },
            "storage": { "filesystem": { "rootdirectory": folder.join("data") } },
            "http": { "addr": "127.0.0.1:0" },
        });
        if closed {
            config["auth"] = json!({ "htpasswd": { "realm": "test", "path": passwords } });
        }
        // YAML is a superset of JSON.
        let file = folder.join("config.yml");
        std::fs::write(&file, config.to_string()).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(&file);
        let listening = |log: &str| {
            let (_, after) = log.split_once("listening on ")?;
            Some(after.split(['"', ' ']).next()?.to_owned()).filter(|_| after.contains('"'))
        };
        let log = folder.join("registry.log");
        let (program, host) =
            Program::start_until(&mut command, &log, listening).unwrap_or_else(|error| panic!("{error}"));
        let authorization = closed.then(|| format!("Basic {}", STANDARD.encode("user:secret")));
        Some(Self { host, authorization, data: folder.join("data"), program })
    }

    /// Address and port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Puts an image with one layer into it. `config`: what its containers get.
    pub fn push(&self, repository: &str, tag: &str, architecture: &str, config: &Value) -> Pushed {
        let layer = self.upload(repository, b"a layer that nobody pulls");
        self.push_with(repository, tag, architecture, config, &[layer])
    }

    /// Puts an image with these layers into it, whose containers get nothing of their own.
    pub fn push_layers(&self, repository: &str, tag: &str, layers: &[&[u8]]) -> Pushed {
        let layers: Vec<_> = layers.iter().map(|layer| self.upload(repository, layer)).collect();
        self.push_with(repository, tag, "amd64", &json!({}), &layers)
    }

    fn push_with(&self, repository: &str, tag: &str, architecture: &str, config: &Value, layers: &[Blob]) -> Pushed {
        let image = json!({
            "architecture": architecture,
            "os": "linux",
            "created": "2024-05-06T07:08:09.123456789Z",
            "author": "somebody",
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": [digest(b"uncompressed")] },
            "history": [
                { "created": "2024-05-06T07:08:08Z", "created_by": "ADD file", "comment": "the first step" },
                { "created": "2024-05-06T07:08:09.123456789Z", "created_by": "CMD [\"x\"]", "empty_layer": true },
            ],
        });
        let image = image.to_string().into_bytes();
        let configuration = self.upload(repository, &image);
        let layers = layers.iter().map(|layer| layer.descriptor("application/vnd.oci.image.layer.v1.tar+gzip"));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": configuration.descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": layers.collect::<Vec<_>>(),
        });
        let manifest = manifest.to_string().into_bytes();
        self.put_manifest(repository, tag, MANIFEST, &manifest);
        Pushed { digest: digest(&manifest), size: manifest.len(), id: digest(&image) }
    }

    /// Puts a WebAssembly component into it. Answers the digest of its manifest.
    pub fn push_component(&self, repository: &str, tag: &str, component: &[u8]) -> String {
        const TYPE: &str = "application/vnd.wasm.config.v0+json";
        let config = self.upload(repository, br#"{"architecture":"wasm","os":"wasip2"}"#);
        let layer = self.upload(repository, component);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(TYPE),
            "layers": [layer.descriptor("application/wasm")],
        });
        let manifest = manifest.to_string().into_bytes();
        self.put_manifest(repository, tag, MANIFEST, &manifest);
        digest(&manifest)
    }

    /// Puts signatures of a manifest beside it, as cosign does, in place of those that are there: each the text that is signed, and the
    /// signature in base64.
    pub fn push_signatures(&self, repository: &str, manifest: &str, signatures: &[(String, String)]) {
        let config = self.upload(repository, b"{}");
        let layer = |(payload, signature): &(String, String)| {
            let blob = self.upload(repository, payload.as_bytes());
            let mut layer = blob.descriptor("application/vnd.dev.cosign.simplesigning.v1+json");
            layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signature });
            layer
        };
        let list = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": signatures.iter().map(layer).collect::<Vec<_>>(),
        });
        let tag = format!("{}.sig", manifest.replace(':', "-"));
        self.put_manifest(repository, &tag, MANIFEST, list.to_string().as_bytes());
    }

    /// Puts a list of images of the same repository into it, each with its platform. Answers the list's digest.
    pub fn push_list(&self, repository: &str, tag: &str, images: &[(&Pushed, Value)]) -> String {
        let entry = |(image, platform): &(&Pushed, Value)| json!({ "mediaType": MANIFEST, "digest": image.digest, "size": image.size, "platform": platform });
        let entries: Vec<Value> = images.iter().map(entry).collect();
        let list = json!({ "schemaVersion": 2, "mediaType": LIST, "manifests": entries }).to_string().into_bytes();
        self.put_manifest(repository, tag, LIST, &list);
        digest(&list)
    }

    fn put_manifest(&self, repository: &str, tag: &str, content_type: &str, manifest: &[u8]) {
        let line = format!("PUT /v2/{repository}/manifests/{tag}");
        let reply = self.ask(&line, content_type, manifest);
        assert_eq!(reply.status, 201, "{line}: {}", reply.text());
    }

    fn upload(&self, repository: &str, bytes: &[u8]) -> Blob {
        let digest = digest(bytes);
        let reply = self.ask(&format!("POST /v2/{repository}/blobs/uploads/"), "application/octet-stream", b"");
        assert_eq!(reply.status, 202, "{}", reply.text());
        let location = &reply.headers["location"];
        let target = location.split_once(&self.host).map_or(location.as_str(), |(_, target)| target);
        let reply = self.ask(&format!("PUT {target}&digest={digest}"), "application/octet-stream", bytes);
        assert_eq!(reply.status, 201, "{}", reply.text());
        Blob { digest, size: bytes.len() }
    }

    /// Has it give out something else instead of a blob of these bytes, of the same length.
    pub fn damage(&self, blob: &[u8]) {
        let digest = digest(blob);
        let hex = digest.split_once(':').unwrap().1;
        let file = self.data.join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data");
        assert_eq!(std::fs::read(&file).unwrap(), blob);
        std::fs::write(&file, vec![b'x'; blob.len()]).unwrap();
    }

    /// How often it was asked for something whose path begins with this, as its log has it.
    #[must_use]
    pub fn gets(&self, path: &str) -> usize {
        let uri = format!("http.request.uri=\"{path}");
        let is_end = |line: &&str| line.contains("response completed") && line.contains("http.request.method=GET");
        self.program.log().lines().filter(is_end).filter(|line| line.contains(&uri)).count()
    }

    fn ask(&self, line: &str, content_type: &str, body: &[u8]) -> Reply {
        let authorization = self.authorization.iter().map(|value| ("Authorization", value.as_str()));
        let headers: Vec<_> = [("Content-Type", content_type)].into_iter().chain(authorization).collect();
        ask(&self.host, &self.host, line, &headers, body)
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes)))
}
