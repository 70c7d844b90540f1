//! A thousand containers: lists, filters and events stay right, over a restart too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's failure is a panic")]

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bollard::Docker;
use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::StreamExt;
use sockerless_tests::many::{LAZY_APPS, bollard_client, create_many, name_of, remove_many};
use sockerless_tests::{World, WorldOptions};
use tokio::sync::watch;

const COUNT: usize = 1_000;

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a listener has heard: actions, with names.
type Heard = watch::Receiver<Vec<(String, String)>>;

/// Listens to all events, from before this returns on.
async fn listen(docker: &Docker) -> Heard {
    let (into, mut heard) = watch::channel(Vec::new());
    let mut events = docker.events(Some(EventsOptionsBuilder::default().build())).boxed();
    tokio::spawn(async move {
        while let Some(Ok(event)) = events.next().await {
            let name = event.actor.and_then(|actor| actor.attributes).and_then(|mut all| all.remove("name"));
            into.send_modify(|heard| heard.push((event.action.unwrap_or_default(), name.unwrap_or_default())));
        }
    });
    // The stream has begun when it tells of something.
    loop {
        docker.create_volume(VolumeCreateRequest::default()).await.unwrap();
        if let Ok(told) = tokio::time::timeout(Duration::from_millis(50), heard.changed()).await {
            told.unwrap();
            return heard;
        }
    }
}

async fn names(docker: &Docker, filters: &[(&str, &str)]) -> Vec<String> {
    let filters: HashMap<&str, Vec<&str>> = filters.iter().map(|(name, value)| (*name, vec![*value])).collect();
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let all = docker.list_containers(Some(options)).await.unwrap();
    all.into_iter().map(|one| one.names.unwrap().remove(0).trim_start_matches('/').to_owned()).collect()
}

fn heard_of(heard: &[(String, String)], action: &str) -> BTreeSet<String> {
    let all: Vec<&String> =
        heard.iter().filter(|(is, name)| is == action && name.starts_with("many-")).map(|(_, name)| name).collect();
    let set: BTreeSet<String> = all.iter().map(|name| (*name).clone()).collect();
    assert_eq!(set.len(), all.len(), "a container is told of once");
    set
}

async fn until_heard(heard: &mut Heard, action: &str, wanted: &BTreeSet<String>) {
    let told = tokio::time::timeout(PATIENCE, heard.wait_for(|heard| heard_of(heard, action) == *wanted)).await;
    told.unwrap_or_else(|_| panic!("not all are told of: {action}")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_containers_are_listed_filtered_and_told_of() {
    let options = WorldOptions { emulator: LAZY_APPS.to_owned(), ..WorldOptions::default() };
    let mut world = World::with(options);
    world.pull();
    let docker = bollard_client(&world).await.unwrap();
    let mut heard = listen(&docker).await;
    create_many(&docker, 0..COUNT).await.unwrap();

    let all: BTreeSet<String> = (0..COUNT).map(name_of).collect();
    until_heard(&mut heard, "create", &all).await;
    let listed = names(&docker, &[]).await;
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), all);
    assert_eq!(names(&docker, &[("label", "digit=7")]).await.len(), COUNT / 10);
    assert_eq!(names(&docker, &[("name", "many-09")]).await.len(), 100);
    assert_eq!(names(&docker, &[("status", "running")]).await, Vec::<String>::new());
    let (newer, older) = listed.split_at(COUNT / 3);
    assert_eq!(names(&docker, &[("since", &older[0])]).await, newer);
    assert_eq!(names(&docker, &[("before", &older[0])]).await, older[1..]);
    let newest = ListContainersOptionsBuilder::default().limit(7).build();
    assert_eq!(docker.list_containers(Some(newest)).await.unwrap().len(), 7);
    assert_eq!(world.azure.apps().len(), COUNT);

    world.daemon.kill();
    world.daemon.start().unwrap();
    assert_eq!(names(&docker, &[]).await, listed);

    let mut heard = listen(&docker).await;
    remove_many(&docker, 0..COUNT).await.unwrap();
    until_heard(&mut heard, "destroy", &all).await;
    assert_eq!(names(&docker, &[]).await, Vec::<String>::new());
    assert_eq!(world.azure.apps().len(), 0);
}
