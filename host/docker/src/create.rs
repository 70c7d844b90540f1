//! Creating a container.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::object::or_default;
use crate::{Config, EndpointSettings, HostConfig};

/// The body of `POST /containers/create`: the configuration on the top level, the rest beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateRequest {
    #[serde(flatten)]
    pub config: Config,
    #[serde(rename = "HostConfig", default, deserialize_with = "or_default")]
    pub host_config: HostConfig,
    #[serde(rename = "NetworkingConfig", default, deserialize_with = "or_default")]
    pub networking_config: NetworkingConfig,
}

object! {
    /// The networks that the container joins, by name.
    pub struct NetworkingConfig {
        pub endpoints_config: BTreeMap<String, Option<EndpointSettings>>,
    }

    /// The answer to a create of a container.
    pub struct Created {
        pub id: String,
        /// Never `null`.
        pub warnings: Vec<String>,
    }
}
