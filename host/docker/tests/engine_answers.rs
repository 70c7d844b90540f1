//! The types against answers of a real Docker Engine 28.5 (API 1.51): what is read is written back byte for byte, so no
//! field is missing, out of order, or of another form when it is empty. Changed in the answers: paths of the machine,
//! what the runtimes say of themselves, and in `usage.json` lists that are `null` there and `[]` everywhere else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde::Serialize;
use serde::de::DeserializeOwned;
use sockerless_docker::{
    ContainerInspect, ContainerSummary, CreateRequest, DiskUsage, EventMessage, ExecInspect, FilesystemChange,
    ImageHistory, ImageInspect, ImageSummary, NetworkInspect, SystemInfo, SystemVersion, VolumeList,
};

#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned>(answer: &str) {
    let value: T = serde_json::from_str(answer).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), answer.trim_end());
}

macro_rules! answers {
    ($($name:ident: $type:ty = $file:literal;)*) => {
        $(#[test]
        fn $name() {
            round_trip::<$type>(include_str!(concat!("fixtures/", $file)));
        })*
    };
}

answers! {
    changes: Vec<FilesystemChange> = "changes.json";
    container: ContainerInspect = "container.json";
    containers: Vec<ContainerSummary> = "containers.json";
    event: EventMessage = "event.json";
    exec: ExecInspect = "exec.json";
    history: Vec<ImageHistory> = "history.json";
    image: ImageInspect = "image.json";
    images: Vec<ImageSummary> = "images.json";
    info: SystemInfo = "info.json";
    network: NetworkInspect = "network.json";
    usage: DiskUsage = "usage.json";
    version: SystemVersion = "version.json";
    volumes: VolumeList = "volumes.json";
}

/// What a client asked for, the Engine gave back: the same must come of the request with our defaults.
#[test]
fn a_request_with_defaults_is_what_inspect_shows() {
    let request: CreateRequest = sockerless_docker::decode(include_bytes!("fixtures/create.json")).unwrap();
    let shown: ContainerInspect = serde_json::from_str(include_str!("fixtures/container.json")).unwrap();
    let mut host = request.host_config;
    host.apply_defaults("runc");
    // These two depend on the version of the kernel's control groups.
    "host".clone_into(&mut host.cgroupns_mode);
    host.oom_kill_disable = Some(false);
    assert_eq!(host, shown.host_config);
    let mut config = request.config;
    // The Engine adds what the image says, and repeats the address of the endpoint.
    config.env.get_or_insert_default().push("PATH=/bin".to_owned());
    "02:42:ac:11:00:05".clone_into(&mut config.mac_address);
    assert_eq!(config, shown.config);
}

#[test]
fn nulls_unknown_fields_and_single_words_are_taken() {
    let request: CreateRequest = sockerless_docker::decode(
        br#"{"Image":"a","Cmd":"one","Entrypoint":["x",null],"Env":null,"Labels":null,"Tty":null,"Unknown":{"a":[1]},
            "HostConfig":{"Binds":null,"PortBindings":null,"RestartPolicy":null,"Memory":null,"Unknown":1},
            "NetworkingConfig":{"EndpointsConfig":{"bridge":null}}}"#,
    )
    .unwrap();
    assert_eq!(request.config.cmd.unwrap(), ["one"]);
    assert_eq!(request.config.entrypoint.unwrap(), ["x", ""]);
    assert_eq!(request.networking_config.endpoints_config["bridge"], None);
    let request: CreateRequest = sockerless_docker::decode(br#"{"HostConfig":null,"NetworkingConfig":null}"#).unwrap();
    assert_eq!(request, CreateRequest::default());
}

#[test]
fn malformed_bodies() {
    for (body, text) in [
        (r#"{"Image""#, "invalid JSON: unexpected EOF"),
        (r#"{"Image":"a"} x"#, "unexpected content after JSON"),
        (r#"{"Image":"a"}{}"#, "unexpected content after JSON"),
        ("[]", "invalid JSON: "),
        (r#"{"Tty":"x"}"#, "invalid JSON: "),
        (r#"{"HostConfig":{"Memory":"5"}}"#, "invalid JSON: "),
    ] {
        let error = sockerless_docker::decode::<CreateRequest>(body.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(text), "{body}: {error}");
    }
}
