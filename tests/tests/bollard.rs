//! What people do with bollard, the client for Rust.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's failure is a panic")]

use std::collections::HashMap;
use std::io::Read;
use std::time::SystemTime;

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::exec::StartExecResults;
use bollard::models::{ContainerCreateBody, ExecConfig, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters as query;
use bollard::{API_DEFAULT_VERSION, Docker, body_full};
use futures_util::{Stream, TryStreamExt};
use sockerless_tests::World;
use tokio::io::AsyncWriteExt;

/// Long enough for a busy machine: it ends a test that hangs, and measures nothing.
const PATIENCE_SECONDS: u64 = 120;

/// Both streams, to their end.
async fn collected<E: std::fmt::Debug>(
    mut output: impl Stream<Item = Result<LogOutput, E>> + Unpin,
) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(part) = output.try_next().await.unwrap() {
        match part {
            LogOutput::StdOut { message } => stdout.extend_from_slice(&message),
            LogOutput::StdErr { message } => stderr.extend_from_slice(&message),
            other => panic!("neither standard output nor error: {other:?}"),
        }
    }
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn words(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

fn named(name: &str) -> Option<query::CreateContainerOptions> {
    Some(query::CreateContainerOptionsBuilder::default().name(name).build())
}

fn now() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("{}.{:09}", now.as_secs(), now.subsec_nanos())
}

#[tokio::test]
async fn bollard_for_rust() {
    let world = World::start();
    let docker =
        Docker::connect_with_unix(world.daemon.socket().to_str().unwrap(), PATIENCE_SECONDS, API_DEFAULT_VERSION)
            .unwrap()
            .negotiate_version()
            .await
            .unwrap();
    assert_eq!(docker.info().await.unwrap().driver.as_deref(), Some("azure-functions"));
    let begin = now();

    let pull = query::CreateImageOptionsBuilder::default().from_image("alpine").tag("latest").build();
    let progress: Vec<_> = docker.create_image(Some(pull), None, None).try_collect().await.unwrap();
    let last = progress.last().and_then(|line| line.status.clone()).unwrap_or_default();
    assert!(last.starts_with("Status: "), "{last}");
    assert_eq!(docker.inspect_image("alpine").await.unwrap().repo_tags.unwrap(), ["alpine:latest"]);

    reads(&docker).await;
    stays(&docker).await;
    kept(&docker).await;

    let filters = HashMap::from([("type", vec!["container"]), ("container", vec!["reads"])]);
    let options = query::EventsOptionsBuilder::default().since(&begin).until(&now()).filters(&filters).build();
    let events: Vec<_> = docker.events(Some(options)).try_collect().await.unwrap();
    let actions: Vec<_> = events.iter().filter_map(|event| event.action.as_deref()).collect();
    assert_eq!(actions, ["create", "attach", "start", "die", "destroy"]);
    tokio::task::spawn_blocking(move || assert!(world.azure.apps().is_empty())).await.unwrap();
}

/// A command with its input, attached before it starts, and waited for before that.
async fn reads(docker: &Docker) {
    let body = ContainerCreateBody {
        image: Some("alpine".to_owned()),
        cmd: words(&["sh", "-c", "cat; echo done >&2; exit 3"]),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    };
    let id = docker.create_container(named("reads"), body).await.unwrap().id;
    let options =
        query::AttachContainerOptionsBuilder::default().stream(true).stdin(true).stdout(true).stderr(true).build();
    let AttachContainerResults { output, mut input } = docker.attach_container(&id, Some(options)).await.unwrap();
    let options = query::WaitContainerOptionsBuilder::default().condition("next-exit").build();
    let waiter = docker.clone();
    let waited = id.clone();
    let waiting = tokio::spawn(async move { waiter.wait_container(&waited, Some(options)).try_next().await });
    docker.start_container(&id, None).await.unwrap();
    input.write_all(b"typed\n").await.unwrap();
    input.shutdown().await.unwrap();
    assert_eq!(collected(output).await, ("typed\n".to_owned(), "done\n".to_owned()));
    // This client makes an error of every code but zero.
    match waiting.await.unwrap() {
        Err(bollard::errors::Error::DockerContainerWaitError { code, .. }) => assert_eq!(code, 3),
        other => panic!("the exit code is 3, and not {other:?}"),
    }
    docker.remove_container(&id, None).await.unwrap();
}

/// A container that goes on: list, exec, logs, files, rename, kill.
async fn stays(docker: &Docker) {
    let body = ContainerCreateBody {
        image: Some("alpine".to_owned()),
        cmd: words(&["sh", "-c", "echo begun; tail -f /dev/null"]),
        env: words(&["A=b c"]),
        labels: Some(HashMap::from([("x".to_owned(), "y z".to_owned())])),
        ..Default::default()
    };
    let id = docker.create_container(named("stays"), body).await.unwrap().id;
    docker.start_container(&id, None).await.unwrap();
    let filters = HashMap::from([("label", vec!["x=y z"])]);
    let options = query::ListContainersOptionsBuilder::default().filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await.unwrap();
    assert_eq!(listed.iter().filter_map(|one| one.id.as_deref()).collect::<Vec<_>>(), [&id]);

    let config = ExecConfig {
        cmd: words(&["sh", "-c", "echo $A; echo oops >&2; exit 4"]),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    };
    let exec = docker.create_exec(&id, config).await.unwrap().id;
    let StartExecResults::Attached { output, .. } = docker.start_exec(&exec, None).await.unwrap() else {
        panic!("an exec that is attached")
    };
    assert_eq!(collected(output).await, ("b c\n".to_owned(), "oops\n".to_owned()));
    assert_eq!(docker.inspect_exec(&exec).await.unwrap().exit_code, Some(4));

    let options = query::LogsOptionsBuilder::default().stdout(true).follow(true).build();
    let first = docker.logs(&id, Some(options)).try_next().await.unwrap();
    assert_eq!(first.map(|line| line.to_string()).as_deref(), Some("begun\n"));

    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    header.set_mode(0o640);
    archive.append_data(&mut header, "note.txt", &b"bytes"[..]).unwrap();
    let options = query::UploadToContainerOptionsBuilder::default().path("/tmp").build();
    let body = body_full(archive.into_inner().unwrap().into());
    docker.upload_to_container(&id, Some(options), body).await.unwrap();
    let options = query::DownloadFromContainerOptionsBuilder::default().path("/tmp/note.txt").build();
    let parts: Vec<_> = docker.download_from_container(&id, Some(options)).try_collect().await.unwrap();
    let parts = parts.concat();
    let mut archive = tar::Archive::new(&parts[..]);
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), entry.header().mode().unwrap() & 0o777), ("bytes", 0o640));

    let options = query::RenameContainerOptionsBuilder::default().name("renamed").build();
    docker.rename_container(&id, options).await.unwrap();
    let options = query::KillContainerOptionsBuilder::default().signal("KILL").build();
    docker.kill_container("renamed", Some(options)).await.unwrap();
    let state = docker.inspect_container("renamed", None).await.unwrap().state.unwrap();
    assert_eq!(state.exit_code, Some(137));
    docker.remove_container("renamed", None).await.unwrap();
}

/// Networks and volumes, which are kept if nothing more.
async fn kept(docker: &Docker) {
    let lane = NetworkCreateRequest { name: "lane".to_owned(), ..Default::default() };
    let id = docker.create_network(lane).await.unwrap().id;
    assert_eq!(docker.inspect_network("lane", None).await.unwrap().id, Some(id));
    docker.remove_network("lane").await.unwrap();
    let gone = docker.inspect_network("lane", None).await.unwrap_err();
    assert!(matches!(gone, bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }), "{gone:?}");
    let volume = VolumeCreateRequest { name: Some("box".to_owned()), ..Default::default() };
    assert_eq!(docker.create_volume(volume).await.unwrap().driver, "local");
    docker.remove_volume("box", None::<query::RemoveVolumeOptions>).await.unwrap();
}
