//! What a container mounts: read from its create body, with the volumes that it needs.
//!
//! Only the books are kept. What is at a mount point is the backend's affair, and its plan has said so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sockerless_docker::{Config, HostConfig, Labels, Mount, MountPoint, VolumeCreate};

use crate::engine::Inner;
use crate::error::{Error, Result};
use crate::record::ContainerRecord;
use crate::volumes::Held;

/// A mount point, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mounted {
    /// As inspect shows it.
    pub(crate) point: MountPoint,
    /// Nobody named the volume: it goes with its container if a client wants that.
    pub(crate) anonymous: bool,
}

/// A mount point that a create body asks for, before its volume exists.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    point: MountPoint,
    labels: Option<Labels>,
    options: Option<BTreeMap<String, String>>,
}

impl Inner {
    /// All mount points of a container that is to be made. Volumes that do not exist yet are made, as the Engine does.
    /// They are held until `held` is dropped, so that nobody removes them before their container is there.
    pub(crate) async fn mounts(&self, config: &Config, host: &HostConfig, held: &Held<'_>) -> Result<Vec<Mounted>> {
        let mut mounted = self.inherited(host)?;
        let wanted = wanted(config, host, &mounted)?;
        mounted.retain(|inherited| wanted.iter().all(|own| own.point.destination != inherited.point.destination));
        for mut wanted in wanted {
            let anonymous = wanted.point.r#type == "volume" && wanted.point.name.is_empty();
            if wanted.point.r#type == "volume" {
                let request = VolumeCreate {
                    name: wanted.point.name.clone(),
                    driver: wanted.point.driver.clone(),
                    driver_opts: wanted.options,
                    labels: wanted.labels,
                    ..VolumeCreate::default()
                };
                match self.make_volume(request, Some(held)).await {
                    Ok(volume) => {
                        wanted.point.name = volume.name;
                        wanted.point.source = volume.mountpoint;
                        wanted.point.driver = volume.driver;
                    }
                    Err(error) => {
                        self.discard_anonymous(&mounted).await;
                        return Err(error);
                    }
                }
            }
            mounted.push(Mounted { point: wanted.point, anonymous });
        }
        Ok(mounted)
    }

    /// Those of `--volumes-from`.
    fn inherited(&self, host: &HostConfig) -> Result<Vec<Mounted>> {
        let mut mounted: Vec<Mounted> = Vec::new();
        for from in host.volumes_from.iter().flatten() {
            let (reference, mode) = from.split_once(':').unwrap_or((from, ""));
            if !is_mode(mode) {
                return Err(Error::invalid(format!("invalid mode: {mode}")));
            }
            let cell = self.containers.find(reference).map_err(|error| Error::invalid(error.message))?;
            for one in &cell.record().mounts {
                let mut one = one.clone();
                one.anonymous = false;
                one.point.rw &= is_writable(mode);
                mounted.retain(|other| other.point.destination != one.point.destination);
                mounted.push(one);
            }
        }
        Ok(mounted)
    }

    /// Removes the volumes that nobody named, unless another container has them too.
    pub(crate) async fn discard_anonymous(&self, mounted: &[Mounted]) {
        for one in mounted.iter().filter(|one| one.anonymous) {
            if !self.users_of_volume(&one.point.name).is_empty() {
                continue;
            }
            if let Err(error) = self.delete_volume(&one.point.name).await {
                tracing::warn!(volume = %one.point.name, %error, "an anonymous volume could not be removed");
            }
        }
    }

    /// Tells that a container has its volumes, or does not have them any more.
    pub(crate) fn volume_events(&self, record: &ContainerRecord, action: &str) {
        for point in record.mount_points().filter(|point| point.r#type == "volume") {
            let mut attributes = BTreeMap::from([
                ("container".to_owned(), record.id.clone()),
                ("driver".to_owned(), point.driver.clone()),
            ]);
            if action == "mount" {
                attributes.insert("destination".to_owned(), point.destination.clone());
                attributes.insert("propagation".to_owned(), point.propagation.clone());
                attributes.insert("read/write".to_owned(), point.rw.to_string());
            }
            self.events.publish("volume", action, &point.name, attributes);
        }
    }
}

/// Whether what a body names can be mounted.
///
/// # Errors
/// The first mount that cannot be.
pub(crate) fn check(config: &Config, host: &HostConfig) -> Result<()> {
    wanted(config, host, &[]).map(drop)
}

/// The mount points that a body names, in the Engine's order: binds, mounts, then paths that only are to be volumes.
fn wanted(config: &Config, host: &HostConfig, inherited: &[Mounted]) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    let mut taken = BTreeSet::new();
    let binds = host.binds.iter().flatten().map(|bind| of_bind(bind, &host.volume_driver));
    for one in binds.chain(host.mounts.iter().map(of_mount)) {
        let one = one?;
        if !taken.insert(one.point.destination.clone()) {
            return Err(Error::invalid(format!("Duplicate mount point: {}", one.point.destination)));
        }
        wanted.push(one);
    }
    for path in host.tmpfs.keys() {
        absolute(path).map_err(Error::invalid)?;
        taken.insert(path.clone());
    }
    taken.extend(inherited.iter().map(|one| one.point.destination.clone()));
    // The Engine takes any path here. One that is no path cannot be mounted, and is left out.
    for path in config.volumes.iter().flatten().map(|(path, _)| path).filter(|path| path.starts_with('/')) {
        if taken.insert(path.clone()) {
            wanted.push(Wanted { point: volume("", path, &host.volume_driver, "", true), labels: None, options: None });
        }
    }
    Ok(wanted)
}

fn volume(name: &str, destination: &str, driver: &str, mode: &str, rw: bool) -> MountPoint {
    MountPoint {
        r#type: "volume".to_owned(),
        name: name.to_owned(),
        destination: destination.to_owned(),
        driver: driver.to_owned(),
        mode: mode.to_owned(),
        rw,
        ..MountPoint::default()
    }
}

/// `[source:]destination[:mode]`.
fn of_bind(bind: &str, driver: &str) -> Result<Wanted> {
    let malformed = || Error::internal(format!("invalid volume specification: '{bind}'"));
    let parts: Vec<&str> = bind.split(':').collect();
    let (source, destination, mode) = match parts[..] {
        [destination] => ("", destination, ""),
        [source, destination] if !(source.is_empty() || (source.starts_with('/') && is_mode(destination))) => {
            (source, destination, "")
        }
        [source, destination, mode] if !source.is_empty() => (source, destination, mode),
        _ => return Err(malformed()),
    };
    if !is_mode(mode) {
        return Err(Error::internal(format!("invalid mode: {mode}")));
    }
    let kind = if source.starts_with('/') { "bind" } else { "volume" };
    target(destination).map_err(|error| {
        Error::internal(format!(
            "invalid volume specification: '{bind}': invalid mount config for type \"{kind}\": {error}"
        ))
    })?;
    let rw = is_writable(mode);
    let point = if kind == "bind" {
        MountPoint {
            r#type: kind.to_owned(),
            source: source.to_owned(),
            destination: destination.to_owned(),
            mode: mode.to_owned(),
            rw,
            propagation: "rprivate".to_owned(),
            ..MountPoint::default()
        }
    } else {
        // The Engine's own way of saying that a volume is shared.
        volume(source, destination, driver, if mode.is_empty() { "z" } else { mode }, rw)
    };
    Ok(Wanted { point, labels: None, options: None })
}

fn of_mount(mount: &Mount) -> Result<Wanted> {
    let kind = mount.r#type.as_str();
    let invalid = |error: String| Error::invalid(format!("invalid mount config for type \"{kind}\": {error}"));
    if !matches!(kind, "bind" | "volume" | "tmpfs" | "image") {
        return Err(invalid("mount type unknown".to_owned()));
    }
    if mount.target.is_empty() {
        return Err(invalid("field Target must not be empty".to_owned()));
    }
    target(&mount.target).map_err(invalid)?;
    for (given, of, name) in [
        (mount.bind_options.is_some(), "bind", "BindOptions"),
        (mount.volume_options.is_some(), "volume", "VolumeOptions"),
        (mount.tmpfs_options.is_some(), "tmpfs", "TmpfsOptions"),
        (mount.image_options.is_some(), "image", "ImageOptions"),
    ] {
        if given && of != kind {
            return Err(Error::invalid(format!("{name} must not be specified on mount type \"{kind}\"")));
        }
    }
    let point = MountPoint {
        r#type: kind.to_owned(),
        destination: mount.target.clone(),
        rw: !mount.read_only,
        ..MountPoint::default()
    };
    let plain = |point| Ok(Wanted { point, labels: None, options: None });
    match kind {
        "bind" if mount.source.is_empty() => Err(invalid("field Source must not be empty".to_owned())),
        "bind" => {
            absolute(&mount.source).map_err(invalid)?;
            let propagation = mount.bind_options.as_ref().map(|options| options.propagation.clone());
            let propagation = propagation.filter(|set| !set.is_empty()).unwrap_or_else(|| "rprivate".to_owned());
            plain(MountPoint { source: mount.source.clone(), propagation, ..point })
        }
        "tmpfs" if !mount.source.is_empty() => Err(invalid("field Source must not be specified".to_owned())),
        "volume" => {
            let options = mount.volume_options.clone().unwrap_or_default();
            let driver = options.driver_config.clone().unwrap_or_default();
            Ok(Wanted {
                point: volume(&mount.source, &mount.target, &driver.name, "z", !mount.read_only),
                labels: Some(options.labels).filter(|labels| !labels.is_empty()),
                options: Some(driver.options).filter(|options| !options.is_empty()),
            })
        }
        "image" if mount.source.is_empty() => Err(invalid("field Source must not be empty".to_owned())),
        "image" => plain(MountPoint { source: mount.source.clone(), ..point }),
        _ => plain(point),
    }
}

fn absolute(path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        Ok(())
    } else {
        Err(format!("invalid mount path: '{path}' mount path must be absolute"))
    }
}

fn target(path: &str) -> Result<(), String> {
    absolute(path)?;
    if path.trim_matches('/').is_empty() {
        return Err("invalid specification: destination can't be '/'".to_owned());
    }
    Ok(())
}

/// Whether this is what may stand behind a bind's second colon.
fn is_mode(mode: &str) -> bool {
    const WORDS: [&str; 15] = [
        "rw",
        "ro",
        "z",
        "Z",
        "nocopy",
        "shared",
        "slave",
        "private",
        "rshared",
        "rslave",
        "rprivate",
        "consistent",
        "cached",
        "delegated",
        "",
    ];
    mode.split(',').all(|word| WORDS.contains(&word))
}

fn is_writable(mode: &str) -> bool {
    !mode.split(',').any(|word| word == "ro")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: serde_json::Value) -> Result<Vec<String>> {
        let host: HostConfig = serde_json::from_value(host).unwrap();
        let config: Config =
            serde_json::from_value(serde_json::json!({ "Volumes": { "/anonymous": {}, "rel": {} } })).unwrap();
        let wanted = wanted(&config, &host, &[])?;
        let shown = |one: Wanted| {
            let MountPoint { r#type, name, source, destination, mode, rw, .. } = one.point;
            format!("{type} {name}{source} {destination} {mode} {rw}", type = r#type)
        };
        Ok(wanted.into_iter().map(shown).collect())
    }

    #[test]
    fn every_way_to_name_a_mount() {
        let host = serde_json::json!({
            "Binds": ["box:/data", "box2:/data2:ro", "/src:/bind", "/src:/bind2:ro,z", "/only"],
            "Mounts": [
                { "Type": "volume", "Source": "mv", "Target": "/mv", "ReadOnly": true },
                { "Type": "volume", "Target": "/mva" },
                { "Type": "tmpfs", "Target": "/tm" },
                { "Type": "bind", "Source": "/src", "Target": "/mb" },
            ],
        });
        let wanted = [
            "volume box /data z true",
            "volume box2 /data2 ro false",
            "bind /src /bind  true",
            "bind /src /bind2 ro,z false",
            "volume  /only z true",
            "volume mv /mv z false",
            "volume  /mva z true",
            "tmpfs  /tm  true",
            "bind /src /mb  true",
            "volume  /anonymous  true",
        ];
        assert_eq!(of(host).unwrap(), wanted);
    }

    /// The texts are the Engine's own.
    #[test]
    fn what_cannot_be_mounted() {
        for (bind, text) in [
            (
                "x",
                "invalid volume specification: 'x': invalid mount config for type \"volume\": invalid mount path: 'x' mount path must be absolute",
            ),
            (
                "a:b",
                "invalid volume specification: 'a:b': invalid mount config for type \"volume\": invalid mount path: 'b' mount path must be absolute",
            ),
            (
                "/a:b",
                "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute",
            ),
            ("a:/b:bogus", "invalid mode: bogus"),
            ("a:/b:ro:x", "invalid volume specification: 'a:/b:ro:x'"),
            (
                "a:/",
                "invalid volume specification: 'a:/': invalid mount config for type \"volume\": invalid specification: destination can't be '/'",
            ),
            (":/b", "invalid volume specification: ':/b'"),
            ("/b:ro", "invalid volume specification: '/b:ro'"),
            (
                "",
                "invalid volume specification: '': invalid mount config for type \"volume\": invalid mount path: '' mount path must be absolute",
            ),
        ] {
            assert_eq!(of(serde_json::json!({ "Binds": [bind] })).unwrap_err().message, text, "{bind}");
        }
        for (mount, text) in [
            (
                serde_json::json!({ "Type": "x", "Target": "/x" }),
                "invalid mount config for type \"x\": mount type unknown",
            ),
            (
                serde_json::json!({ "Type": "volume" }),
                "invalid mount config for type \"volume\": field Target must not be empty",
            ),
            (
                serde_json::json!({ "Type": "bind", "Target": "/x" }),
                "invalid mount config for type \"bind\": field Source must not be empty",
            ),
            (
                serde_json::json!({ "Type": "tmpfs", "Source": "a", "Target": "/x" }),
                "invalid mount config for type \"tmpfs\": field Source must not be specified",
            ),
            (
                serde_json::json!({ "Type": "volume", "Source": "a", "Target": "/x", "BindOptions": {} }),
                "BindOptions must not be specified on mount type \"volume\"",
            ),
        ] {
            let error = of(serde_json::json!({ "Mounts": [mount] })).unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (crate::ErrorKind::InvalidParameter, text));
        }
        let twice = of(serde_json::json!({ "Binds": ["aa:/x", "bb:/x"] })).unwrap_err();
        assert_eq!(twice.message, "Duplicate mount point: /x");
    }
}
