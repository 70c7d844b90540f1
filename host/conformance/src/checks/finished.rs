//! `lifecycle.finished`.

use sockerless_backend::HttpError;
use sockerless_backend::types::{Outcome as RunOutcome, Response, RunVerdict};

use crate::bench::Bench;
use crate::verdict::{Outcome, finding, not_checked};
use crate::world::{Act, EXIT_CODE};

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> RunOutcome {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Response { status, headers, body: body.as_bytes().to_vec() })
}

/// What says nothing of the command, whoever is asked.
fn says_nothing() -> Vec<RunOutcome> {
    const PAGE: &str = "<html><body>Service unavailable</body></html>";
    let html = [("content-type", "text/html")];
    let mut outcomes: Vec<RunOutcome> =
        [302, 401, 403, 404, 429, 500, 502, 503, 504].iter().map(|&status| answer(status, &html, PAGE)).collect();
    outcomes.extend([
        Err(HttpError::Denied("not granted".to_owned())),
        Err(HttpError::Connect("connection refused".to_owned())),
        Err(HttpError::Timeout("late".to_owned())),
        Err(HttpError::Interrupted("connection reset".to_owned())),
        Err(HttpError::TooLarge(1 << 20)),
        Err(HttpError::Other("something".to_owned())),
    ]);
    outcomes
}

/// What says nothing to one whose agent tells the code in a header.
fn lacks_the_header() -> Vec<RunOutcome> {
    vec![
        answer(200, &[("content-type", "text/html")], "<html><body>Your app is up and running</body></html>"),
        answer(200, &[], ""),
        answer(202, &[], ""),
        answer(204, &[], ""),
        answer(200, &[(EXIT_CODE, "seven")], ""),
        answer(200, &[(EXIT_CODE, "")], ""),
        answer(200, &[(EXIT_CODE, "99999999999999999999")], ""),
        answer(200, &[("x-other-exit-code", "0")], "0"),
    ]
}

pub(super) async fn invents_no_code(bench: &Bench) -> Outcome {
    let (container, _) = bench.running().await?;
    let mut outcomes = says_nothing();
    if has_invoked_an_agent(bench) {
        outcomes.extend(lacks_the_header());
    }
    for outcome in outcomes {
        let shown = format!("{outcome:?}");
        // An error counts as unknown.
        if let Ok(RunVerdict::Exited(code)) = bench.finished(&container, outcome).await? {
            return finding(format!("finished answered exit code {code} to {shown}"));
        }
    }
    Ok(())
}

pub(super) async fn reads_the_code(bench: &Bench) -> Outcome {
    let (container, _) = bench.running().await?;
    if !has_invoked_an_agent(bench) {
        return not_checked("it signs no request for an agent");
    }
    for (text, code) in [("0", 0), ("7", 7), ("137", 137), ("255", 255)] {
        match bench.finished(&container, answer(200, &[(EXIT_CODE, text)], "")).await? {
            Ok(RunVerdict::Exited(found)) if found == code => {}
            other => {
                return finding(format!(
                    "finished answered {other:?} to a response with the header {EXIT_CODE}: {text}"
                ));
            }
        }
    }
    Ok(())
}

pub(super) async fn own_outcome(bench: &Bench) -> Outcome {
    let (container, _) = bench.running().await?;
    let Some(outcome) = bench.world.outcome() else { return not_checked("start dispatches no request") };
    drop(bench.finished(&container, outcome).await?);
    Ok(())
}

fn has_invoked_an_agent(bench: &Bench) -> bool {
    bench.world.acts().contains(&Act::Keyed)
}
