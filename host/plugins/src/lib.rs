//! Backends as WebAssembly components.
//!
//! - [`BackendHost`]: loads components and swaps them; [`PluginBackend`] is what the engine calls.
//! - [`LoadRequest`], [`Settings`], [`LoadError`]: one load, step by step. [`SwapRules`], [`Verdict`]: what follows it.
//! - [`BreakerRules`], [`Outage`]: a backend that fails again and again.
//! - [`Policy`]: what an operator grants. [`Limits`]: what one call may use.
//! - [`TokenSource`], [`AzureCredentials`]: credentials, which never enter a component.
//! - [`HttpConfig`]: how requests leave.
//! - [`Replay`]: does calls again that were recorded, without a network.
//!
//! Each call runs in a fresh instance, which is thrown away afterwards: a trap, an endless loop or a greedy allocation
//! ends that call, with [`BackendError::Fault`](sockerless_backend::BackendError::Fault), and nothing else.

#![deny(unsafe_code)]

mod backend;
#[allow(unsafe_code, reason = "generated")]
mod bindings;
mod breaker;
mod cache;
mod call;
mod clock;
mod config;
mod context;
mod convert;
mod credentials;
mod descriptor;
mod dispatch;
mod egress;
mod engine;
mod error;
mod fault;
mod generation;
mod host;
mod imports;
mod inspect;
mod label;
mod limits;
mod load;
mod memory;
mod meter;
mod observe;
mod policy;
mod prepared;
mod replay;
mod state;
mod stdio;
mod tally;
mod tape;
mod text;
mod ticker;
mod watch;

pub use backend::PluginBackend;
pub use breaker::{BreakerRules, Outage, ServiceChange};
pub use clock::{Clock, SystemClock};
pub use config::ConfigSource;
pub use credentials::{AzureConfig, AzureCredentials, Token, TokenError, TokenSource};
pub use egress::{HttpConfig, Resolver, SystemResolver, Transport, Transported, tls_config};
pub use engine::EngineConfig;
pub use error::{EngineError, LoadError};
pub use host::{BackendHost, HostConfig, Services};
pub use imports::longest_exchange;
pub use inspect::{check_declared, wit_version};
pub use limits::{Export, Limits};
pub use load::{Described, Ledger, LiveContainers, LoadOutcome, LoadRequest, Settings, SettingsSource};
pub use policy::{
    HostPattern, HostRule, InvalidPattern, InvalidRequests, InvalidRule, Policy, Requests, Scheme, ScopeRule,
};
pub use replay::{Difference, Replay, Replayed, Step};
pub use tally::Rate;
pub use watch::{Failing, SwapRules, Verdict};
