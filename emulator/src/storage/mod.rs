//! Azure Files: the file service of storage accounts, as far as somebody who uploads files uses it.
//!
//! A share is a folder of this machine, and what the platform mounts into a container is that folder. Of what a file system has
//! no place for (the MD5 that a client says a file has) the memory has to do.

mod authorization;
mod error;
mod files;
mod path;
mod shares;
mod signature;
mod store;
mod usage;

use std::sync::Arc;

use http::StatusCode;

use self::error::StorageError;
use self::path::FilePath;
pub(crate) use self::store::{MountRefusal, Storage};
use crate::http::query::parameter;
use crate::http::{Answer, Exchange};
use crate::world::World;

/// What an operation gives.
type Reply = Result<Answer, StorageError>;

/// Answers a request to the file service of an account. Off the runtime, since it reads and writes files.
pub(crate) async fn handle(world: &Arc<World>, account: &str, exchange: Exchange) -> Answer {
    let (world, account) = (Arc::clone(world), account.to_owned());
    let version = exchange.header("x-ms-version").map(str::to_owned);
    let client_id = exchange.header("x-ms-client-request-id").map(str::to_owned);
    let answer = tokio::task::spawn_blocking(move || route(&world, &account, &exchange)).await;
    let answer = match answer {
        Ok(reply) => reply.unwrap_or_else(|error| error.answer()),
        Err(error) => StorageError::internal(error.to_string()).answer(),
    };
    let answer = version.into_iter().fold(answer, |answer, version| answer.with_header("x-ms-version", version));
    client_id.into_iter().fold(answer, |answer, id| answer.with_header("x-ms-client-request-id", id))
}

fn route(world: &World, account: &str, exchange: &Exchange) -> Reply {
    let config = world.config();
    let Some(account) = config.storage.account(account) else {
        // The service's own name does not resolve then, for which HTTP has no answer.
        let message = format!("the emulator has no storage account '{account}'\n");
        return Ok(Answer::text(StatusCode::NOT_FOUND, message));
    };
    let path = FilePath::parse(&exchange.path)?;
    authorization::check(world, account, exchange, path.is_share())?;
    let kind = parameter(&exchange.query, "restype").unwrap_or_default();
    let component = parameter(&exchange.query, "comp").unwrap_or_default();
    let store = &world.storage;
    match (exchange.method.as_str(), path.is_share(), kind.as_str(), component.as_str()) {
        ("PUT", true, "share", "") => shares::create(store, account, &path),
        ("GET" | "HEAD", true, "share", "") => shares::properties(store, account, &path),
        ("PUT", false, "directory", "") => shares::create_directory(store, account, &path),
        ("PUT", false, "", "") => files::create(store, account, &path, exchange),
        ("PUT", false, "", "range") => files::put_range(store, account, &path, exchange),
        ("PUT", false, "", "rename") => files::rename(store, account, &path, exchange),
        ("GET", false, "", "") => files::read(store, account, &path, exchange),
        ("HEAD", false, "", "") => files::properties(store, account, &path),
        ("DELETE", false, "", "") => files::delete(store, account, &path),
        _ => Err(StorageError::new(
            StatusCode::BAD_REQUEST,
            "UnsupportedQueryParameter",
            "The emulator has no such operation of Azure Files.",
        )),
    }
}

/// An error that somebody wanted, in the form of the service.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    StorageError::new(status, code, message).answer()
}
