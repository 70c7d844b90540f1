//! An emulator of the parts of Azure that the azf backend uses: resource manager, directory, App
//! Service with its front end and containers, Application Insights ingestion, Log Analytics, and Azure Files.
//!
//! It is a judge, not a mock: it refuses what Azure refuses, in Azure's words, and it runs an app's
//! container as a real process that is cut off from the machine. One listener serves every service, in HTTP
//! and in HTTPS, and tells them apart by the `Host` header, so a client only needs to connect elsewhere. It is an HTTP
//! proxy, too: a client that takes proxies and trusts its authority reaches it under Azure's own names.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use sockerless_emulator::{Emulator, EmulatorConfig};
//!
//! let config = EmulatorConfig {
//!     container_init: Some("target/debug/azure-emulator".into()),
//!     agent: Some("target/debug/sockerless-agent".into()),
//!     ..EmulatorConfig::default()
//! };
//! let emulator = Emulator::start(config).await?;
//! println!("SOCKERLESS_ENDPOINT_URL=http://{}", emulator.address());
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod arm;
mod bucket;
pub mod config;
mod container;
pub mod control;
mod emulator;
mod frontend;
mod http;
mod identity;
mod image;
mod logs;
mod storage;
mod sync;
mod world;

pub use self::config::{ConfigError, EmulatorConfig};
pub use self::container::{Isolation, container_init_main};
pub use self::emulator::{Emulator, StartError};
pub use self::http::TlsError;
