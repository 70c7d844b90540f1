//! The parts of a query.

use super::value::Value;

/// A table and what is done with its rows, in order.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::logs) struct Query {
    pub(super) table: String,
    pub(super) steps: Vec<Step>,
}

impl Query {
    /// The table that it reads.
    pub(in crate::logs) fn table(&self) -> &str {
        &self.table
    }
}

/// An operator between two bars.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Where(Expression),
    Take(usize),
    Order(Vec<Key>),
    Top(usize, Vec<Key>),
    /// The columns that remain.
    Project(Vec<Named>),
    /// The columns that are added or replaced.
    Extend(Vec<Named>),
    Count,
}

/// What rows are ordered by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) expression: Expression,
    pub(super) is_descending: bool,
    pub(super) nulls_first: bool,
}

/// An expression and its column's name, if it was given one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) expression: Expression,
}

/// Something with a value in every row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(Value),
    Column(String),
    /// `.name` or `["name"]` or `[0]`.
    Member(Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
    Negate(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    In {
        item: Box<Expression>,
        list: Vec<Expression>,
        is_negated: bool,
        ignores_case: bool,
    },
    Between {
        item: Box<Expression>,
        low: Box<Expression>,
        high: Box<Expression>,
        is_negated: bool,
    },
}

/// Between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    EqualText,
    NotEqualText,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// An operator on text; negated if the flag is set.
    Text(TextOperator, bool),
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Tests of one text against another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextOperator {
    Contains,
    ContainsCase,
    StartsWith,
    StartsWithCase,
    EndsWith,
    EndsWithCase,
    Has,
}
