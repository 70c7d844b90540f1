//! A backend that keeps the contract but for one point, which `SOCKERLESS_FAULTY_POINT` chooses; without it, in every point.
//!
//! Its cloud holds containers at `https://cloud.example/containers/ID`; the handle is that path.

wit_bindgen::generate!({ path: "../../../../wit", world: "plugin-with-everything", generate_all });

mod cloud;
mod handle;
mod sessions;

use exports::sockerless::backend::backend::{ConfigKey, Descriptor, Finding, Guest as Backend, Verdict};
use exports::sockerless::backend::inventory::{Guest as Inventory, Item, Page as InventoryPage};
use exports::sockerless::backend::lifecycle::{
    Disposition, Guest as Lifecycle, Outcome, Recovered, RunEnd, RunVerdict, Started,
};
use exports::sockerless::backend::logs::{Entry, Guest as Logs, Page, Query, Source};
use sockerless::backend::types::{Container, Error, Handle};
use sockerless::backend::{agents, clock, config, host};

const POINT: &str = "SOCKERLESS_FAULTY_POINT";
/// As the agents of this host call it.
const EXIT_CODE: &str = "x-sockerless-exit-code";
const UNKNOWN: RunVerdict = RunVerdict::Unknown(60_000);

/// Whether this is the point in which the contract is broken.
fn breaks(point: &str) -> bool {
    config::get(POINT).as_deref() == Some(point)
}

fn moment() -> String {
    let now = clock::now();
    format!("{}-{}", now.seconds, now.nanoseconds)
}

struct Guest;
export!(Guest);

impl Backend for Guest {
    fn describe() -> Descriptor {
        let help = "The point in which the contract is broken.".to_owned();
        let key = ConfigKey { name: POINT.into(), required: false, default_value: None, secret: false, help };
        Descriptor {
            name: "faulty".into(),
            version: if breaks("describe-changes") { moment() } else { "1".into() },
            driver: "faulty".into(),
            operating_system: "Test".into(),
            cpus: 1,
            memory: 1 << 30,
            config: vec![key],
            hosts: vec!["cloud.example".into()],
            scopes: vec![],
        }
    }

    fn check() -> Result<(), Error> {
        if breaks("check-provisions") {
            let _ = agents::provision("c");
        }
        let answer = cloud::ask("GET", "health");
        if breaks("check-shrugs") {
            return Ok(());
        }
        cloud::json(answer?).map(drop)
    }

    fn plan(spec: String) -> Result<Vec<Finding>, Error> {
        assert!(!breaks("plan-traps") || spec.starts_with('{'), "no JSON");
        if !spec.contains("\"Binds\":[") {
            return Ok(vec![]);
        }
        let field = if breaks("plan-field") { "the binds" } else { "HostConfig.Binds" };
        let reason = if breaks("plan-changes") { moment() } else { "There are no files.".to_owned() };
        Ok(vec![Finding { field: field.into(), verdict: Verdict::Ignored, reason }])
    }
}

impl Lifecycle for Guest {
    fn create(container: Container, _key: String) -> Result<Handle, Error> {
        let setup = agents::provision(&container.id).map_err(|error| Error::Other(format!("no agent: {error:?}")))?;
        assert!(!breaks("create-needs-agents") || setup.is_some(), "no agents");
        let mut path = format!("containers/{}", container.id);
        if breaks("create-twice") {
            path = format!("{path}-{}", moment());
        }
        let body = format!(
            r#"{{"name":"{}","image":"{}","owner":"{}"}}"#,
            container.name,
            container.image,
            if breaks("inventory-nobodys") { String::new() } else { host::id() }
        );
        let mut answer = cloud::put(&path, &body);
        while breaks("create-waits") && answer.as_ref().is_ok_and(|answer| answer.status == 503) {
            clock::sleep(1_000);
            answer = cloud::put(&path, &body);
        }
        if breaks("create-believes") {
            return Ok(handle::of(&path));
        }
        if breaks("errors-secret") && answer.is_err() {
            return Err(Error::Other(format!("not made: {:?}", container.environment)));
        }
        cloud::json(answer?)?;
        if breaks("create-big-handle") {
            return Ok(handle::of(&format!("{path}{}", " ".repeat(64 << 10))));
        }
        Ok(handle::of(&path))
    }

    fn start(container: Container, run: String, _key: String) -> Result<Started, Error> {
        let path = match handle::path(&container)? {
            Some(path) => path,
            None if breaks("start-not-made") => return Ok(Started { handle: None, end: RunEnd::After(1) }),
            None => return Err(Error::Conflict(format!("{} was never made", container.name))),
        };
        if breaks("start-forgets") {
            return Ok(Started { handle: None, end: RunEnd::Response });
        }
        let failed = |error: agents::AgentError| Error::Unavailable(format!("the agent: {error:?}"));
        if !breaks("start-hastens") {
            agents::prepare(&container.id, &run).map_err(failed)?;
        }
        cloud::invoke(&path, &container.id, &run)?;
        if breaks("start-hastens") {
            agents::prepare(&container.id, &run).map_err(failed)?;
        }
        let patience = if breaks("start-waits") { u32::MAX } else { 10_000 };
        agents::await_connect(&container.id, &run, patience).map_err(failed)?;
        Ok(Started { handle: None, end: RunEnd::Agent })
    }

    fn finished(_: Container, _: String, outcome: Outcome) -> Result<RunVerdict, Error> {
        let Outcome::Response(response) = outcome else { return Ok(UNKNOWN) };
        if breaks("finished-guesses") {
            return Ok(RunVerdict::Exited((response.status >= 400).into()));
        }
        let code = response.headers.iter().find(|(name, _)| name == EXIT_CODE).map(|(_, value)| value.parse());
        match code {
            Some(Ok(code)) => Ok(RunVerdict::Exited(code)),
            Some(Err(_)) if breaks("finished-rounds") => Ok(RunVerdict::Exited(0)),
            _ => Ok(UNKNOWN),
        }
    }

    fn stop(container: Container, _: Option<i32>, _: String) -> Result<Disposition, Error> {
        assert!(!breaks("stop-traps") || container.handle.is_some(), "never made");
        if breaks("errors-name-taken") {
            return Err(Error::NameTaken("taken".into()));
        }
        Ok(Disposition::HostDefault)
    }

    fn kill(container: Container, signal: String, _: String) -> Result<Disposition, Error> {
        assert!(!breaks("kill-traps") || signal.starts_with("SIG"), "no signal");
        if signal != "SIGKILL" {
            return Ok(Disposition::HostDefault);
        }
        if !breaks("kill-lies") {
            let _ = agents::disconnect(&container.id);
        }
        Ok(Disposition::Done)
    }

    fn restart(_: Container, _: Option<i32>, _: String) -> Result<Disposition, Error> {
        Ok(Disposition::HostDefault)
    }

    fn remove(container: Container, _force: bool, _: String) -> Result<(), Error> {
        if breaks("remove-lazy") {
            return Ok(());
        }
        let path = match handle::path(&container) {
            Ok(Some(path)) => path,
            Ok(None) => format!("containers/{}", container.id),
            Err(error) => return Err(error),
        };
        let answer = cloud::ask("DELETE", &path);
        if breaks("remove-shrugs") {
            return Ok(());
        }
        match answer?.status {
            200..=299 => Ok(()),
            404 if !breaks("remove-strict") => Ok(()),
            status => Err(cloud::refused(status)),
        }
    }

    fn recover(container: Container) -> Result<Recovered, Error> {
        if breaks("recover-disconnects") {
            let _ = agents::disconnect(&container.id);
        }
        let path = handle::path(&container)?.unwrap_or_else(|| format!("containers/{}", container.id));
        if breaks("recover-hopes") {
            return Ok(Recovered::Present(None));
        }
        let answer = match cloud::ask("GET", &path) {
            Err(_) if breaks("recover-despairs") => return Ok(Recovered::Absent),
            answer => answer?,
        };
        match answer.status {
            404 => Ok(Recovered::Absent),
            _ => cloud::json(answer).map(|_| Recovered::Present(None)),
        }
    }
}

impl Logs for Guest {
    fn read(_: Container, _: Query, cursor: Option<String>) -> Result<Page, Error> {
        let line = if breaks("logs-newline") { "one\ntwo" } else { "one" };
        let entry = Entry { time: clock::now(), source: Source::Stdout, line: line.into(), partial: false };
        let next = match cursor.as_deref() {
            None => Some("2".to_owned()),
            Some("2") if breaks("logs-circle") => Some("2".to_owned()),
            Some("2") => None,
            Some(other) => {
                assert!(!breaks("logs-traps"), "cursor {other}");
                return Err(Error::Invalid(format!("no cursor of this backend: {other:?}")));
            }
        };
        Ok(Page { entries: vec![entry], next })
    }
}

/// A container of the list: its path, owner, name and image, with strokes between them.
fn item(text: &str) -> Option<Item> {
    let mut fields = text.split('|').map(str::to_owned);
    let (id, owner, name, image) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let handle = handle::of(&format!("containers/{id}"));
    let owner = Some(owner).filter(|owner| !owner.is_empty());
    Some(Item { place: id.clone(), id, owner, name, image, labels: vec![], handle })
}

impl Inventory for Guest {
    fn list(_: Option<String>) -> Result<InventoryPage, Error> {
        let next = breaks("inventory-circles").then(|| "next".to_owned());
        let text = match cloud::ask("GET", "containers").and_then(cloud::json) {
            Err(_) if breaks("inventory-shrugs") => String::new(),
            answer => answer?,
        };
        let mut items: Vec<_> = text.trim_matches(['{', '}']).split(',').filter_map(item).collect();
        if breaks("inventory-forgets") {
            items.clear();
        }
        Ok(InventoryPage { items, next })
    }

    fn agent_environment(id: String, handle: Handle) -> Result<Vec<(String, String)>, Error> {
        let environment = vec![("SOCKERLESS_CONTAINER_ID".to_owned(), id)];
        if breaks("inventory-remembers") {
            return Ok(environment);
        }
        let answer = cloud::ask("GET", &String::from_utf8_lossy(&handle.data))?;
        if answer.status == 404 {
            return Err(Error::NotFound("it is gone".into()));
        }
        cloud::json(answer).map(|_| environment)
    }
}
