//! `AppTraces` as the query language sees it.

use serde_json::Value as Json;

use super::kql::{Column, Moment, Row, Table, Type, Value};
use super::store::Trace;

/// The table's name.
pub(super) const NAME: &str = "AppTraces";

/// Lays traces out in columns.
pub(super) fn traces(traces: Vec<Trace>, workspace: &str) -> Table {
    let columns = [
        ("TenantId", Type::String),
        ("TimeGenerated", Type::DateTime),
        ("Message", Type::String),
        ("SeverityLevel", Type::Int),
        ("Properties", Type::Dynamic),
        ("AppRoleName", Type::String),
        ("AppRoleInstance", Type::String),
        ("OperationId", Type::String),
        ("ItemCount", Type::Int),
        ("Type", Type::String),
        ("_ResourceId", Type::String),
    ]
    .map(|(name, kind)| Column { name: name.to_owned(), kind })
    .to_vec();
    let rows = traces
        .into_iter()
        .map(|trace| Row {
            ingested: Moment::from(trace.ingested),
            values: vec![
                Value::String(workspace.to_owned()),
                Value::DateTime(Moment::from(trace.time)),
                Value::String(trace.message),
                Value::Long(trace.severity),
                Value::Dynamic(Json::Object(trace.properties)),
                Value::String(trace.role),
                Value::String(trace.role_instance),
                Value::String(trace.operation),
                Value::Long(1),
                Value::String(NAME.to_owned()),
                Value::String(String::new()),
            ],
        })
        .collect();
    Table { columns, rows }
}
