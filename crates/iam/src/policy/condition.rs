//! `Condition` blocks: every operator of the policy language, `...IfExists`, `ForAllValues:` and `ForAnyValue:`.
//!
//! Operators of a statement are joined by AND, as are an operator's keys; a key's values by OR (for negated operators:
//! none may match). A key that the request lacks fails the condition, except for negated operators, `...IfExists`
//! and `ForAllValues`. Several request values need a set operator; without one an Allow does not match, and a Deny
//! matches if any value does, so that neither fails open.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::context::Context;
use super::document::Effect;
use super::pattern::{Pattern, Syntax};
use super::value::{ArnPattern, Cidr, Number, date, is_arn};

/// One key of one operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    /// The key in lower case.
    key: Box<str>,
    set: SetOperator,
    if_exists: bool,
    negated: bool,
    test: Test,
}

/// How several values of the request count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetOperator {
    None,
    ForAllValues,
    ForAnyValue,
}

/// A comparison with its operands. An operand that does not parse is kept as `None`: it compares to nothing.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Text { operands: Box<[Pattern]>, ignore_case: bool },
    Numeric { operands: Box<[Option<Number>]>, order: Order },
    Date { operands: Box<[Option<nephos_core::Timestamp>]>, order: Order },
    Bool(Box<[Option<bool>]>),
    Binary(Box<[Option<Vec<u8>>]>),
    Ip(Box<[Option<Cidr>]>),
    Arn(Box<[ArnPattern]>),
    Null(Box<[Option<bool>]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Order::Equal => ordering.is_eq(),
            Order::Less => ordering.is_lt(),
            Order::LessOrEqual => ordering.is_le(),
            Order::Greater => ordering.is_gt(),
            Order::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// An operator's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Operator {
    set: SetOperator,
    if_exists: bool,
    negated: bool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    TextEquals,
    TextEqualsIgnoreCase,
    TextLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

impl Operator {
    /// Reads an operator's name, whatever its case. Unknown ones have no meaning and are refused by the caller.
    pub(super) fn parse(name: &str) -> Option<Operator> {
        let name = name.to_ascii_lowercase();
        let (set, rest) = match name.split_once(':') {
            Some(("forallvalues", rest)) => (SetOperator::ForAllValues, rest),
            Some(("foranyvalue", rest)) => (SetOperator::ForAnyValue, rest),
            Some(_) => return None,
            None => (SetOperator::None, name.as_str()),
        };
        let (base, if_exists) = match rest.strip_suffix("ifexists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (kind, negated) = kind(base)?;
        if kind == Kind::Null && if_exists {
            return None;
        }
        Some(Operator { set, if_exists, negated, kind })
    }

    /// Whether the operator compares dates, whose operands are checked when a policy is stored.
    pub(super) fn takes_dates(self) -> bool {
        matches!(self.kind, Kind::Date(_))
    }
}

fn kind(base: &str) -> Option<(Kind, bool)> {
    if let Some(order) = base.strip_prefix("numeric") {
        return order_of(order).map(|(order, negated)| (Kind::Numeric(order), negated));
    }
    if let Some(order) = base.strip_prefix("date") {
        return order_of(order).map(|(order, negated)| (Kind::Date(order), negated));
    }
    Some(match base {
        "stringequals" => (Kind::TextEquals, false),
        "stringnotequals" => (Kind::TextEquals, true),
        "stringequalsignorecase" => (Kind::TextEqualsIgnoreCase, false),
        "stringnotequalsignorecase" => (Kind::TextEqualsIgnoreCase, true),
        "stringlike" => (Kind::TextLike, false),
        "stringnotlike" => (Kind::TextLike, true),
        "bool" => (Kind::Bool, false),
        "binaryequals" => (Kind::Binary, false),
        "ipaddress" => (Kind::Ip, false),
        "notipaddress" => (Kind::Ip, true),
        "arnequals" | "arnlike" => (Kind::Arn, false),
        "arnnotequals" | "arnnotlike" => (Kind::Arn, true),
        "null" => (Kind::Null, false),
        _ => return None,
    })
}

fn order_of(name: &str) -> Option<(Order, bool)> {
    Some(match name {
        "equals" => (Order::Equal, false),
        "notequals" => (Order::Equal, true),
        "lessthan" => (Order::Less, false),
        "lessthanequals" => (Order::LessOrEqual, false),
        "greaterthan" => (Order::Greater, false),
        "greaterthanequals" => (Order::GreaterOrEqual, false),
        _ => return None,
    })
}

impl Condition {
    /// Compiles one key of an operator with its values.
    pub(super) fn compile(operator: Operator, key: &str, values: &[String], variables: bool) -> Condition {
        let Operator { set, if_exists, negated, kind } = operator;
        let test = Test::compile(kind, values, variables);
        Condition { key: key.to_ascii_lowercase().into(), set, if_exists, negated, test }
    }

    /// Whether the request fulfils the condition.
    pub(super) fn holds(&self, context: &dyn Context, effect: Effect) -> bool {
        let values = context.values(&self.key).filter(|values| !values.is_empty());
        if let Test::Null(wanted) = &self.test {
            return wanted.contains(&Some(values.is_none()));
        }
        let Some(values) = values else {
            return match self.set {
                SetOperator::ForAllValues => true,
                SetOperator::ForAnyValue => false,
                SetOperator::None => self.if_exists || self.negated,
            };
        };
        let test = |value: &str| self.value_passes(value, context);
        match self.set {
            SetOperator::ForAllValues => values.all(test),
            SetOperator::ForAnyValue => values.any(test),
            SetOperator::None if values.len() == 1 || effect == Effect::Deny => values.any(test),
            SetOperator::None => false,
        }
    }

    fn value_passes(&self, value: &str, context: &dyn Context) -> bool {
        let outcomes = self.test.outcomes(value, context);
        match self.negated {
            false => outcomes.any,
            true => outcomes.comparable && !outcomes.any,
        }
    }
}

/// How one value of the request compares to all operands.
struct Outcomes {
    /// Some operand matched.
    any: bool,
    /// Value and operands could all be compared; a negated operator that can't compare does not hold.
    comparable: bool,
}

impl Outcomes {
    fn of<T>(operands: &[Option<T>], matches: impl Fn(&T) -> Option<bool>) -> Outcomes {
        let mut outcomes = Outcomes { any: false, comparable: true };
        for operand in operands {
            match operand.as_ref().and_then(&matches) {
                Some(matched) => outcomes.any |= matched,
                None => outcomes.comparable = false,
            }
        }
        outcomes
    }

    /// A variable without a value equals nothing, so it does not keep a negated operator from holding.
    fn of_patterns<T>(operands: &[T], matches: impl Fn(&T) -> Option<bool>) -> Outcomes {
        Outcomes { any: operands.iter().any(|operand| matches(operand) == Some(true)), comparable: true }
    }
}

impl Test {
    fn compile(kind: Kind, values: &[String], variables: bool) -> Test {
        let text =
            |wildcards| values.iter().map(|v| Pattern::compile(v, Syntax { wildcards, variables })).collect();
        let boolean = || values.iter().map(|v| boolean(v)).collect();
        match kind {
            Kind::TextEquals => Test::Text { operands: text(false), ignore_case: false },
            Kind::TextEqualsIgnoreCase => Test::Text { operands: text(false), ignore_case: true },
            Kind::TextLike => Test::Text { operands: text(true), ignore_case: false },
            Kind::Numeric(order) => {
                Test::Numeric { operands: values.iter().map(|v| Number::parse(v)).collect(), order }
            }
            Kind::Date(order) => Test::Date { operands: values.iter().map(|v| date(v)).collect(), order },
            Kind::Bool => Test::Bool(boolean()),
            Kind::Binary => Test::Binary(values.iter().map(|v| STANDARD.decode(v).ok()).collect()),
            Kind::Ip => Test::Ip(values.iter().map(|v| Cidr::parse(v)).collect()),
            Kind::Arn => {
                let syntax = Syntax { wildcards: true, variables };
                Test::Arn(values.iter().map(|v| ArnPattern::compile(v, syntax)).collect())
            }
            Kind::Null => Test::Null(boolean()),
        }
    }

    fn outcomes(&self, value: &str, context: &dyn Context) -> Outcomes {
        match self {
            Test::Text { operands, ignore_case: false } => {
                Outcomes::of_patterns(operands, |pattern| pattern.matches(value, context))
            }
            Test::Text { operands, ignore_case: true } => {
                let value = value.to_lowercase();
                Outcomes::of_patterns(operands, |p| Some(p.resolve(context)?.to_lowercase() == value))
            }
            Test::Numeric { operands, order } => {
                let value = Number::parse(value);
                Outcomes::of(operands, |operand| value?.compare(*operand).map(|found| order.holds(found)))
            }
            Test::Date { operands, order } => {
                let value = date(value);
                Outcomes::of(operands, |operand| value.map(|value| order.holds(value.cmp(operand))))
            }
            Test::Bool(operands) => {
                let value = boolean(value);
                Outcomes::of(operands, |operand| value.map(|value| value == *operand))
            }
            Test::Binary(operands) => {
                let value = STANDARD.decode(value).ok();
                Outcomes::of(operands, |operand| value.as_ref().map(|value| value == operand))
            }
            Test::Ip(operands) => {
                let value = value.parse().ok();
                Outcomes::of(operands, |operand| value.map(|value| operand.contains(value)))
            }
            Test::Arn(operands) if is_arn(value) => {
                Outcomes::of_patterns(operands, |pattern| pattern.matches(value, context))
            }
            Test::Arn(_) => Outcomes { any: false, comparable: false },
            // Decided before any value is looked at.
            Test::Null(_) => Outcomes { any: false, comparable: false },
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
