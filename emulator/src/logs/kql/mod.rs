//! A small part of the Kusto query language: what the azf backend asks, and what a person would try next.
//!
//! `Table | where … | extend … | project … | order by … | take … | top … by … | count`, with `and`, `or`,
//! `not()`, comparisons, string operators, arithmetic on numbers and times, and a few functions.
//! Whatever is not known is refused, never skipped.

mod ast;
mod error;
mod eval;
mod functions;
mod lexer;
mod operators;
mod parser;
mod run;
mod types;
mod value;

pub(super) use self::ast::Query;
pub(super) use self::error::KqlError;
pub(super) use self::run::{Column, Row, Table};
pub(super) use self::value::{Moment, Type, Value};

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, KqlError> {
    parser::Parser::new(text)?.query()
}
