//! Conditions and filters: the grammar, and the resolved tree.

use super::check;
use super::parser::Parser;
use super::placeholders::Placeholders;
use super::raw::{Comparator, RawCondition, RawOperand};
use super::{ExpressionError, MAX_IN_OPERANDS, Parameter, Path};
use crate::value::stored::encode_value;
use crate::value::{AttributeValue, Kind, ValueRef};

const KEYWORDS: &[&str] = &["AND", "OR", "NOT", "BETWEEN", "IN"];

/// A condition that is ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// Any of them.
    Or(Vec<Condition>),
    /// Not it.
    Not(Box<Condition>),
    /// A comparison.
    Compare(Comparator, Operand, Operand),
    /// The first lies between the other two, both included.
    Between(Operand, Operand, Operand),
    /// The first equals one of the others.
    In(Operand, Vec<Operand>),
    /// The path leads to something.
    Exists(Path),
    /// The value is of the type.
    HasType(Operand, Kind),
    /// The first text or binary begins with the second.
    BeginsWith(Operand, Operand),
    /// The first text, binary, set or list contains the second.
    Contains(Operand, Operand),
}

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// What a path leads to.
    Path(Path),
    /// A value of the request's.
    Literal(Literal),
    /// How large something is.
    Size(Box<Operand>),
}

/// A value of the request's, in its stored form, so that it compares with stored ones byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal(Vec<u8>);

impl Literal {
    /// Encodes a value.
    pub fn new(value: &AttributeValue) -> Literal {
        Literal(encode_value(value))
    }

    /// The value.
    pub fn view(&self) -> Option<ValueRef<'_>> {
        ValueRef::new(&self.0)
    }
}

impl Condition {
    /// Parses, checks and resolves a condition or filter.
    pub fn parse(
        text: &str,
        parameter: Parameter,
        placeholders: &Placeholders,
    ) -> Result<Condition, ExpressionError> {
        let raw = parse(text, parameter)?;
        check::condition(&raw, placeholders)
    }

    /// Calls `visit` with every path that the condition looks at.
    pub fn for_each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a Path)) {
        let mut operands: Vec<&Operand> = Vec::new();
        match self {
            Condition::And(all) | Condition::Or(all) => {
                all.iter().for_each(|inner| inner.for_each_path(visit))
            }
            Condition::Not(inner) => inner.for_each_path(visit),
            Condition::Exists(path) => visit(path),
            Condition::Compare(_, a, b) | Condition::BeginsWith(a, b) | Condition::Contains(a, b) => {
                operands.extend([a, b]);
            }
            Condition::Between(a, b, c) => operands.extend([a, b, c]),
            Condition::In(a, list) => operands.extend(std::iter::once(a).chain(list)),
            Condition::HasType(a, _) => operands.push(a),
        }
        for mut operand in operands {
            while let Operand::Size(inner) = operand {
                operand = inner;
            }
            if let Operand::Path(path) = operand {
                visit(path);
            }
        }
    }
}

/// Parses a condition's grammar, and refuses redundant parentheses.
pub(super) fn parse(text: &str, parameter: Parameter) -> Result<RawCondition, ExpressionError> {
    let mut parser = Parser::new(text, parameter, KEYWORDS)?;
    let condition = whole(&mut parser)?.condition(&parser)?;
    parser.end()?;
    if parser.redundant_parentheses {
        return Err(ExpressionError::new("The expression has redundant parentheses;"));
    }
    Ok(condition)
}

/// What was parsed: until an operator or a parenthesis decides it, a condition or an operand.
struct Part {
    what: What,
    /// Whether all of it stood in parentheses.
    enclosed: bool,
}

enum What {
    Condition(RawCondition),
    Operand(RawOperand),
}

impl Part {
    fn open(what: What) -> Part {
        Part { what, enclosed: false }
    }

    fn condition(self, parser: &Parser<'_>) -> Result<RawCondition, ExpressionError> {
        match self.what {
            What::Condition(condition) => Ok(condition),
            What::Operand(RawOperand::Call(call)) => Ok(RawCondition::Call(call)),
            What::Operand(_) => Err(parser.tokens.unexpected()),
        }
    }
}

/// What is open at one level of parentheses: the conditions before the one that is being read.
#[derive(Default)]
struct Level {
    any: Vec<RawCondition>,
    all: Vec<RawCondition>,
    negated: bool,
}

impl Level {
    /// Takes the next part. None where an operator says that another follows.
    fn take(&mut self, part: Part, parser: &mut Parser<'_>) -> Result<Option<Part>, ExpressionError> {
        let part = if std::mem::take(&mut self.negated) { negation(part.condition(parser)?) } else { part };
        if parser.tokens.take_keyword("AND") {
            parser.operator()?;
            self.all.push(part.condition(parser)?);
            return Ok(None);
        }
        let part = joined(&mut self.all, part, RawCondition::And, parser)?;
        if parser.tokens.take_keyword("OR") {
            parser.operator()?;
            self.any.push(part.condition(parser)?);
            return Ok(None);
        }
        joined(&mut self.any, part, RawCondition::Or, parser).map(Some)
    }
}

fn joined(
    before: &mut Vec<RawCondition>,
    last: Part,
    join: fn(Vec<RawCondition>) -> RawCondition,
    parser: &Parser<'_>,
) -> Result<Part, ExpressionError> {
    if before.is_empty() {
        return Ok(last);
    }
    before.push(last.condition(parser)?);
    Ok(Part::open(What::Condition(join(std::mem::take(before)))))
}

fn negation(condition: RawCondition) -> Part {
    Part::open(What::Condition(match condition {
        RawCondition::Not(inner) => *inner,
        other => RawCondition::Not(Box::new(other)),
    }))
}

/// Reads a whole condition. Levels lie on a stack of their own: some clients put every `OR` into parentheses.
fn whole(parser: &mut Parser<'_>) -> Result<Part, ExpressionError> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    loop {
        while parser.tokens.take_keyword("NOT") {
            parser.operator()?;
            level.negated = !level.negated;
        }
        if parser.tokens.take_symbol("(") {
            outer.push(std::mem::take(&mut level));
            continue;
        }
        let operand = parser.operand()?;
        let mut part = comparison(parser, Part::open(What::Operand(operand)))?;
        while let Some(inner) = level.take(part, parser)? {
            let Some(around) = outer.pop() else { return Ok(inner) };
            level = around;
            parser.tokens.expect_symbol(")")?;
            let inner = enclosed(parser, inner)?;
            part = comparison(parser, inner)?;
        }
    }
}

/// What follows an operand, if anything does.
fn comparison(parser: &mut Parser<'_>, part: Part) -> Result<Part, ExpressionError> {
    let What::Operand(left) = part.what else { return Ok(part) };
    let operand = |parser: &mut Parser<'_>| parser.operand_in_parentheses();
    if let Some(comparator) = Comparator::from_symbol(parser.tokens.text()) {
        parser.tokens.take();
        parser.operator()?;
        return Ok(Part::open(What::Condition(RawCondition::Compare(comparator, left, operand(parser)?))));
    }
    if parser.tokens.take_keyword("BETWEEN") {
        parser.operator()?;
        let lower = operand(parser)?;
        if !parser.tokens.take_keyword("AND") {
            return Err(parser.tokens.unexpected());
        }
        return Ok(Part::open(What::Condition(RawCondition::Between(left, lower, operand(parser)?))));
    }
    if parser.tokens.take_keyword("IN") {
        parser.operator()?;
        return member_of(parser, left);
    }
    Ok(Part { what: What::Operand(left), enclosed: part.enclosed })
}

fn member_of(parser: &mut Parser<'_>, left: RawOperand) -> Result<Part, ExpressionError> {
    parser.tokens.expect_symbol("(")?;
    let list = parser.nested(Parser::operands)?;
    parser.tokens.expect_symbol(")")?;
    let count = list.len();
    if count > MAX_IN_OPERANDS {
        return Err(ExpressionError::new(format!(
            "The IN operator is provided with too many operands; number of operands: {count}"
        )));
    }
    Ok(Part::open(What::Condition(RawCondition::In(left, list))))
}

/// What stood in parentheses.
fn enclosed(parser: &mut Parser<'_>, inner: Part) -> Result<Part, ExpressionError> {
    parser.redundant_parentheses |= inner.enclosed;
    let what = match inner.what {
        What::Operand(operand) => What::Operand(parser.steps_after(operand)?),
        condition => condition,
    };
    Ok(Part { what, enclosed: true })
}
