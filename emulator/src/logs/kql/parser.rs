//! From tokens to a query, by recursive descent.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ast::{Expression, Key, Named, Operator, Query, Step, TextOperator};
use super::error::KqlError;
use super::lexer::{Kind, Token, ticks, tokens};
use super::value::{Moment, Value};

/// How deep expressions may be nested.
const MAX_DEPTH: usize = 100;

/// Reads one query.
pub(super) struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

type Parsed<T> = Result<T, KqlError>;

impl Parser {
    pub(super) fn new(text: &str) -> Parsed<Self> {
        Ok(Self { tokens: tokens(text)?, next: 0, depth: 0 })
    }

    pub(super) fn query(mut self) -> Parsed<Query> {
        let table = self.name("the name of a table")?;
        let mut steps = Vec::new();
        while self.accept("|") {
            steps.push(self.step()?);
        }
        match self.peek() {
            Kind::End => Ok(Query { table, steps }),
            _ => Err(self.unexpected("'|'")),
        }
    }

    fn step(&mut self) -> Parsed<Step> {
        let operator = self.name("an operator")?;
        match operator.as_str() {
            "where" | "filter" => self.expression().map(Step::Where),
            "take" | "limit" => self.number().map(Step::Take),
            "order" | "sort" => {
                self.word("by")?;
                self.keys().map(Step::Order)
            }
            "top" => {
                let count = self.number()?;
                self.word("by")?;
                Ok(Step::Top(count, self.keys()?))
            }
            "project" => self.list(Self::named).map(Step::Project),
            "extend" => self.list(Self::named).map(Step::Extend),
            "count" => Ok(Step::Count),
            other => Err(KqlError::syntax(
                self.tokens[self.next - 1].position,
                format_args!("the emulator does not know the operator '{other}'"),
            )),
        }
    }

    fn keys(&mut self) -> Parsed<Vec<Key>> {
        self.list(|parser| {
            let expression = parser.expression()?;
            // The language orders downwards unless told otherwise.
            let is_descending = if parser.accept_word("asc") {
                false
            } else {
                parser.accept_word("desc");
                true
            };
            let nulls_first = if parser.accept_word("nulls") {
                let first = parser.accept_word("first");
                if !first {
                    parser.word("last")?;
                }
                first
            } else {
                !is_descending
            };
            Ok(Key { expression, is_descending, nulls_first })
        })
    }

    fn named(&mut self) -> Parsed<Named> {
        if let (Kind::Word(name), Some(Kind::Sign("="))) =
            (self.peek().clone(), self.tokens.get(self.next + 1).map(|token| &token.kind))
        {
            self.next += 2;
            return Ok(Named { name: Some(name), expression: self.expression()? });
        }
        Ok(Named { name: None, expression: self.expression()? })
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(KqlError::syntax(self.position(), "the expression is nested too deeply"));
        }
        let mut left = self.conjunction()?;
        while self.accept_word("or") {
            left = binary(Operator::Or, left, self.conjunction()?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<Expression> {
        let mut left = self.comparison()?;
        while self.accept_word("and") {
            left = binary(Operator::And, left, self.comparison()?);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.sum()?;
        for (sign, operator) in [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("=~", Operator::EqualText),
            ("!~", Operator::NotEqualText),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if self.accept(sign) {
                return Ok(binary(operator, left, self.sum()?));
            }
        }
        let is_negated = self.accept("!");
        if let Kind::Word(word) = self.peek().clone() {
            match word.as_str() {
                "in" | "in~" => {
                    self.next += 1;
                    self.sign("(")?;
                    let list = self.list(Self::expression)?;
                    self.sign(")")?;
                    let item = Box::new(left);
                    return Ok(Expression::In { item, list, is_negated, ignores_case: word == "in~" });
                }
                "between" => {
                    self.next += 1;
                    self.sign("(")?;
                    let low = Box::new(self.sum()?);
                    self.sign("..")?;
                    let high = Box::new(self.sum()?);
                    self.sign(")")?;
                    return Ok(Expression::Between { item: Box::new(left), low, high, is_negated });
                }
                _ => {
                    if let Some(operator) = text_operator(&word) {
                        self.next += 1;
                        return Ok(binary(Operator::Text(operator, is_negated), left, self.sum()?));
                    }
                }
            }
        }
        if is_negated {
            return Err(self.unexpected("an operator after '!'"));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Kind::Sign("+") => Operator::Add,
                Kind::Sign("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.next += 1;
            left = binary(operator, left, self.product()?);
        }
    }

    fn product(&mut self) -> Parsed<Expression> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Kind::Sign("*") => Operator::Multiply,
                Kind::Sign("/") => Operator::Divide,
                Kind::Sign("%") => Operator::Remainder,
                _ => return Ok(left),
            };
            self.next += 1;
            left = binary(operator, left, self.unary()?);
        }
    }

    fn unary(&mut self) -> Parsed<Expression> {
        if self.accept("-") {
            return Ok(Expression::Negate(Box::new(self.postfix()?)));
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        let mut value = self.primary()?;
        loop {
            if self.accept(".") {
                let name = Expression::Literal(Value::String(self.name("the name of a member")?));
                value = Expression::Member(Box::new(value), Box::new(name));
            } else if self.accept("[") {
                let key = self.expression()?;
                self.sign("]")?;
                value = Expression::Member(Box::new(value), Box::new(key));
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let position = self.position();
        match self.peek().clone() {
            Kind::Literal(value) => {
                self.next += 1;
                Ok(Expression::Literal(value))
            }
            Kind::Raw(kind, text) => {
                self.next += 1;
                let value = if kind == "datetime" { datetime(&text) } else { timespan(&text) };
                value
                    .map(Expression::Literal)
                    .ok_or_else(|| KqlError::syntax(position, format_args!("{kind}({text}) is not valid")))
            }
            Kind::Word(name) => {
                self.next += 1;
                if !self.accept("(") {
                    return Ok(Expression::Column(name));
                }
                let arguments =
                    if matches!(self.peek(), Kind::Sign(")")) { Vec::new() } else { self.list(Self::expression)? };
                self.sign(")")?;
                Ok(Expression::Call(name, arguments))
            }
            Kind::Sign("(") => {
                self.next += 1;
                let value = self.expression()?;
                self.sign(")")?;
                Ok(value)
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn peek(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    fn position(&self) -> usize {
        self.tokens[self.next].position
    }

    fn unexpected(&self, wanted: &str) -> KqlError {
        KqlError::syntax(self.position(), format_args!("{wanted} is expected"))
    }

    fn accept(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Kind::Sign(next) if *next == sign);
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> Parsed<()> {
        if self.accept(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Kind::Word(next) if next == word);
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> Parsed<()> {
        if self.accept_word(word) { Ok(()) } else { Err(self.unexpected(&format!("'{word}'"))) }
    }

    fn name(&mut self, wanted: &str) -> Parsed<String> {
        let Kind::Word(name) = self.peek().clone() else { return Err(self.unexpected(wanted)) };
        self.next += 1;
        Ok(name)
    }

    fn number(&mut self) -> Parsed<usize> {
        let Kind::Literal(Value::Long(number)) = *self.peek() else { return Err(self.unexpected("a number of rows")) };
        self.next += 1;
        usize::try_from(number).map_err(|_| self.unexpected("a number of rows"))
    }
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new(left), Box::new(right))
}

fn text_operator(word: &str) -> Option<TextOperator> {
    Some(match word {
        "contains" => TextOperator::Contains,
        "contains_cs" => TextOperator::ContainsCase,
        "startswith" => TextOperator::StartsWith,
        "startswith_cs" => TextOperator::StartsWithCase,
        "endswith" => TextOperator::EndsWith,
        "endswith_cs" => TextOperator::EndsWithCase,
        "has" => TextOperator::Has,
        _ => return None,
    })
}

/// A date with or without a time and a zone; without one it is UTC.
pub(super) fn datetime(text: &str) -> Option<Value> {
    if text == "null" {
        return Some(Value::Null);
    }
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(Value::DateTime(Moment::from(time)))
}

/// `5m`, or `[days.]hh:mm[:ss[.fffffff]]`.
pub(super) fn timespan(text: &str) -> Option<Value> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if !unit.is_empty() {
        return ticks(number.trim().parse().ok()?, unit).map(Value::Timespan);
    }
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) if clock.contains(':') => (days, clock),
        _ => ("0", text),
    };
    let mut parts = clock.split(':');
    let (hours, minutes) = (parts.next()?, parts.next()?);
    let seconds = parts.next().unwrap_or("0");
    let total = days.parse::<f64>().ok()? * 86_400.0
        + hours.parse::<f64>().ok()? * 3_600.0
        + minutes.parse::<f64>().ok()? * 60.0
        + seconds.parse::<f64>().ok()?;
    ticks(total, "s").map(Value::Timespan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Parsed<Query> {
        Parser::new(text)?.query()
    }

    #[test]
    fn and_binds_closer_than_or() {
        let query = parse("T | where a == 1 or b == 2 and c == 3").unwrap();
        let [Step::Where(Expression::Binary(Operator::Or, _, right))] = query.steps.as_slice() else {
            panic!("{query:?}")
        };
        assert!(matches!(**right, Expression::Binary(Operator::And, _, _)));
    }

    #[test]
    fn order_is_downwards_by_default() {
        let query = parse("T | order by a, b asc nulls last").unwrap();
        let [Step::Order(keys)] = query.steps.as_slice() else { panic!("{query:?}") };
        assert!(keys[0].is_descending && !keys[0].nulls_first);
        assert!(!keys[1].is_descending && !keys[1].nulls_first);
    }

    #[test]
    fn members_have_two_forms() {
        assert_eq!(parse("T | where Properties.x == 1").unwrap(), parse("T | where Properties['x'] == 1").unwrap());
    }

    #[test]
    fn errors_tell_where() {
        for (text, position) in
            [("T | where", 9), ("T | wher a", 4), ("T where", 2), ("T | take x", 9), ("T | where (a", 12)]
        {
            let error = parse(text).unwrap_err();
            assert!(error.is_syntax());
            assert!(error.to_string().contains(&format!("position {position}")), "{text}: {error}");
        }
        assert!(parse(&format!("T | where {}a{}", "(".repeat(200), ")".repeat(200))).is_err());
    }

    #[test]
    fn times_have_many_forms() {
        assert_eq!(datetime("2026-11-24"), datetime("2026-11-24T00:00:00Z"));
        assert_eq!(datetime("2026-11-24 10:00:00.1234567"), datetime("2026-11-24T10:00:00.1234567Z"));
        assert_eq!(timespan("1.02:00:00"), timespan("26h"));
        assert_eq!(datetime("soon"), None);
    }
}
