//! A backend whose behaviour the tests choose: in `describe` by a marker that they write into the binary, elsewhere by the
//! container's name. The container's command holds the arguments; what happened comes back in the handle.

#[cfg(not(feature = "logs"))]
wit_bindgen::generate!({ path: "../../../../wit", world: "plugin", generate_all });
#[cfg(feature = "logs")]
wit_bindgen::generate!({ path: "../../../../wit", world: "plugin-with-everything", generate_all });

mod behaviour;
#[cfg(feature = "logs")]
mod inventory;
#[cfg(feature = "logs")]
mod sessions;

use exports::sockerless::backend::backend::{ConfigKey, Descriptor, Finding, Guest as Backend, ScopeGrant, Verdict};
use exports::sockerless::backend::lifecycle::{
    Disposition, Guest as Lifecycle, Outcome, Recovered, RunEnd, RunVerdict, Started,
};
use sockerless::backend::types::{Container, Error, Handle};
use sockerless::backend::{config, http};

/// What the tests put in place of the spaces: `name=…;version=…;mode=…;`.
static MARKER: [u8; 128] = *b"SOCKERLESS-TEST:                                                                                                                ";

fn marker(key: &str) -> Option<String> {
    // SAFETY: a reference is valid for reads. Volatile, since the compiler must not know what is there.
    let bytes = unsafe { std::ptr::read_volatile(&MARKER) };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (_, settings) = text.split_once(':')?;
    settings.split(';').find_map(|pair| pair.trim().strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
}

struct Guest;
export!(Guest);

fn key(name: &str, required: bool) -> ConfigKey {
    ConfigKey { name: name.into(), required, default_value: None, secret: false, help: format!("Help of {name}.") }
}

impl Backend for Guest {
    fn describe() -> Descriptor {
        let mode = marker("mode").unwrap_or_default();
        behaviour::misbehave(&mode);
        let hosts = match config::get("SOCKERLESS_TEST_HOSTS") {
            Some(hosts) => hosts.split(',').map(str::to_owned).collect(),
            None => vec!["allowed.example".to_owned()],
        };
        let scopes = vec![ScopeGrant { scope: "scope-a".into(), hosts: vec![hosts[0].clone()] }];
        Descriptor {
            name: marker("name").unwrap_or_else(|| "guest".into()),
            version: marker("version").unwrap_or_else(|| "1".into()),
            driver: "test".into(),
            operating_system: if mode == "malformed" { "a\nb".into() } else { "Test".into() },
            cpus: if mode == "malformed" { 0 } else { 1 },
            memory: 1 << 30,
            config: vec![
                key("SOCKERLESS_TEST_HOSTS", false),
                key("SOCKERLESS_TEST_CHECK", false),
                key("SOCKERLESS_TEST_REQUIRED", mode == "required"),
            ],
            hosts,
            scopes,
        }
    }

    fn check() -> Result<(), Error> {
        match config::get("SOCKERLESS_TEST_CHECK") {
            Some(text) => {
                behaviour::misbehave(&text);
                Err(Error::Unavailable(text))
            }
            None => Ok(()),
        }
    }

    fn plan(spec: String) -> Result<Vec<Finding>, Error> {
        behaviour::misbehave_everywhere(&spec);
        Ok(vec![Finding { field: spec, verdict: Verdict::Ignored, reason: "A test.".into() }])
    }
}

impl Lifecycle for Guest {
    fn create(container: Container, _key: String) -> Result<Handle, Error> {
        behaviour::misbehave(&container.name);
        let data = behaviour::act(&container)?;
        Ok(Handle { version: 1, data })
    }

    fn start(container: Container, run: String, _key: String) -> Result<Started, Error> {
        behaviour::misbehave(&container.name);
        let request = behaviour::request(&container, None);
        let data = match http::dispatch(&request, &container.id, &run) {
            Ok(()) => b"dispatched".to_vec(),
            Err(error) => format!("{error:?}").into_bytes(),
        };
        Ok(Started { handle: Some(Handle { version: 1, data }), end: RunEnd::Response })
    }

    fn finished(container: Container, _run: String, outcome: Outcome) -> Result<RunVerdict, Error> {
        behaviour::misbehave_everywhere(&container.name);
        Ok(match outcome {
            Outcome::Response(response) => RunVerdict::Exited(response.status.into()),
            Outcome::Failed(error) => RunVerdict::NotStarted(format!("{error:?}")),
        })
    }

    fn stop(container: Container, _: Option<i32>, _: String) -> Result<Disposition, Error> {
        behaviour::misbehave_everywhere(&container.name);
        Ok(Disposition::Nothing)
    }

    fn kill(container: Container, signal: String, _: String) -> Result<Disposition, Error> {
        behaviour::misbehave_everywhere(&container.name);
        if signal == "SIGKILL" { Ok(Disposition::HostDefault) } else { Err(Error::NotSupported(signal)) }
    }

    fn restart(container: Container, _: Option<i32>, _: String) -> Result<Disposition, Error> {
        behaviour::misbehave_everywhere(&container.name);
        Ok(Disposition::Done)
    }

    fn remove(container: Container, _: bool, _: String) -> Result<(), Error> {
        behaviour::misbehave_everywhere(&container.name);
        Ok(())
    }

    fn recover(container: Container) -> Result<Recovered, Error> {
        behaviour::misbehave_everywhere(&container.name);
        match container.handle {
            Some(handle) if handle.version > 1 => {
                Err(Error::Invalid(format!("cannot read version {} of a handle", handle.version)))
            }
            Some(_) => Ok(Recovered::Present(None)),
            None => Ok(Recovered::Absent),
        }
    }
}

#[cfg(feature = "logs")]
impl exports::sockerless::backend::logs::Guest for Guest {
    fn read(
        container: Container,
        query: exports::sockerless::backend::logs::Query,
        cursor: Option<String>,
    ) -> Result<exports::sockerless::backend::logs::Page, Error> {
        use exports::sockerless::backend::logs::{Entry, Page, Source};
        behaviour::misbehave_everywhere(&container.name);
        let time = query.since.unwrap_or(sockerless::backend::types::Timestamp { seconds: 1, nanoseconds: 2 });
        let entry = Entry { time, source: Source::Stderr, line: b"a line".to_vec(), partial: false };
        Ok(Page { entries: vec![entry], next: if cursor.is_none() { Some("2".into()) } else { None } })
    }
}
