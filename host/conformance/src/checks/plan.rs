//! `backend.plan`.

use sockerless_backend::types::Verdict as Fate;

use crate::bench::Bench;
use crate::container::specs;
use crate::verdict::{Outcome, finding, not_checked};

pub(super) async fn same_each_time(bench: &Bench) -> Outcome {
    for spec in specs() {
        let first = bench.plan(&spec).await?;
        let second = bench.plan(&spec).await?;
        if first != second {
            return finding(format!("the same create body was judged in two ways:\n{first:?}\n{second:?}"));
        }
    }
    match bench.world.changes().first() {
        Some(change) => finding(change),
        None => Ok(()),
    }
}

pub(super) async fn findings(bench: &Bench) -> Outcome {
    for spec in specs() {
        let found = match bench.plan(&spec).await? {
            Ok(found) => found,
            Err(error) => return not_checked(format!("plan answered: {error}")),
        };
        for found in found {
            let is_path = |field: &str| {
                field.split('.').all(|part| part.starts_with(|first: char| first.is_ascii_uppercase()))
                    && !field.contains(char::is_whitespace)
            };
            if !is_path(&found.field) {
                return finding(format!(
                    "`{}` is no path of a field of the create body, such as HostConfig.Binds",
                    found.field
                ));
            }
            if found.reason.trim().is_empty() {
                return finding(format!("no reason is given for {}", found.field));
            }
            if found.verdict == Fate::Refused && spec == specs()[0] {
                return finding(format!("{} is refused, in a create body that does not ask for it", found.field));
            }
        }
    }
    Ok(())
}

pub(super) async fn no_json(bench: &Bench) -> Outcome {
    for spec in ["", "{", "[]", "null", "\"\u{0}\"", "{\"HostConfig\":3,\"Env\":{},\"Labels\":[],\"Image\":null}"] {
        drop(bench.plan(spec).await?);
    }
    Ok(())
}
