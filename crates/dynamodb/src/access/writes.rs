//! PutItem, UpdateItem, DeleteItem.

use nephos_core::Cx;

use super::{Accesses, Judged};
use crate::DynamoDb;
use crate::expr::Parameter;
use crate::shapes::{DeleteItemInput, PutItemInput, UpdateItemInput};

/// `dynamodb:PutItem`
pub fn put_item(db: &DynamoDb, cx: &Cx, input: &PutItemInput) -> Accesses {
    let mut judged = Judged::of(db, cx, "dynamodb:PutItem", input.table_name.as_ref())?;
    let names = input.expression_attribute_names.as_ref();
    judged.item(input.item.as_ref());
    judged.expression(Parameter::Condition, input.condition_expression.as_deref(), names);
    judged.attributes(input.expected.iter().flatten().map(|(name, _)| name));
    judged.returns(input.return_values.as_ref());
    judged.capacity(input.return_consumed_capacity.as_ref());
    Ok(vec![judged.done()])
}

/// `dynamodb:UpdateItem`
pub fn update_item(db: &DynamoDb, cx: &Cx, input: &UpdateItemInput) -> Accesses {
    let mut judged = Judged::of(db, cx, "dynamodb:UpdateItem", input.table_name.as_ref())?;
    let names = input.expression_attribute_names.as_ref();
    judged.item(input.key.as_ref());
    judged.expression(Parameter::Update, input.update_expression.as_deref(), names);
    judged.expression(Parameter::Condition, input.condition_expression.as_deref(), names);
    judged.attributes(input.expected.iter().flatten().map(|(name, _)| name));
    judged.attributes(input.attribute_updates.iter().flatten().map(|(name, _)| name));
    judged.returns(input.return_values.as_ref());
    judged.capacity(input.return_consumed_capacity.as_ref());
    Ok(vec![judged.done()])
}

/// `dynamodb:DeleteItem`
pub fn delete_item(db: &DynamoDb, cx: &Cx, input: &DeleteItemInput) -> Accesses {
    let mut judged = Judged::of(db, cx, "dynamodb:DeleteItem", input.table_name.as_ref())?;
    let names = input.expression_attribute_names.as_ref();
    judged.item(input.key.as_ref());
    judged.expression(Parameter::Condition, input.condition_expression.as_deref(), names);
    judged.attributes(input.expected.iter().flatten().map(|(name, _)| name));
    judged.returns(input.return_values.as_ref());
    judged.capacity(input.return_consumed_capacity.as_ref());
    Ok(vec![judged.done()])
}
