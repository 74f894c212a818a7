//! DynamoDB's expressions: a line of text, then a request's names and values as JSON. What is accepted is evaluated.

use std::collections::BTreeMap;

use nephos_dynamodb::expr::{Condition, KeyConditions, Parameter, Placeholders, Projection, Update};
use nephos_dynamodb::shapes::QueryInput;
use nephos_dynamodb::value::{Attributes, Layer};
use nephos_wire::json;

use crate::targets::line;

/// Parses one text as every kind of expression.
pub fn run(data: &[u8]) {
    let (text, body) = line(data);
    let placeholders = || {
        let mut request = QueryInput::default();
        json::read(body, &mut request).ok()?;
        let (names, values) = (request.expression_attribute_names, request.expression_attribute_values);
        Placeholders::new(names, values, Layer::Enveloped).ok()
    };
    let placeholders = placeholders().unwrap_or_default();
    for parameter in [Parameter::Condition, Parameter::Filter] {
        if let Ok(condition) = Condition::parse(&text, parameter, &placeholders) {
            condition.holds(None);
            condition.for_each_path(&mut |_| {});
        }
    }
    if let Ok(update) = Update::parse(&text, &placeholders) {
        let mut item = Attributes::new();
        let _ = update.apply(&mut item);
        let _ = update.apply(&mut item);
    }
    if let Ok(conditions) = KeyConditions::parse(&text, &placeholders) {
        let _: &BTreeMap<_, _> = &conditions.0;
    }
    if let Ok(projection) = Projection::parse(&text, &placeholders) {
        projection.apply_to_tree(&Attributes::new());
    }
    let _ = placeholders.check_used();
}
