//! Key conditions: a test for each key attribute, equality for all but the last.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check;
use super::condition::{Condition, Operand, parse};
use super::placeholders::Placeholders;
use super::raw::Comparator;
use super::{ExpressionError, Parameter, Path};
use crate::value::{AttributeValue, Kind};

/// The tests by attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyConditions(pub BTreeMap<String, RangeTest>);

/// What a key attribute is tested for.
#[derive(Debug, Clone, PartialEq)]
pub enum RangeTest {
    /// `=`, `<`, `<=`, `>`, `>=`
    Compare(Comparator, Arc<AttributeValue>),
    /// Both bounds included.
    Between(Arc<AttributeValue>, Arc<AttributeValue>),
    /// A text's or binary's beginning.
    BeginsWith(Arc<AttributeValue>),
}

impl RangeTest {
    /// The types of the values that it tests with.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let (first, second) = match self {
            RangeTest::Compare(_, value) | RangeTest::BeginsWith(value) => (value.kind(), None),
            RangeTest::Between(low, high) => (low.kind(), Some(high.kind())),
        };
        std::iter::once(first).chain(second)
    }

    /// The value, where the test is for equality.
    pub fn equal_to(&self) -> Option<&AttributeValue> {
        match self {
            RangeTest::Compare(Comparator::Equal, value) => Some(value),
            _ => None,
        }
    }
}

type Checked<T> = Result<T, ExpressionError>;

impl KeyConditions {
    /// Parses and checks a key condition expression.
    pub fn parse(text: &str, placeholders: &Placeholders) -> Checked<KeyConditions> {
        let raw = parse(text, Parameter::KeyCondition)?;
        let condition = check::condition(&raw, placeholders)?;
        let mut conditions = KeyConditions::default();
        conditions.take(condition)?;
        Ok(conditions)
    }

    fn take(&mut self, condition: Condition) -> Checked<()> {
        let (path, test) = match condition {
            Condition::And(all) => return all.into_iter().try_for_each(|part| self.take(part)),
            Condition::Compare(comparator, a, b) if comparator != Comparator::NotEqual => {
                compared(comparator, a, b)?
            }
            Condition::Between(a, b, c) => {
                let path = first_is_path("BETWEEN", &a)?;
                only_one_name([&b, &c])?;
                (path, RangeTest::Between(literal(&b)?, literal(&c)?))
            }
            Condition::BeginsWith(a, b) => {
                let path = first_is_path("begins_with", &a)?;
                only_one_name([&b])?;
                (path, RangeTest::BeginsWith(literal(&b)?))
            }
            other => return Err(not_for_keys(&other)),
        };
        if !path.steps.is_empty() {
            return Err(ExpressionError::new(
                "KeyConditionExpressions cannot have conditions on nested attributes",
            ));
        }
        if self.0.insert(path.root, test).is_some() {
            return Err(ExpressionError::new(
                "KeyConditionExpressions must only contain one condition per key",
            ));
        }
        Ok(())
    }
}

fn compared(comparator: Comparator, a: Operand, b: Operand) -> Checked<(Path, RangeTest)> {
    let (path, comparator, value) = match (a, b) {
        (Operand::Path(path), value) => {
            only_one_name([&value])?;
            (path, comparator, value)
        }
        (value, Operand::Path(path)) => (path, comparator.reversed(), value),
        (Operand::Size(_), _) | (_, Operand::Size(_)) => return Err(nested()),
        _ => return Err(invalid("No key attribute specified")),
    };
    Ok((path, RangeTest::Compare(comparator, literal(&value)?)))
}

fn first_is_path(operator: &str, operand: &Operand) -> Checked<Path> {
    match operand {
        Operand::Path(path) => Ok(path.clone()),
        Operand::Size(_) => Err(nested()),
        Operand::Literal(_) => {
            Err(invalid(&format!("{operator} operator must have the key attribute as its first operand")))
        }
    }
}

fn only_one_name<const N: usize>(operands: [&Operand; N]) -> Checked<()> {
    if operands.iter().any(|operand| matches!(operand, Operand::Path(_))) {
        return Err(invalid("Multiple attribute names used in one condition"));
    }
    Ok(())
}

fn literal(operand: &Operand) -> Checked<Arc<AttributeValue>> {
    match operand {
        Operand::Literal(literal) => {
            let value = literal.view().and_then(|value| value.to_value());
            value.map(Arc::new).ok_or_else(|| invalid("No key attribute specified"))
        }
        Operand::Size(_) => Err(nested()),
        Operand::Path(_) => Err(invalid("Multiple attribute names used in one condition")),
    }
}

fn nested() -> ExpressionError {
    ExpressionError::new("KeyConditionExpressions cannot contain nested operations")
}

fn invalid(what: &str) -> ExpressionError {
    ExpressionError::new(format!("Invalid condition in KeyConditionExpression: {what}"))
}

fn not_for_keys(condition: &Condition) -> ExpressionError {
    let operator = match condition {
        Condition::Or(_) => "OR",
        Condition::Not(inner) if matches!(**inner, Condition::Exists(_)) => "attribute_not_exists",
        Condition::Not(_) => "NOT",
        Condition::In(..) => "IN",
        Condition::Exists(_) => "attribute_exists",
        Condition::HasType(..) => "attribute_type",
        Condition::Contains(..) => "contains",
        _ => "<>",
    };
    ExpressionError::new(format!("Invalid operator used in KeyConditionExpression: {operator}"))
}
