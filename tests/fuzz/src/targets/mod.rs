//! The targets, each by its name.

mod agent;
mod api;
mod archive;
mod azf;
mod docker;
mod link;
#[cfg(feature = "plugins")]
mod plugins;
mod recording;
mod registry;
mod spool;
mod store;

/// Something that reads bytes of others.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the target of cargo-fuzz, and of the folder of its corpus.
    pub name: &'static str,
    /// Takes any bytes, and panics when something does not hold that must.
    pub run: fn(&[u8]),
    /// On how many mutations the short run has it: what takes about a second without optimisation.
    pub(crate) inputs: u32,
    /// How many bytes of memory an input may make it hold at once: many times what the longest inputs need, and far less than a number in
    /// one can say.
    pub memory: usize,
}

/// Where what is read is handed on piece by piece.
const LITTLE: usize = 4 << 20;

/// Where the target keeps what was read, to compare.
const EVERYTHING: usize = 512 << 20;

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "agent_messages", run: agent::messages, inputs: 10_000, memory: LITTLE },
    Target { name: "agents_listener", run: link::listener, inputs: 100, memory: LITTLE },
    Target { name: "api_http", run: api::http, inputs: 200, memory: LITTLE },
    Target { name: "api_requests", run: api::requests, inputs: 200, memory: LITTLE },
    Target { name: "archive_in", run: archive::extract, inputs: 100, memory: LITTLE },
    Target { name: "archive_out", run: archive::round_trip, inputs: 60, memory: LITTLE },
    #[cfg(feature = "plugins")]
    Target { name: "backend_rules", run: plugins::rules, inputs: 5_000, memory: LITTLE },
    #[cfg(feature = "plugins")]
    Target { name: "component", run: plugins::component, inputs: 5_000, memory: LITTLE },
    Target { name: "filters", run: docker::filters, inputs: 3_000, memory: LITTLE },
    Target { name: "frames", run: agent::frames, inputs: 10_000, memory: LITTLE },
    Target { name: "image_references", run: docker::references, inputs: 20_000, memory: LITTLE },
    Target { name: "kql", run: azf::kql, inputs: 10_000, memory: LITTLE },
    Target { name: "link", run: link::link, inputs: 1_000, memory: LITTLE },
    Target { name: "recording", run: recording::read, inputs: 300, memory: LITTLE },
    Target { name: "registry", run: registry::fetch, inputs: 100, memory: LITTLE },
    Target { name: "registry_auth", run: docker::registry_auth, inputs: 10_000, memory: LITTLE },
    Target { name: "spool", run: spool::spool, inputs: 100, memory: EVERYTHING },
    Target { name: "stored_records", run: store::records, inputs: 300, memory: LITTLE },
    Target { name: "times", run: docker::times, inputs: 20_000, memory: LITTLE },
];

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Runs a target on an input.
///
/// # Panics
/// There is no such target, or something does not hold that must.
pub fn run(name: &str, input: &[u8]) {
    let target = target(name).unwrap_or_else(|| panic!("there is no target {name}"));
    (target.run)(input);
}
