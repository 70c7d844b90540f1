//! Holds every JSON answer of the daemon against the published description of the Engine's API.
//!
//! Clients of a test's world reach the daemon through a [`proxy`], which passes every byte on as it comes and looks at the answers
//! on the way. What the description forbids fails the test when its world ends, but for what the real Engine does
//! itself, which stands in `exceptions.txt`.
//!
//! The description is Docker's and not part of this repository: `SOCKERLESS_API_DESCRIPTION` says where it is. Without it
//! nothing is checked, and `cargo xtask test` says so.

mod description;
mod http;
mod proxy;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use description::Description;
pub(crate) use proxy::Proxy;

/// Where the description is, if anywhere.
fn description() -> Option<&'static Description> {
    static DESCRIPTION: OnceLock<Option<Description>> = OnceLock::new();
    let read = || {
        let path = std::env::var_os("SOCKERLESS_API_DESCRIPTION").filter(|path| !path.is_empty())?;
        Some(Description::read(Path::new(&path)))
    };
    DESCRIPTION.get_or_init(read).as_ref()
}

/// What was found wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Judgement {
    /// Whether answers are looked at.
    pub(crate) fn is_possible() -> bool {
        description().is_some()
    }

    /// Looks at an answer.
    fn judge(&self, method: &str, target: &str, status: u16, body: &[u8]) {
        let Some(description) = description() else { return };
        let wrong = description.judge(method, target, status, body);
        self.wrong.lock().unwrap().extend(wrong);
    }

    /// Everything that was wrong so far, each thing once.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.wrong.lock().unwrap().clone();
        wrong.sort();
        wrong.dedup();
        wrong
    }
}

/// Looks at the answers of an Engine that is used by the socket `listen`. What is returned answers what its description does
/// not allow, as far as `exceptions.txt` does not know it yet.
pub fn differences_of(listen: &Path, engine: &Path) -> impl Fn() -> Vec<String> + use<> {
    let proxy = Proxy::start(listen, engine.to_path_buf());
    move || proxy.judgement.wrong()
}
