//! Evaluating conditions on stored items. Values are compared as bytes; nothing is decoded but what `size` counts.

use std::cmp::Ordering;

use super::condition::{Condition, Operand};
use super::raw::Comparator;
use crate::value::{ItemRef, Kind, Number, ValueRef, number_code};

/// What an operand comes to.
enum Found<'a> {
    Value(ValueRef<'a>),
    Size(Number),
    Nothing,
}

impl Condition {
    /// Whether the condition holds for an item, or for its absence.
    pub fn holds(&self, item: Option<ItemRef<'_>>) -> bool {
        let find = |operand| find(operand, item);
        match self {
            Condition::And(all) => all.iter().all(|part| part.holds(item)),
            Condition::Or(any) => any.iter().any(|part| part.holds(item)),
            Condition::Not(inner) => !inner.holds(item),
            Condition::Compare(Comparator::Equal, a, b) => equal(&find(a), &find(b)),
            Condition::Compare(Comparator::NotEqual, a, b) => !equal(&find(a), &find(b)),
            Condition::Compare(comparator, a, b) => {
                order(&find(a), &find(b)).is_some_and(|ordering| comparator.accepts(ordering))
            }
            Condition::Between(value, low, high) => {
                let value = find(value);
                let above = order(&value, &find(low)).is_some_and(Ordering::is_ge);
                above && order(&value, &find(high)).is_some_and(Ordering::is_le)
            }
            Condition::In(value, list) => {
                let value = find(value);
                list.iter().any(|other| equal(&value, &find(other)))
            }
            Condition::Exists(path) => item.and_then(|item| path.find(item)).is_some(),
            Condition::HasType(value, kind) => find(value).kind() == Some(*kind),
            Condition::BeginsWith(value, start) => begins_with(&find(value), &find(start)),
            Condition::Contains(value, part) => contains(&find(value), &find(part)),
        }
    }
}

fn find<'a>(operand: &'a Operand, item: Option<ItemRef<'a>>) -> Found<'a> {
    let value = |value: Option<ValueRef<'a>>| value.map_or(Found::Nothing, Found::Value);
    match operand {
        Operand::Path(path) => value(item.and_then(|item| path.find(item))),
        Operand::Literal(literal) => value(literal.view()),
        Operand::Size(inner) => match find(inner, item) {
            Found::Value(value) => size(value).map_or(Found::Nothing, Found::Size),
            _ => Found::Nothing,
        },
    }
}

/// What `size` says of a value; nothing of numbers, booleans and nulls.
fn size(value: ValueRef<'_>) -> Option<Number> {
    let size = match value.kind() {
        // Strings are measured as Java measures them.
        Kind::S => value.text()?.encode_utf16().count(),
        Kind::B => value.payload().len(),
        Kind::N | Kind::Bool | Kind::Null => return None,
        _ => value.count(),
    };
    Some(Number::from_u64(size as u64))
}

impl Found<'_> {
    fn kind(&self) -> Option<Kind> {
        match self {
            Found::Value(value) => Some(value.kind()),
            Found::Size(_) => Some(Kind::N),
            Found::Nothing => None,
        }
    }

    fn number(&self) -> Option<Number> {
        match self {
            Found::Value(value) => value.number(),
            Found::Size(size) => Some(*size),
            Found::Nothing => None,
        }
    }
}

fn equal(a: &Found<'_>, b: &Found<'_>) -> bool {
    match (a, b) {
        (Found::Nothing, _) | (_, Found::Nothing) => false,
        (Found::Value(a), Found::Value(b)) => a.bytes() == b.bytes(),
        _ => a.number().is_some_and(|number| Some(number) == b.number()),
    }
}

/// How two scalars of one type stand to each other; nothing for anything else.
fn order(a: &Found<'_>, b: &Found<'_>) -> Option<Ordering> {
    match (a, b) {
        (Found::Value(a), Found::Value(b)) => {
            (a.kind() == b.kind() && a.kind().is_scalar()).then(|| a.payload().cmp(b.payload()))
        }
        _ => Some(a.number()?.cmp(&b.number()?)),
    }
}

fn begins_with(value: &Found<'_>, start: &Found<'_>) -> bool {
    match (value, start) {
        (Found::Value(value), Found::Value(start)) => {
            let texts = matches!(value.kind(), Kind::S | Kind::B);
            texts && value.kind() == start.kind() && value.payload().starts_with(start.payload())
        }
        _ => false,
    }
}

fn contains(whole: &Found<'_>, part: &Found<'_>) -> bool {
    let Found::Value(whole) = whole else { return false };
    match (whole.kind(), part) {
        (Kind::L, Found::Size(size)) => whole.elements().any(|element| element.number() == Some(*size)),
        (Kind::Ns, Found::Size(size)) => {
            whole.members().any(|member| number_code::decode(member) == Some(*size))
        }
        (Kind::L, Found::Value(part)) => whole.elements().any(|element| element.bytes() == part.bytes()),
        (Kind::S | Kind::B, Found::Value(part)) => {
            whole.kind() == part.kind() && memchr::memmem::find(whole.payload(), part.payload()).is_some()
        }
        (set, Found::Value(part)) => {
            let of =
                matches!((set, part.kind()), (Kind::Ss, Kind::S) | (Kind::Ns, Kind::N) | (Kind::Bs, Kind::B));
            of && whole.members().any(|member| member == part.payload())
        }
        _ => false,
    }
}
