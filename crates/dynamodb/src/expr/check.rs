//! What a grammar cannot say, for conditions: the passes of checks in AWS's order, and the replacing of placeholders.

use std::sync::Arc;

use super::condition::{Condition, Literal, Operand};
use super::placeholders::Placeholders;
use super::raw::{Comparator, RawCall, RawCondition, RawName, RawOperand, RawPath, RawStep};
use super::reserved::is_reserved;
use super::{ExpressionError, Path, Step};
use crate::value::{AttributeValue, Kind, MAX_LEVELS};

type Checked<T> = Result<T, ExpressionError>;

/// Checks and resolves a condition.
pub fn condition(raw: &RawCondition, placeholders: &Placeholders) -> Checked<Condition> {
    for_each_call(raw, &mut |call, _| known_function(call))?;
    for_each_call(raw, &mut function_in_place)?;
    for_each_path(raw, &mut no_reserved_words)?;
    resolve(raw, placeholders)
}

/// A call, and whether it stands as a condition by itself.
type VisitCall<'v> = &'v mut dyn FnMut(&RawCall, bool) -> Checked<()>;

fn for_each_call(raw: &RawCondition, visit: VisitCall<'_>) -> Checked<()> {
    match raw {
        RawCondition::Call(call) => {
            visit(call, true)?;
            call.arguments.iter().try_for_each(|argument| calls_in(argument, visit))
        }
        _ => {
            operands(raw).into_iter().try_for_each(|operand| calls_in(operand, visit))?;
            parts(raw).iter().try_for_each(|part| for_each_call(part, visit))
        }
    }
}

fn calls_in(operand: &RawOperand, visit: VisitCall<'_>) -> Checked<()> {
    let RawOperand::Call(call) = operand else { return Ok(()) };
    visit(call, false)?;
    call.arguments.iter().try_for_each(|argument| calls_in(argument, visit))
}

fn for_each_path(raw: &RawCondition, visit: &mut dyn FnMut(&RawPath) -> Checked<()>) -> Checked<()> {
    operands(raw).into_iter().try_for_each(|operand| paths_in(operand, visit))?;
    parts(raw).iter().try_for_each(|part| for_each_path(part, visit))
}

/// Calls `visit` with every path in an operand.
pub(super) fn paths_in(operand: &RawOperand, visit: &mut dyn FnMut(&RawPath) -> Checked<()>) -> Checked<()> {
    match operand {
        RawOperand::Path(path) => visit(path),
        RawOperand::Value(_) => Ok(()),
        RawOperand::Call(call) => call.arguments.iter().try_for_each(|argument| paths_in(argument, visit)),
    }
}

/// The conditions that a condition consists of.
pub(super) fn parts(raw: &RawCondition) -> &[RawCondition] {
    match raw {
        RawCondition::And(all) | RawCondition::Or(all) => all,
        RawCondition::Not(inner) => std::slice::from_ref(inner),
        _ => &[],
    }
}

/// The operands that a condition itself looks at.
pub(super) fn operands(raw: &RawCondition) -> Vec<&RawOperand> {
    match raw {
        RawCondition::Compare(_, a, b) => vec![a, b],
        RawCondition::Between(a, b, c) => vec![a, b, c],
        RawCondition::In(a, list) => std::iter::once(a).chain(list).collect(),
        RawCondition::Call(call) => call.arguments.iter().collect(),
        _ => Vec::new(),
    }
}

const FUNCTIONS: [(&str, usize); 6] = [
    ("attribute_exists", 1),
    ("attribute_not_exists", 1),
    ("attribute_type", 2),
    ("begins_with", 2),
    ("contains", 2),
    ("size", 1),
];

fn known_function(call: &RawCall) -> Checked<()> {
    if FUNCTIONS.iter().any(|(name, _)| *name == call.name) {
        return Ok(());
    }
    Err(ExpressionError::new(format!("Invalid function name; function: {}", call.name)))
}

/// Only `size` is a value, and it is nothing else.
fn function_in_place(call: &RawCall, is_condition: bool) -> Checked<()> {
    if is_condition != (call.name == "size") {
        return Ok(());
    }
    Err(ExpressionError::new(format!(
        "The function is not allowed to be used this way in an expression; function: {}",
        call.name
    )))
}

/// Refuses a path that names an attribute by a reserved word.
pub(super) fn no_reserved_words(path: &RawPath) -> Checked<()> {
    let steps = path.steps.iter().filter_map(|step| match step {
        RawStep::Name(name) => Some(name),
        RawStep::Index(_) => None,
    });
    for name in std::iter::once(&path.root).chain(steps) {
        match name {
            RawName::Plain(word) if is_reserved(word) => {
                return Err(ExpressionError::new(format!(
                    "Attribute name is a reserved keyword; reserved keyword: {word}"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Replaces a path's placeholders.
pub(super) fn resolve_path(raw: &RawPath, placeholders: &Placeholders) -> Checked<Path> {
    let name = |name: &RawName| match name {
        RawName::Plain(word) => Ok(word.clone()),
        RawName::Placeholder(placeholder) => placeholders.name(placeholder).map(str::to_owned),
    };
    let steps = raw.steps.iter().map(|step| match step {
        RawStep::Name(step) => name(step).map(Step::Name),
        RawStep::Index(digits) => index(digits).map(Step::Index),
    });
    let path = Path { root: name(&raw.root)?, steps: steps.collect::<Checked<_>>()? };
    let levels = path.steps.len() + 1;
    if levels > MAX_LEVELS {
        return Err(ExpressionError::new(format!(
            "The document path has too many nesting elements; nesting levels: {levels}"
        )));
    }
    Ok(path)
}

fn index(digits: &str) -> Checked<usize> {
    let index = digits.parse::<i32>().ok().and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| {
        ExpressionError::new(format!("List index is not within the allowable range; index: [{digits}]"))
    })
}

fn resolve(raw: &RawCondition, placeholders: &Placeholders) -> Checked<Condition> {
    let all = |parts: &[RawCondition]| -> Checked<Vec<Condition>> {
        parts.iter().map(|part| resolve(part, placeholders)).collect()
    };
    Ok(match raw {
        RawCondition::And(parts) => Condition::And(all(parts)?),
        RawCondition::Or(parts) => Condition::Or(all(parts)?),
        RawCondition::Not(inner) => Condition::Not(Box::new(resolve(inner, placeholders)?)),
        RawCondition::Compare(comparator, a, b) => {
            let [a, b] = [known(a, placeholders)?, known(b, placeholders)?];
            comparison(*comparator, a, b)?
        }
        RawCondition::Between(a, b, c) => {
            let [a, b, c] = [known(a, placeholders)?, known(b, placeholders)?, known(c, placeholders)?];
            distinct("BETWEEN", &a, &[&b, &c])?;
            [&a, &b, &c].into_iter().try_for_each(|operand| scalar("BETWEEN", operand))?;
            bounds(&b, &c)?;
            Condition::Between(a.operand(), b.operand(), c.operand())
        }
        RawCondition::In(a, list) => {
            let a = known(a, placeholders)?;
            let list =
                list.iter().map(|operand| known(operand, placeholders)).collect::<Checked<Vec<_>>>()?;
            distinct("IN", &a, &list.iter().collect::<Vec<_>>())?;
            Condition::In(a.operand(), list.into_iter().map(Known::operand).collect())
        }
        RawCondition::Call(call) => function(call, placeholders)?,
    })
}

fn comparison(comparator: Comparator, a: Known, b: Known) -> Checked<Condition> {
    distinct(comparator.symbol(), &a, &[&b])?;
    if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
        scalar(comparator.symbol(), &a)?;
        scalar(comparator.symbol(), &b)?;
    }
    Ok(Condition::Compare(comparator, a.operand(), b.operand()))
}

/// An operand whose placeholders are replaced, with its value while that is still needed.
enum Known {
    Path(Path),
    Value(Arc<AttributeValue>),
    Size(Box<Known>),
}

impl Known {
    fn operand(self) -> Operand {
        match self {
            Known::Path(path) => Operand::Path(path),
            Known::Value(value) => Operand::Literal(Literal::new(&value)),
            Known::Size(inner) => Operand::Size(Box::new(inner.operand())),
        }
    }

    /// The type, where the request alone decides it.
    fn kind(&self) -> Option<Kind> {
        match self {
            Known::Path(_) => None,
            Known::Value(value) => Some(value.kind()),
            Known::Size(_) => Some(Kind::N),
        }
    }
}

fn known(raw: &RawOperand, placeholders: &Placeholders) -> Checked<Known> {
    match raw {
        RawOperand::Path(path) => resolve_path(path, placeholders).map(Known::Path),
        RawOperand::Value(name) => placeholders.value(name).map(Known::Value),
        RawOperand::Call(call) => {
            let mut arguments = arguments(call, placeholders)?;
            let Some(inner) = arguments.pop() else { return Err(operand_count(call)) };
            match inner.kind() {
                Some(kind @ (Kind::N | Kind::Bool | Kind::Null)) => {
                    Err(operand_type(&call.name, kind.name()))
                }
                _ => Ok(Known::Size(Box::new(inner))),
            }
        }
    }
}

/// A call's operands: every name and value known, and as many as the function takes.
fn arguments(call: &RawCall, placeholders: &Placeholders) -> Checked<Vec<Known>> {
    let arguments = call.arguments.iter().map(|argument| known(argument, placeholders));
    let arguments = arguments.collect::<Checked<Vec<_>>>()?;
    let wanted = FUNCTIONS.iter().find(|(name, _)| *name == call.name).map(|(_, count)| *count);
    if wanted == Some(arguments.len()) { Ok(arguments) } else { Err(operand_count(call)) }
}

fn function(call: &RawCall, placeholders: &Placeholders) -> Checked<Condition> {
    let mut arguments = arguments(call, placeholders)?.into_iter();
    let name = call.name.as_str();
    let (first, second) = (arguments.next(), arguments.next());
    match (name, first, second) {
        ("attribute_exists", Some(Known::Path(path)), None) => Ok(Condition::Exists(path)),
        ("attribute_not_exists", Some(Known::Path(path)), None) => {
            Ok(Condition::Not(Box::new(Condition::Exists(path))))
        }
        (_, Some(_), None) => Err(ExpressionError::new(format!(
            "Operator or function requires a document path; operator or function: {name}"
        ))),
        (_, Some(first), Some(second)) => {
            distinct(name, &first, &[&second])?;
            two_operands(name, first, second)
        }
        _ => Err(operand_count(call)),
    }
}

fn two_operands(name: &str, first: Known, second: Known) -> Checked<Condition> {
    match name {
        "attribute_type" => {
            let kind = wanted_type(&second)?;
            Ok(Condition::HasType(first.operand(), kind))
        }
        "begins_with" => {
            for kind in [&first, &second].into_iter().filter_map(Known::kind) {
                if !matches!(kind, Kind::S | Kind::B) {
                    return Err(operand_type(name, kind.name()));
                }
            }
            Ok(Condition::BeginsWith(first.operand(), second.operand()))
        }
        _ => Ok(Condition::Contains(first.operand(), second.operand())),
    }
}

fn wanted_type(operand: &Known) -> Checked<Kind> {
    let Known::Value(value) = operand else {
        return Err(operand_type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"));
    };
    let Some(name) = value.as_str() else {
        return Err(operand_type("attribute_type", value.kind().name()));
    };
    Kind::from_name(name).ok_or_else(|| {
        ExpressionError::new(format!(
            "Invalid attribute type name found; type: {name}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
        ))
    })
}

fn operand_count(call: &RawCall) -> ExpressionError {
    ExpressionError::new(format!(
        "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}",
        call.name,
        call.arguments.len()
    ))
}

/// The fault that an operand is of a type that the operator does not take.
pub(super) fn operand_type(operator: &str, kind: &str) -> ExpressionError {
    ExpressionError::new(format!(
        "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
    ))
}

fn scalar(operator: &str, operand: &Known) -> Checked<()> {
    match operand.kind() {
        Some(kind) if !kind.is_scalar() => Err(operand_type(operator, kind.name())),
        _ => Ok(()),
    }
}

fn distinct(operator: &str, first: &Known, others: &[&Known]) -> Checked<()> {
    let Known::Path(path) = first else { return Ok(()) };
    if others.iter().any(|other| matches!(other, Known::Path(same) if same == path)) {
        return Err(ExpressionError::new(format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \
             {operator}, first operand: {path}"
        )));
    }
    Ok(())
}

fn bounds(lower: &Known, upper: &Known) -> Checked<()> {
    let (Known::Value(low), Known::Value(high)) = (lower, upper) else { return Ok(()) };
    let problem = if low.kind() != high.kind() {
        "requires same data type for lower and upper bounds"
    } else if is_above(low, high) {
        "requires upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(ExpressionError::new(format!(
        "The BETWEEN operator {problem}; lower bound operand: AttributeValue: {}, upper bound operand: \
         AttributeValue: {}",
        shown(low),
        shown(high)
    )))
}

/// Whether the first of two scalars of one type is the greater.
pub(crate) fn is_above(a: &AttributeValue, b: &AttributeValue) -> bool {
    match (a, b) {
        (AttributeValue::S(a), AttributeValue::S(b)) => a > b,
        (AttributeValue::N(a), AttributeValue::N(b)) => a > b,
        (AttributeValue::B(a), AttributeValue::B(b)) => a > b,
        _ => false,
    }
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) => format!("{{S:{text}}}"),
        AttributeValue::N(number) => format!("{{N:{number}}}"),
        AttributeValue::B(bytes) => {
            format!("{{B:java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]}}", bytes.len())
        }
        other => format!("{{{}}}", other.kind().name()),
    }
}
