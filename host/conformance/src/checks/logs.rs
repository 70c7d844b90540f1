//! `logs.read`.

use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use sockerless_backend::types::{Container, LogPage, LogQuery};

use crate::bench::{Bench, without_handle};
use crate::verdict::{Outcome, Verdict, finding, not_checked};

/// A container that has hardly run has no log of more pages.
const MOST_PAGES: usize = 1_000;

pub(super) async fn pages_end(bench: &Bench) -> Outcome {
    let container = with_logs(bench).await?;
    pages(bench, &container).await.map(drop)
}

pub(super) async fn lines(bench: &Bench) -> Outcome {
    let container = with_logs(bench).await?;
    for entry in pages(bench, &container).await?.iter().flat_map(|page| &page.entries) {
        let line = String::from_utf8_lossy(&entry.line);
        if entry.line.contains(&b'\n') {
            return finding(format!("an entry holds a newline: {line:?}"));
        }
        if entry.time == UNIX_EPOCH {
            return finding(format!("an entry has no time between the years 1970 and 9999: {line:?}"));
        }
    }
    Ok(())
}

pub(super) async fn any_order(bench: &Bench) -> Outcome {
    let container = with_logs(bench).await?;
    let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
    let queries = [
        LogQuery { since: at(1), until: at(2), tail: Some(0) },
        LogQuery { since: at(2), until: at(1), tail: Some(u64::MAX) },
        LogQuery { since: None, until: at(253_402_300_799), tail: Some(1) },
    ];
    for query in queries {
        drop(bench.logs(&container, query, None).await?);
    }
    for cursor in ["", "no cursor of yours", "\u{0}", "-1"] {
        drop(bench.logs(&container, LogQuery::default(), Some(cursor.to_owned())).await?);
    }
    drop(bench.logs(&without_handle(&container), LogQuery::default(), None).await?);
    drop(bench.remove(&container, true).await?);
    drop(bench.logs(&container, LogQuery::default(), None).await?);
    Ok(())
}

/// A container that runs, of a backend that has logs.
async fn with_logs(bench: &Bench) -> Result<Container, Verdict> {
    if !bench.loaded.interfaces.logs {
        return not_checked("it exports no logs");
    }
    Ok(bench.running().await?.0)
}

async fn pages(bench: &Bench, container: &Container) -> Result<Vec<LogPage>, Verdict> {
    let (mut pages, mut cursor, mut known) = (Vec::new(), None, HashSet::new());
    loop {
        let page = match bench.logs(container, LogQuery::default(), cursor).await? {
            Ok(page) => page,
            Err(error) => return not_checked(format!("logs.read answered: {error}")),
        };
        cursor = page.next.clone();
        pages.push(page);
        match &cursor {
            None => return Ok(pages),
            Some(next) if !known.insert(next.clone()) => {
                return finding(format!("the cursor {next:?} came a second time: the pages go in a circle"));
            }
            Some(_) if pages.len() >= MOST_PAGES => {
                return finding(format!("the log of a container that has hardly run has more than {MOST_PAGES} pages"));
            }
            Some(_) => {}
        }
    }
}
