//! Runs a query over a table.

use std::cmp::Ordering;

use super::ast::{Expression, Key, Named, Query, Step};
use super::error::KqlError;
use super::eval::{Scope, evaluate};
use super::types::type_of;
use super::value::{Moment, Type, Value};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::logs) struct Column {
    pub(in crate::logs) name: String,
    pub(in crate::logs) kind: Type,
}

/// A row: as many values as there are columns, and when it was ingested.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::logs) struct Row {
    pub(in crate::logs) values: Vec<Value>,
    pub(in crate::logs) ingested: Moment,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::logs) struct Table {
    pub(in crate::logs) columns: Vec<Column>,
    pub(in crate::logs) rows: Vec<Row>,
}

impl Table {
    /// Drops the rows outside an interval of time.
    pub(in crate::logs) fn retain_within(&mut self, column: &str, from: i64, to: i64) {
        if let Some(index) = self.columns.iter().position(|candidate| candidate.name == column) {
            self.rows
                .retain(|row| matches!(row.values[index], Value::DateTime(Moment(time)) if (from..to).contains(&time)));
        }
    }
}

impl Query {
    /// Does what the query says.
    pub(in crate::logs) fn run(&self, table: Table, now: Moment) -> Result<Table, KqlError> {
        self.steps.iter().try_fold(table, |table, step| step.run(table, now))
    }
}

impl Step {
    fn run(&self, mut table: Table, now: Moment) -> Result<Table, KqlError> {
        match self {
            Self::Where(condition) => {
                type_of(condition, &table.columns)?;
                let Table { columns, rows } = table;
                let mut kept = Vec::new();
                for row in rows {
                    if evaluate(condition, &Scope { columns: &columns, row: &row, now })? == Value::Bool(true) {
                        kept.push(row);
                    }
                }
                Ok(Table { columns, rows: kept })
            }
            Self::Take(count) => {
                table.rows.truncate(*count);
                Ok(table)
            }
            Self::Order(keys) => order(table, keys, now),
            Self::Top(count, keys) => {
                let mut table = order(table, keys, now)?;
                table.rows.truncate(*count);
                Ok(table)
            }
            Self::Project(columns) => compute(&table, columns, Vec::new(), now),
            Self::Extend(columns) => {
                let before = table.columns.clone();
                compute(&table, columns, before, now)
            }
            Self::Count => Ok(Table {
                columns: vec![Column { name: "Count".to_owned(), kind: Type::Long }],
                rows: vec![Row {
                    values: vec![Value::Long(i64::try_from(table.rows.len()).unwrap_or(i64::MAX))],
                    ingested: now,
                }],
            }),
        }
    }
}

/// New columns, beside or in place of those in `kept`.
fn compute(table: &Table, named: &[Named], kept: Vec<Column>, now: Moment) -> Result<Table, KqlError> {
    let kept_count = kept.len();
    let mut columns = kept;
    let mut targets = Vec::new();
    for (index, Named { name, expression }) in named.iter().enumerate() {
        let kind = type_of(expression, &table.columns)?;
        let name = name.clone().unwrap_or_else(|| default_name(expression, index));
        let target = columns.iter().position(|column| column.name == name).unwrap_or(columns.len());
        let column = Column { name, kind };
        if target == columns.len() {
            columns.push(column);
        } else {
            columns[target] = column;
        }
        targets.push(target);
    }
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let mut values = row.values[..kept_count].to_vec();
        values.resize(columns.len(), Value::Null);
        for (Named { expression, .. }, target) in named.iter().zip(&targets) {
            values[*target] = evaluate(expression, &Scope { columns: &table.columns, row, now })?;
        }
        rows.push(Row { values, ingested: row.ingested });
    }
    Ok(Table { columns, rows })
}

fn default_name(expression: &Expression, index: usize) -> String {
    match expression {
        Expression::Column(name) => name.clone(),
        Expression::Member(of, key) => match &**key {
            Expression::Literal(key) => format!("{}_{}", default_name(of, index), key.text()),
            _ => format!("Column{}", index + 1),
        },
        Expression::Call(name, arguments) if arguments.len() == 1 && name.starts_with("to") => {
            default_name(&arguments[0], index)
        }
        _ => format!("Column{}", index + 1),
    }
}

fn order(table: Table, keys: &[Key], now: Moment) -> Result<Table, KqlError> {
    let Table { columns, rows } = table;
    for key in keys {
        type_of(&key.expression, &columns)?;
    }
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        let scope = Scope { columns: &columns, row: &row, now };
        let values: Vec<_> = keys.iter().map(|key| evaluate(&key.expression, &scope)).collect::<Result<_, _>>()?;
        keyed.push((values, row));
    }
    keyed.sort_by(|(a, _), (b, _)| {
        keys.iter()
            .zip(a.iter().zip(b))
            .map(|(key, (a, b))| compare(key, a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    Ok(Table { columns, rows: keyed.into_iter().map(|(_, row)| row).collect() })
}

fn compare(key: &Key, a: &Value, b: &Value) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if key.nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) => compare(key, b, a).reverse(),
        (false, false) => {
            let order = a.compare(b).unwrap_or(Ordering::Equal);
            if key.is_descending { order.reverse() } else { order }
        }
    }
}
