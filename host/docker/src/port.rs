//! Published ports, which inspect and list show in different shapes.
#![expect(missing_docs, reason = "the fields are those of the API's description")]

use std::collections::BTreeMap;

use crate::object::is_default;

/// `80/tcp` and where it is published; `null` for a port that is exposed only.
pub type PortMap = BTreeMap<String, Option<Vec<PortBinding>>>;

object! {
    /// Where a port is published.
    pub struct PortBinding {
        pub host_ip: String,
        pub host_port: String,
    }

    /// A port in the list of containers.
    pub struct PortSummary {
        #[serde(rename = "IP", skip_serializing_if = "is_default")]
        pub ip: String,
        pub private_port: u16,
        #[serde(skip_serializing_if = "is_default")]
        pub public_port: u16,
        pub r#type: String,
    }
}
