//! GetItem, Query, Scan. On an index, the index is the resource.

use nephos_core::Cx;

use super::{Accesses, Judged};
use crate::DynamoDb;
use crate::choices::{ComparisonOperator, Select};
use crate::expr::{Parameter, mentions};
use crate::shapes::{GetItemInput, QueryInput, ScanInput};
use crate::value::AttributeMap;

/// `dynamodb:GetItem`
pub fn get_item(db: &DynamoDb, cx: &Cx, input: &GetItemInput) -> Accesses {
    let mut judged = Judged::of(db, cx, "dynamodb:GetItem", input.table_name.as_ref())?;
    let names = input.expression_attribute_names.as_ref();
    judged.item(input.key.as_ref());
    judged.expression(Parameter::Projection, input.projection_expression.as_deref(), names);
    judged.attributes(input.attributes_to_get.iter().flatten());
    let parts = input.projection_expression.is_some() || input.attributes_to_get.is_some();
    judged.key("dynamodb:Select", selected(None, parts, false));
    judged.capacity(input.return_consumed_capacity.as_ref());
    Ok(vec![judged.done()])
}

/// `dynamodb:Query`
pub fn query(db: &DynamoDb, cx: &Cx, input: &QueryInput) -> Accesses {
    let index = input.index_name.as_deref();
    let mut judged = Judged::on(db, cx, "dynamodb:Query", input.table_name.as_ref(), index)?;
    let names = input.expression_attribute_names.as_ref();
    if let Some(text) = input.key_condition_expression.as_deref() {
        let values = input.expression_attribute_values.as_ref().and_then(AttributeMap::tree);
        for (name, placeholder) in mentions::equalities(text, names) {
            judged.equals_placeholder(&name, &placeholder, values);
        }
        judged.expression(Parameter::KeyCondition, Some(text), names);
    }
    for (name, condition) in input.key_conditions.iter().flatten() {
        judged.attributes([name]);
        if condition.comparison_operator == Some(ComparisonOperator::Eq) {
            let value = condition.attribute_value_list.as_deref().and_then(<[_]>::first);
            judged.equals(name, value.and_then(|value| value.0.as_ref().ok()));
        }
    }
    judged.expression(Parameter::Filter, input.filter_expression.as_deref(), names);
    judged.expression(Parameter::Projection, input.projection_expression.as_deref(), names);
    judged.attributes(input.query_filter.iter().flatten().map(|(name, _)| name));
    judged.attributes(input.attributes_to_get.iter().flatten());
    let parts = input.projection_expression.is_some() || input.attributes_to_get.is_some();
    judged.key("dynamodb:Select", selected(input.select.as_ref(), parts, index.is_some()));
    judged.capacity(input.return_consumed_capacity.as_ref());
    Ok(vec![judged.done()])
}

/// `dynamodb:Scan`
pub fn scan(db: &DynamoDb, cx: &Cx, input: &ScanInput) -> Accesses {
    let index = input.index_name.as_deref();
    let mut judged = Judged::on(db, cx, "dynamodb:Scan", input.table_name.as_ref(), index)?;
    let names = input.expression_attribute_names.as_ref();
    judged.expression(Parameter::Filter, input.filter_expression.as_deref(), names);
    judged.expression(Parameter::Projection, input.projection_expression.as_deref(), names);
    judged.attributes(input.scan_filter.iter().flatten().map(|(name, _)| name));
    judged.attributes(input.attributes_to_get.iter().flatten());
    let parts = input.projection_expression.is_some() || input.attributes_to_get.is_some();
    judged.key("dynamodb:Select", selected(input.select.as_ref(), parts, index.is_some()));
    judged.capacity(input.return_consumed_capacity.as_ref());
    Ok(vec![judged.done()])
}

/// `Select` as policies see it, with its default spelled out.
pub(super) fn selected(given: Option<&Select>, parts: bool, index: bool) -> &str {
    match given {
        Some(select) => select.as_str(),
        None if parts => Select::SpecificAttributes.as_str(),
        None if index => Select::AllProjectedAttributes.as_str(),
        None => Select::AllAttributes.as_str(),
    }
}
