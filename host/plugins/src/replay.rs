//! Calls that were recorded, done again by a component: without a network, an agent or a clock. What the imports answered is in the
//! recording; what the component asks and returns is held against it.

mod difference;
mod nobody;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sockerless_backend::BackendError;
use sockerless_backend::types::{Descriptor, Loaded};
use sockerless_recorder::{Outcome, RecordedCall, is_omitted};

pub use difference::{Difference, Step};
use nobody::Nobody;

use crate::breaker::BreakerRules;
use crate::cache::ComponentCache;
use crate::context::Shared;
use crate::engine::{Engine, EngineConfig};
use crate::error::{EngineError, LoadError};
use crate::generation::{Generation, describe};
use crate::limits::Export;
use crate::load::{Loader, Rules};
use crate::policy::Grants;
use crate::prepared::Prepared;
use crate::tape::{Playback, Played, Tapes};

/// A component that does recorded calls again.
pub struct Replay {
    engine: Engine,
    cache: ComponentCache,
    shared: Shared,
    prepared: Arc<Prepared>,
}

/// What came of one call.
#[derive(Debug)]
pub enum Replayed {
    /// It went as recorded.
    Same,
    /// It went another way.
    Different(Box<Difference>),
    /// It cannot be done again, for this reason.
    Skipped(&'static str),
}

impl Replay {
    /// Takes a component. `cache`: where compiled ones are kept.
    ///
    /// # Errors
    /// It is none that could be loaded.
    pub async fn load(component: Bytes, cache: Option<PathBuf>) -> Result<Self, LoadError> {
        let host = |error: EngineError| LoadError::Host(error.to_string());
        let made = tokio::task::spawn_blocking(move || {
            let cache = match cache {
                None => ComponentCache::default(),
                Some(directory) => ComponentCache::open(directory).map_err(|error| EngineError::new(error.into()))?,
            };
            // One call at a time, with room for what an instance leaves behind.
            let engine = Engine::new(&EngineConfig { instances: 8, ..EngineConfig::default() })?;
            Ok((engine, cache, Nobody::shared()?))
        });
        let (engine, cache, shared) = made.await.map_err(|error| LoadError::Host(error.to_string()))?.map_err(host)?;
        let loader = Loader { engine: &engine, cache: &cache, shared: &shared };
        let (prepared, _) = loader.prepare(component, None).await?;
        Ok(Self { engine, cache, shared, prepared: Arc::new(prepared) })
    }

    /// Does one call again. No other may be under way.
    pub async fn run(&self, recorded: RecordedCall) -> Replayed {
        if let Outcome::Cut(_) = recorded.end.outcome {
            return Replayed::Skipped("the host ended the call");
        }
        if omits(&recorded) {
            return Replayed::Skipped("something in it was too large to be recorded");
        }
        let (call, expected) = (recorded.call.clone(), recorded.end.outcome.clone());
        let Some(playback) = Playback::new(recorded) else {
            return Replayed::Skipped("the seed of its random numbers is not one");
        };
        let playback = Arc::new(Mutex::new(playback));
        let generation = self.generation(&call.backend.unwrap_or_default(), &playback);
        let error = match called(&generation, &call.export, &call.arguments).await {
            Ok(error) => error,
            Err(reason) => return Replayed::Skipped(reason),
        };
        let Played { calls, expected: next, called, outcome } =
            playback.lock().unwrap_or_else(PoisonError::into_inner).played();
        // Of an interface that the component does not have nothing is called.
        let outcome = outcome.unwrap_or_else(|| Outcome::Failed(error.unwrap_or_default()));
        let step = if next.is_some() || called.is_some() {
            Step::Import { number: calls, recorded: next, now: called }
        } else if same_end(&call.export, &expected, &outcome) {
            return Replayed::Same;
        } else {
            Step::End { recorded: expected, now: outcome }
        };
        let (export, container, time) = (call.export, call.container, call.time);
        Replayed::Different(Box::new(Difference { export, container, time, step }))
    }

    /// The component as it would serve, with a call to be played back.
    fn generation(&self, backend: &str, playback: &Arc<Mutex<Playback>>) -> Generation {
        let shared = Shared { tapes: Tapes::Playback(Arc::clone(playback)), ..self.shared.clone() };
        let loader = Loader { engine: &self.engine, cache: &self.cache, shared: &shared };
        // Grants and configuration are in the answers.
        let rules = Rules { breaker: BreakerRules { failures: 0, ..BreakerRules::default() }, ..Rules::default() };
        let context = loader.context(backend, Grants::default(), &[], std::collections::BTreeMap::new(), rules);
        let descriptor = Descriptor { name: backend.to_owned(), ..Descriptor::default() };
        let digest = self.prepared.digest.clone();
        let loaded = Loaded { descriptor, digest, generation: 1, interfaces: self.prepared.interfaces() };
        Generation::new(loaded, Arc::clone(&self.prepared), context)
    }
}

/// Whether something of a call was left out.
fn omits(recorded: &RecordedCall) -> bool {
    let returned = match &recorded.end.outcome {
        Outcome::Returned(value) => Some(value),
        Outcome::Failed(_) | Outcome::Cut(_) => None,
    };
    let imports = recorded.imports.iter().flat_map(|import| [Some(&import.arguments), import.result.as_ref()]);
    imports.flatten().chain(returned).chain([&recorded.call.arguments]).any(is_omitted)
}

/// Whether two calls have ended alike. A failure is one whatever its words are, and every version has its own `version`.
fn same_end(export: &str, recorded: &Outcome, now: &Outcome) -> bool {
    match (recorded, now) {
        (Outcome::Returned(one), Outcome::Returned(other)) if export == Export::Describe.name() => {
            let without_version = |value: &Value| {
                let mut value = value.clone();
                if let Some(Value::Object(descriptor)) = value.get_mut("Ok") {
                    descriptor.remove("version");
                }
                value
            };
            without_version(one) == without_version(other)
        }
        (Outcome::Returned(one), Outcome::Returned(other)) => one == other,
        (Outcome::Failed(_), Outcome::Failed(_)) => true,
        _ => false,
    }
}

/// The arguments are none of this export.
const NOT_UNDERSTOOD: &str = "its arguments are not those of the export";

fn argument<T: DeserializeOwned>(arguments: &Value, name: &str) -> Result<T, &'static str> {
    T::deserialize(arguments.get(name).unwrap_or(&Value::Null)).map_err(|_| NOT_UNDERSTOOD)
}

/// Calls an export by its name. What it returns is on the tape; an error is answered for calls that were never made.
async fn called(generation: &Generation, export: &str, arguments: &Value) -> Result<Option<String>, &'static str> {
    fn error<T>(result: Result<T, BackendError>) -> Option<String> {
        result.err().map(|error| error.to_string())
    }
    let container = || argument(arguments, "container");
    let key = || argument(arguments, "key");
    let run = || argument(arguments, "run");
    let seconds = || argument(arguments, "timeout_seconds");
    let export = Export::named(export).ok_or("this program does not know the export")?;
    Ok(match export {
        Export::Describe => {
            describe(&generation.prepared, &generation.context).await.err().map(|error| error.to_string())
        }
        Export::Check => error(generation.check().await),
        Export::Plan => error(generation.plan(argument(arguments, "spec")?).await),
        Export::Create => error(generation.create(container()?, key()?).await),
        Export::Start => error(generation.start(container()?, run()?, key()?).await),
        Export::Finished => error(generation.finished(container()?, run()?, argument(arguments, "outcome")?).await),
        Export::Stop => error(generation.stop(container()?, seconds()?, key()?).await),
        Export::Kill => error(generation.kill(container()?, argument(arguments, "signal")?, key()?).await),
        Export::Restart => error(generation.restart(container()?, seconds()?, key()?).await),
        Export::Remove => error(generation.remove(container()?, argument(arguments, "force")?, key()?).await),
        Export::Recover => error(generation.recover(container()?).await),
        Export::Logs => {
            error(generation.logs(container()?, argument(arguments, "query")?, argument(arguments, "cursor")?).await)
        }
        Export::Inventory => error(generation.inventory(argument(arguments, "cursor")?).await),
        Export::AgentEnvironment => {
            error(generation.agent_environment(argument(arguments, "id")?, argument(arguments, "handle")?).await)
        }
        Export::ExecStart => error(generation.exec_start(container()?, argument(arguments, "process")?).await),
        Export::ExecInspect => error(generation.exec_inspect(container()?, argument(arguments, "id")?).await),
        Export::ExecResize => {
            error(generation.exec_resize(container()?, argument(arguments, "id")?, argument(arguments, "size")?).await)
        }
        Export::Attach => error(generation.attach(container()?, argument(arguments, "wanted")?).await),
        Export::AttachResize => error(generation.attach_resize(container()?, argument(arguments, "size")?).await),
        Export::ArchiveStat => error(generation.archive_stat(container()?, argument(arguments, "path")?).await),
        Export::ArchiveGet => error(generation.archive_get(container()?, argument(arguments, "path")?).await),
        Export::ArchivePut => {
            let (directory, extraction) = (argument(arguments, "directory")?, argument(arguments, "extraction")?);
            error(generation.archive_put(container()?, directory, extraction).await)
        }
        Export::ArchiveExtracted => {
            let (directory, answer) = (argument(arguments, "directory")?, argument(arguments, "answer")?);
            error(generation.archive_extracted(container()?, directory, answer).await)
        }
        Export::ArchiveFileSystem => error(generation.archive_file_system(container()?).await),
        Export::Resume => error(generation.resume(container()?, run()?).await),
    })
}
