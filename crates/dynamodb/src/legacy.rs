//! The parameters from before expressions: turned into the same trees, so that only one evaluator exists.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::choices::{AttributeAction, ComparisonOperator, ConditionalOperator};
use crate::expr::condition::{Literal, Operand};
use crate::expr::raw::Comparator;
use crate::expr::update::{Action, Expression, What};
use crate::expr::{Condition, KeyConditions, Path, Projection, RangeTest, Update, check};
use crate::shapes;
use crate::value::{AttributeValue, Kind, Layer, Submitted};

/// `One or more parameter values were invalid: ...`
fn invalid(what: impl std::fmt::Display) -> String {
    format!("One or more parameter values were invalid: {what}")
}

type Checked<T> = Result<T, String>;

/// `AttributesToGet`.
pub fn attributes_to_get(names: &[String]) -> Checked<Projection> {
    let repeated = (0..names.len()).find(|&at| names[..at].contains(&names[at]));
    if let Some(at) = repeated {
        return Err(invalid(format!("Duplicate value in attribute name: {}", names[at])));
    }
    Ok(Projection::of(names.iter().map(Path::attribute).collect()))
}

/// `Expected`, with the operator that joins its conditions.
pub fn expected(
    expected: BTreeMap<String, shapes::ExpectedAttributeValue>,
    operator: Option<&ConditionalOperator>,
    layer: Layer,
) -> Checked<Condition> {
    let conditions = expected.into_iter().map(|(name, one)| expectation(name, one, layer));
    Ok(joined(conditions.collect::<Checked<_>>()?, operator))
}

fn joined(conditions: Vec<Condition>, operator: Option<&ConditionalOperator>) -> Condition {
    match operator {
        Some(ConditionalOperator::Or) => Condition::Or(conditions),
        _ => Condition::And(conditions),
    }
}

fn expectation(name: String, one: shapes::ExpectedAttributeValue, layer: Layer) -> Checked<Condition> {
    let shapes::ExpectedAttributeValue { value, exists, comparison_operator, attribute_value_list } = one;
    let for_attribute = |what: String| invalid(format!("{what} for Attribute: {name}"));
    if value.is_some() && attribute_value_list.is_some() {
        return Err(for_attribute("Value and AttributeValueList cannot be used together".into()));
    }
    let Some(operator) = comparison_operator else {
        if attribute_value_list.is_some() {
            return Err(for_attribute(
                "AttributeValueList can only be used with a ComparisonOperator".into(),
            ));
        }
        let path = Path::attribute(&name);
        return match (exists, value) {
            (Some(false), Some(_)) => Err(for_attribute("Value cannot be used when Exists is false".into())),
            (Some(false), None) => Ok(Condition::Not(Box::new(Condition::Exists(path)))),
            (exists, None) => {
                let exists = if exists.is_some() { "true" } else { "null" };
                Err(for_attribute(format!("Value must be provided when Exists is {exists}")))
            }
            (_, Some(value)) => {
                let value = Operand::Literal(Literal::new(&valid(value, layer)?));
                Ok(Condition::Compare(Comparator::Equal, Operand::Path(path), value))
            }
        };
    };
    if exists.is_some() {
        return Err(for_attribute("Exists and ComparisonOperator cannot be used together".into()));
    }
    let no_values = value.is_none() && attribute_value_list.is_none();
    if no_values && !matches!(operator, ComparisonOperator::Null | ComparisonOperator::NotNull) {
        return Err(for_attribute(format!(
            "Value or AttributeValueList must be used with ComparisonOperator: {}",
            operator.as_str()
        )));
    }
    let values = attribute_value_list.unwrap_or_else(|| value.into_iter().collect());
    let test = Test::new(operator, values, layer)?;
    Ok(test.condition(&name))
}

fn valid(value: Submitted, layer: Layer) -> Checked<AttributeValue> {
    value.0.map_err(|fault| fault.message(layer))
}

/// A comparison whose values fit it.
struct Test {
    operator: ComparisonOperator,
    values: Vec<AttributeValue>,
}

impl Test {
    fn new(operator: ComparisonOperator, values: Vec<Submitted>, layer: Layer) -> Checked<Test> {
        let values = values.into_iter().map(|value| valid(value, layer)).collect::<Checked<Vec<_>>>()?;
        let fits = match operator {
            ComparisonOperator::Null | ComparisonOperator::NotNull => values.is_empty(),
            ComparisonOperator::In => !values.is_empty(),
            ComparisonOperator::Between => values.len() == 2,
            _ => values.len() == 1,
        };
        let name = operator.as_str();
        if !fits {
            return Err(invalid(format!("Invalid number of argument(s) for the {name} ComparisonOperator")));
        }
        if values.windows(2).any(|pair| pair[0].kind() != pair[1].kind()) {
            return Err(invalid("AttributeValues inside AttributeValueList must be of same type"));
        }
        if let Some(kind) = values.first().map(AttributeValue::kind).filter(|kind| !takes(&operator, *kind)) {
            return Err(invalid(format!(
                "ComparisonOperator {name} is not valid for {} AttributeValue type",
                kind.name()
            )));
        }
        if operator == ComparisonOperator::Between && check::is_above(&values[0], &values[1]) {
            return Err(
                "The BETWEEN condition was provided a range where the lower bound is greater than the upper \
                        bound"
                    .to_owned(),
            );
        }
        Ok(Test { operator, values })
    }

    fn condition(&self, name: &str) -> Condition {
        let path = Path::attribute(name);
        let attribute = || Operand::Path(path.clone());
        let literal = |at: usize| Operand::Literal(Literal::new(&self.values[at]));
        let compare = |comparator| Condition::Compare(comparator, attribute(), literal(0));
        match self.operator {
            ComparisonOperator::Null => Condition::Not(Box::new(Condition::Exists(path))),
            ComparisonOperator::Eq => compare(Comparator::Equal),
            ComparisonOperator::Ne => compare(Comparator::NotEqual),
            ComparisonOperator::Lt => compare(Comparator::Less),
            ComparisonOperator::Le => compare(Comparator::LessOrEqual),
            ComparisonOperator::Gt => compare(Comparator::Greater),
            ComparisonOperator::Ge => compare(Comparator::GreaterOrEqual),
            ComparisonOperator::In => {
                Condition::In(attribute(), (0..self.values.len()).map(literal).collect())
            }
            ComparisonOperator::Between => Condition::Between(attribute(), literal(0), literal(1)),
            ComparisonOperator::BeginsWith => Condition::BeginsWith(attribute(), literal(0)),
            ComparisonOperator::Contains => Condition::Contains(attribute(), literal(0)),
            ComparisonOperator::NotContains => Condition::And(vec![
                Condition::Exists(path.clone()),
                Condition::Not(Box::new(Condition::Contains(attribute(), literal(0)))),
            ]),
            ComparisonOperator::NotNull | ComparisonOperator::Unknown(_) => Condition::Exists(path),
        }
    }
}

/// The types that a comparison takes.
fn takes(operator: &ComparisonOperator, kind: Kind) -> bool {
    match operator {
        ComparisonOperator::Eq | ComparisonOperator::Ne => true,
        ComparisonOperator::BeginsWith => matches!(kind, Kind::S | Kind::B),
        _ => kind.is_scalar(),
    }
}

/// `QueryFilter` or `ScanFilter`.
pub fn filter(
    conditions: BTreeMap<String, shapes::Condition>,
    operator: Option<&ConditionalOperator>,
    layer: Layer,
) -> Checked<Condition> {
    let tests = conditions.into_iter().map(|(name, condition)| Ok(test(condition, layer)?.condition(&name)));
    Ok(joined(tests.collect::<Checked<_>>()?, operator))
}

fn test(condition: shapes::Condition, layer: Layer) -> Checked<Test> {
    let operator = condition.comparison_operator.unwrap_or(ComparisonOperator::Eq);
    Test::new(operator, condition.attribute_value_list.unwrap_or_default(), layer)
}

/// `KeyConditions`.
pub fn key_conditions(
    conditions: BTreeMap<String, shapes::Condition>,
    layer: Layer,
) -> Checked<KeyConditions> {
    let mut keys = KeyConditions::default();
    for (name, condition) in conditions {
        let Test { operator, values } = test(condition, layer)?;
        let mut values = values.into_iter().map(Arc::new);
        let test = match (operator, values.next(), values.next()) {
            (ComparisonOperator::Eq, Some(value), _) => RangeTest::Compare(Comparator::Equal, value),
            (ComparisonOperator::Lt, Some(value), _) => RangeTest::Compare(Comparator::Less, value),
            (ComparisonOperator::Le, Some(value), _) => RangeTest::Compare(Comparator::LessOrEqual, value),
            (ComparisonOperator::Gt, Some(value), _) => RangeTest::Compare(Comparator::Greater, value),
            (ComparisonOperator::Ge, Some(value), _) => RangeTest::Compare(Comparator::GreaterOrEqual, value),
            (ComparisonOperator::BeginsWith, Some(value), _) => RangeTest::BeginsWith(value),
            (ComparisonOperator::Between, Some(low), Some(high)) => RangeTest::Between(low, high),
            _ => return Err("Attempted conditional constraint is not an indexable operation".to_owned()),
        };
        keys.0.insert(name, test);
    }
    Ok(keys)
}

/// `AttributeUpdates`.
pub fn attribute_updates(
    updates: BTreeMap<String, shapes::AttributeValueUpdate>,
    layer: Layer,
) -> Checked<Update> {
    let actions = updates.into_iter().map(|(name, update)| {
        let value = update.value.map(|value| valid(value, layer)).transpose()?;
        let what = attribute_update(update.action.unwrap_or(AttributeAction::Put), value)?;
        Ok(Action { path: Path::attribute(name), what })
    });
    Ok(Update { actions: actions.collect::<Checked<_>>()?, legacy: true })
}

fn attribute_update(action: AttributeAction, value: Option<AttributeValue>) -> Checked<What> {
    let Some(value) = value else {
        return match action {
            AttributeAction::Delete => Ok(What::Remove),
            _ => Err(invalid("Only DELETE action is allowed when no attribute value is specified")),
        };
    };
    let kind = value.kind();
    match action {
        AttributeAction::Delete if kind.is_set() => Ok(What::Delete(Arc::new(value))),
        AttributeAction::Delete => {
            Err(invalid(format!("DELETE action with value is not supported for the type {}", kind.name())))
        }
        AttributeAction::Add if kind.is_set() || matches!(kind, Kind::N | Kind::L) => {
            Ok(What::Add(Arc::new(value)))
        }
        AttributeAction::Add => {
            Err(invalid(format!("ADD action is not supported for the type {}", kind.name())))
        }
        _ => Ok(What::Set(Expression::Literal(Arc::new(value)))),
    }
}
