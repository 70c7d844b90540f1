//! Many containers at once, for a test and a benchmark.

use std::collections::HashMap;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::World;

/// The emulator's configuration: containers are apps, and no process runs for one before it is started. The limits on rates are those of
/// nobody in particular: a thousand apps at once are more than a subscription is allowed.
pub const LAZY_APPS: &str = r#"
[platform]
start = "first-request"
always_on_interval_ms = 0
[arm.throttle]
reads = { capacity = 100000, refill_per_second = 1000.0 }
writes = { capacity = 100000, refill_per_second = 1000.0 }
deletes = { capacity = 100000, refill_per_second = 1000.0 }
"#;

/// Long enough for a busy machine: it ends a test that hangs, and measures nothing.
const PATIENCE_SECONDS: u64 = 300;

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// A client of bollard for a world's daemon.
///
/// # Errors
/// When the daemon does not answer.
pub async fn bollard_client(world: &World) -> Result<Docker, bollard::errors::Error> {
    let socket = world.daemon.socket().to_string_lossy();
    Docker::connect_with_unix(&socket, PATIENCE_SECONDS, API_DEFAULT_VERSION)?.negotiate_version().await
}

/// The name of one of them.
#[must_use]
pub fn name_of(number: usize) -> String {
    format!("many-{number:04}")
}

/// Creates those with these numbers. Each has the last digit of its number as its label `digit`.
///
/// # Errors
/// The first one of the daemon's.
pub async fn create_many(docker: &Docker, numbers: std::ops::Range<usize>) -> Result<(), bollard::errors::Error> {
    let one = |number: usize| async move {
        let options = CreateContainerOptionsBuilder::default().name(&name_of(number)).build();
        let body = ContainerCreateBody {
            image: Some("alpine".to_owned()),
            cmd: Some(vec!["true".to_owned()]),
            labels: Some(HashMap::from([("digit".to_owned(), (number % 10).to_string())])),
            ..Default::default()
        };
        docker.create_container(Some(options), body).await.map(drop)
    };
    stream::iter(numbers).map(one).buffer_unordered(AT_ONCE).try_collect().await
}

/// Removes those with these numbers.
///
/// # Errors
/// The first one of the daemon's.
pub async fn remove_many(docker: &Docker, numbers: std::ops::Range<usize>) -> Result<(), bollard::errors::Error> {
    let one = |number: usize| async move {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        docker.remove_container(&name_of(number), Some(options)).await
    };
    stream::iter(numbers).map(one).buffer_unordered(AT_ONCE).try_collect().await
}
