//! `archive`.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sockerless_backend::HttpError;
use sockerless_backend::sessions::Extraction;
use sockerless_backend::types::{Container, Response};

use crate::bench::{Bench, without_handle};
use crate::verdict::{ASKS_NOBODY, Outcome, Verdict, finding, not_checked};
use crate::world::Trouble;

const PATH: &str = "/etc/hosts";
const FOLDER: &str = "/tmp";

pub(super) async fn gets(bench: &Bench) -> Outcome {
    let container = with_archive(bench).await?;
    let stat = match bench.archive_stat(&container, PATH).await? {
        Ok(stat) => stat,
        Err(error) => return not_checked(format!("archive.stat answered: {error}")),
    };
    let (again, archive) = match bench.archive_get(&container, PATH).await? {
        Ok(content) => content,
        Err(error) => return not_checked(format!("archive.get answered: {error}")),
    };
    if stat != again {
        return finding(format!("stat and get of the same path answered two things:\n{stat:?}\n{again:?}"));
    }
    if stat.name != "hosts" {
        return finding(format!("the name of what is at {PATH} is {:?}", stat.name));
    }
    if let Err(error) = archive.try_collect::<Vec<Bytes>>().await {
        return not_checked(format!("the archive broke off: {error}"));
    }
    match bench.world.changes().first() {
        Some(change) => finding(change),
        None => Ok(()),
    }
}

pub(super) async fn puts(bench: &Bench) -> Outcome {
    let container = with_archive(bench).await?;
    let upload = match bench.archive_put(&container, FOLDER, Extraction::default()).await? {
        Ok(upload) => upload,
        Err(error) => return not_checked(format!("archive.put answered: {error}")),
    };
    let body = stream::once(async { Ok(Bytes::from_static(&[0; 1024])) });
    let answer = upload.send(body.boxed()).await;
    match (&answer, bench.archive_extracted(&container, FOLDER, answer.clone()).await?) {
        (Ok(Response { status: 200..=299, .. }), Err(error)) => {
            finding(format!("the cloud has taken the archive, and extracted answered: {error}"))
        }
        (Ok(Response { status: 200..=299, .. }), Ok(())) => Ok(()),
        (_, Ok(())) => finding("extracted is content with an answer that is no success"),
        (_, Err(error)) => not_checked(format!("the cloud does not take the archive: {error}")),
    }
}

/// What was not extracted must not be said to be.
pub(super) async fn believes_no_failure(bench: &Bench) -> Outcome {
    let container = with_archive(bench).await?;
    let status = |status| Ok(Response { status, headers: vec![], body: b"<html>".to_vec() });
    let failed = |error: fn(String) -> HttpError| Err(error("the connection broke".to_owned()));
    let answers = [
        status(400),
        status(403),
        status(404),
        status(500),
        failed(HttpError::Interrupted),
        failed(HttpError::Timeout),
    ];
    for answer in answers {
        if bench.archive_extracted(&container, FOLDER, answer.clone()).await?.is_ok() {
            return finding(format!("extracted is content with the answer {answer:?}"));
        }
    }
    Ok(())
}

pub(super) async fn in_trouble(bench: &Bench) -> Outcome {
    for trouble in Trouble::ALL {
        let container = with_archive(bench).await?;
        bench.world.trouble(Some(trouble));
        let found = bench.archive_stat(&container, PATH).await?.is_ok();
        let got = bench.archive_get(&container, PATH).await?.is_ok();
        if !bench.world.was_asked() {
            return not_checked(ASKS_NOBODY);
        }
        if found || got {
            let export = if found { "stat" } else { "get" };
            return finding(format!("archive.{export} found something when the cloud {}", trouble.words()));
        }
        bench.world.trouble(None);
        drop(bench.remove(&container, true).await?);
    }
    Ok(())
}

pub(super) async fn any_order(bench: &Bench) -> Outcome {
    let container = with_archive(bench).await?;
    let never_made = without_handle(&container);
    drop(bench.remove(&container, true).await?);
    for container in [&never_made, &container] {
        for path in ["", "/", "no/such", "../..", "\u{0}", "/with space?&#"] {
            drop(bench.archive_stat(container, path).await?);
            drop(bench.archive_get(container, path).await?);
            drop(bench.archive_put(container, path, Extraction::default()).await?);
        }
        drop(bench.archive_file_system(container).await?);
    }
    Ok(())
}

/// A container that runs, of a backend that moves files.
async fn with_archive(bench: &Bench) -> Result<Container, Verdict> {
    if !bench.loaded.interfaces.archive {
        return not_checked("it exports no archive");
    }
    let (container, _) = bench.running().await?;
    bench.world.look_away();
    Ok(container)
}
