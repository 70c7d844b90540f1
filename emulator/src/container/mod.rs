//! Runs the containers of the apps: each a process of this machine in namespaces of its own.

mod command;
mod environment;
mod init;
mod instance;
mod isolation;
mod mounts;
mod platform_log;
mod ports;
mod process;
mod protocol;
mod runtime;
mod status;
mod supervisor;

pub(crate) use self::environment::strip_setting_name;
pub use self::init::container_init_main;
pub use self::isolation::Isolation;
pub(crate) use self::runtime::{LaunchSpec, Runtime, ShareMount};
pub(crate) use self::supervisor::{AppHandle, NotReady, Order};
