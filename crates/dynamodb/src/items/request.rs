//! What item operations have in common: the checks of their parameters in AWS's order, and the condition of a write.

use std::collections::BTreeMap;

use crate::Error;
use crate::choices::{ConditionalOperator, ReturnOnFailure};
use crate::expr::{Condition, ExpressionError, Parameter, Placeholders, Projection};
use crate::legacy;
use crate::shapes::ExpectedAttributeValue;
use crate::value::{AttributeMap, Attributes, Item, Layer};

/// Which parameters of the two generations a call has.
pub struct Given<'a> {
    /// The expressions that the operation takes, and whether each is there.
    pub expressions: &'a [(Parameter, bool)],
    /// The legacy parameters that the operation takes, and whether each is there.
    pub legacy: &'a [(&'static str, bool)],
    /// Whether there are names.
    pub names: bool,
    /// Whether there are values.
    pub values: bool,
}

impl Given<'_> {
    /// Refuses a mixture of the two generations, and placeholders without an expression that could use them.
    pub fn check(&self, layer: Layer) -> Result<(), Error> {
        let fault = |message: String| Err(Error::Validation(layer.word(message)));
        let expressions: Vec<&str> =
            self.expressions.iter().filter(|(_, is)| *is).map(|(p, _)| p.name()).collect();
        let legacy: Vec<&str> = self.legacy.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if !expressions.is_empty() && !legacy.is_empty() {
            return fault(format!(
                "Can not use both expression and non-expression parameters in the same request: Non-expression \
                 parameters: {{{}}} Expression parameters: {{{}}}",
                legacy.join(", "),
                expressions.join(", ")
            ));
        }
        if self.names && expressions.is_empty() {
            return fault("ExpressionAttributeNames can only be specified when using expressions".to_owned());
        }
        let with_values =
            || self.expressions.iter().filter(|(parameter, _)| *parameter != Parameter::Projection);
        if self.values && !with_values().any(|(_, is)| *is) {
            let text = "ExpressionAttributeValues can only be specified when using expressions";
            let names: Vec<&str> = with_values().map(|(parameter, _)| parameter.name()).collect();
            let are = if names.len() > 1 { "are" } else { "is" };
            return fault(match layer {
                Layer::Enveloped => text.to_owned(),
                _ => format!("{text}: {} {are} null", names.join(" and ")),
            });
        }
        Ok(())
    }
}

/// The attributes of a map, where all of them are valid.
pub fn valid(map: Option<AttributeMap>, layer: Layer) -> Result<Attributes, Error> {
    map.unwrap_or_default().into_valid(layer).map_err(Error::Validation)
}

/// A call's placeholders.
pub fn placeholders(
    names: Option<BTreeMap<String, String>>,
    values: Option<AttributeMap>,
    layer: Layer,
) -> Result<Placeholders, Error> {
    Placeholders::new(names, values, layer).map_err(Error::Validation)
}

/// A fault in an expression, as the call's layer words it.
pub fn in_expression(parameter: Parameter, layer: Layer) -> impl Fn(ExpressionError) -> Error {
    move |error| Error::Validation(error.message(parameter, layer))
}

/// Refuses placeholders that no expression used.
pub fn all_used(placeholders: &Placeholders, layer: Layer) -> Result<(), Error> {
    placeholders.check_used().map_err(|fault| Error::Validation(layer.word(fault)))
}

/// What a read returns of an item: all of it, or a projection.
pub fn projection(
    expression: Option<&str>,
    attributes_to_get: Option<&[String]>,
    placeholders: &Placeholders,
    layer: Layer,
) -> Result<Option<Projection>, Error> {
    if let Some(names) = attributes_to_get {
        return legacy::attributes_to_get(names)
            .map(Some)
            .map_err(|fault| Error::Validation(layer.word(fault)));
    }
    let parse =
        |text| Projection::parse(text, placeholders).map_err(in_expression(Parameter::Projection, layer));
    expression.map(parse).transpose()
}

/// The condition of a write, if it has one.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    condition: Option<Condition>,
    returns_item: bool,
}

impl Guard {
    /// From a condition expression.
    pub fn of_expression(
        expression: Option<&str>,
        placeholders: &Placeholders,
        on_failure: Option<&ReturnOnFailure>,
        layer: Layer,
    ) -> Result<Guard, Error> {
        let parse = |text| Condition::parse(text, Parameter::Condition, placeholders);
        let condition =
            expression.map(parse).transpose().map_err(in_expression(Parameter::Condition, layer))?;
        Ok(Guard { condition, returns_item: on_failure == Some(&ReturnOnFailure::AllOld) })
    }

    /// From legacy expectations.
    pub fn of_expected(
        expected: Option<BTreeMap<String, ExpectedAttributeValue>>,
        operator: Option<&ConditionalOperator>,
        on_failure: Option<&ReturnOnFailure>,
        layer: Layer,
    ) -> Result<Guard, Error> {
        let condition = expected.map(|expected| legacy::expected(expected, operator, layer));
        let condition = condition.transpose().map_err(|fault| Error::Validation(layer.word(fault)))?;
        Ok(Guard { condition, returns_item: on_failure == Some(&ReturnOnFailure::AllOld) })
    }

    /// The same with what the other adds.
    #[must_use]
    pub fn or(self, other: Guard) -> Guard {
        if self.condition.is_some() { self } else { other }
    }

    /// The condition.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// The item that a failure gives back.
    pub fn returned(&self, item: Option<&Item>) -> Option<Item> {
        if self.returns_item { item.cloned() } else { None }
    }

    /// Whether the condition holds for the item as it is.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.holds(item.map(Item::view)))
    }

    /// Refuses the write unless the condition holds.
    pub fn check(&self, item: Option<&Item>) -> Result<(), Error> {
        if self.holds(item) { Ok(()) } else { Err(Error::ConditionalCheckFailed(self.returned(item))) }
    }
}
