//! How what passes between component and host stands in a recording.

use serde::Serialize;
use serde_json::{Value, json};
use sockerless_backend::types as contract;
use sockerless_backend::{BackendError, octets, sessions};
use wasmtime::component::ResourceTable;

use crate::bindings::exports::sockerless::backend::{archive, backend, exec, inventory, lifecycle, logs};
use crate::bindings::sockerless::backend::{http, types};

/// What an export returns.
pub(crate) trait Recorded {
    /// As it stands in a recording.
    fn recorded(&self) -> Value;
}

/// Anything that has a form of its own.
pub(crate) fn value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| json!({ "has no form": error.to_string() }))
}

/// Bytes, as [`octets`] has them.
struct Octets<'a>(&'a [u8]);

impl Serialize for Octets<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        octets::serialize(self.0, serializer)
    }
}

/// A request of a component. Its credential is that of a scope, in the table.
pub(crate) fn request(request: &http::Request, table: &ResourceTable) -> Value {
    let authorization = request.authorization.as_ref().map(|authorization| match authorization {
        http::Authorization::Credential(credential) => {
            json!({ "credential": table.get(credential).ok().map(|credential| &credential.scope) })
        }
        http::Authorization::Agent(container) => json!({ "agent": container }),
    });
    json!({
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "body": request.body.as_deref().map(Octets),
        "timeout_ms": request.timeout_ms,
        "authorization": authorization,
    })
}

impl<T: Recorded> Recorded for Result<T, types::Error> {
    fn recorded(&self) -> Value {
        match self {
            Ok(value) => json!({ "Ok": value.recorded() }),
            Err(error) => json!({ "Err": BackendError::from(error.clone()) }),
        }
    }
}

/// `describe`, or why it cannot be called.
impl Recorded for Result<backend::Descriptor, String> {
    fn recorded(&self) -> Value {
        json!(self.as_ref().map(|descriptor| contract::Descriptor::from(descriptor.clone())))
    }
}

impl Recorded for () {
    fn recorded(&self) -> Value {
        Value::Null
    }
}

impl Recorded for Vec<(String, String)> {
    fn recorded(&self) -> Value {
        value(self)
    }
}

impl Recorded for Vec<backend::Finding> {
    fn recorded(&self) -> Value {
        self.iter().map(|finding| value(&contract::Finding::from(finding.clone()))).collect()
    }
}

impl Recorded for inventory::Page {
    fn recorded(&self) -> Value {
        let item = |item: &inventory::Item| contract::InventoryItem {
            id: item.id.clone(),
            owner: item.owner.clone(),
            name: item.name.clone(),
            image: item.image.clone(),
            labels: item.labels.clone(),
            place: item.place.clone(),
            handle: item.handle.clone().into(),
        };
        value(&contract::InventoryPage { items: self.items.iter().map(item).collect(), next: self.next.clone() })
    }
}

/// Those that the contract has under the same name.
macro_rules! recorded_as {
    ($($wit:ty => $contract:ty),* $(,)?) => {
        $(impl Recorded for $wit {
            fn recorded(&self) -> Value {
                value(&<$contract>::from(self.clone()))
            }
        })*
    };
}

recorded_as! {
    types::Handle => contract::Handle,
    lifecycle::Started => contract::Started,
    lifecycle::RunVerdict => contract::RunVerdict,
    lifecycle::Disposition => contract::Disposition,
    lifecycle::Recovered => contract::Recovered,
    logs::Page => contract::LogPage,
    exec::State => sessions::ExecState,
    archive::PathStat => sessions::FileStat,
}

/// What is the host's from then on: its bytes pass no component, and are not recorded.
impl Recorded for sessions::Connection {
    fn recorded(&self) -> Value {
        json!({ "framing": self.framing })
    }
}

impl Recorded for sessions::ExecStarted {
    fn recorded(&self) -> Value {
        json!({ "id": self.id, "connection": self.connection.recorded() })
    }
}

impl Recorded for sessions::BodyStream {
    fn recorded(&self) -> Value {
        Value::Null
    }
}

impl Recorded for (sessions::FileStat, sessions::BodyStream) {
    fn recorded(&self) -> Value {
        json!({ "stat": self.0 })
    }
}

impl Recorded for Box<dyn sessions::Upload> {
    fn recorded(&self) -> Value {
        Value::Null
    }
}
