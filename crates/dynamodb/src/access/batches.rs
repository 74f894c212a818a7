//! Batches, judged by table; transactions, judged action by action.

use nephos_core::{Access, Cx};

use super::reads::selected;
use super::{Accesses, Judged};
use crate::choices::ReturnConsumedCapacity;
use crate::expr::Parameter;
use crate::names::GivenName;
use crate::shapes::{
    BatchGetItemInput, BatchWriteItemInput, TransactGetItemsInput, TransactWriteItem, TransactWriteItemsInput,
};
use crate::{DynamoDb, Error};

/// `dynamodb:BatchGetItem` on each table.
pub fn batch_get_item(db: &DynamoDb, cx: &Cx, input: &BatchGetItemInput) -> Accesses {
    let mut accesses = Vec::new();
    for (given, request) in input.request_items.iter().flatten() {
        let mut judged = Judged::of(db, cx, "dynamodb:BatchGetItem", Some(&GivenName(given.clone())))?;
        request.keys.iter().flatten().for_each(|key| judged.item(Some(key)));
        let names = request.expression_attribute_names.as_ref();
        judged.expression(Parameter::Projection, request.projection_expression.as_deref(), names);
        judged.attributes(request.attributes_to_get.iter().flatten());
        let parts = request.projection_expression.is_some() || request.attributes_to_get.is_some();
        judged.key("dynamodb:Select", selected(None, parts, false));
        judged.capacity(input.return_consumed_capacity.as_ref());
        accesses.push(judged.done());
    }
    Ok(accesses)
}

/// `dynamodb:BatchWriteItem` on each table.
pub fn batch_write_item(db: &DynamoDb, cx: &Cx, input: &BatchWriteItemInput) -> Accesses {
    let mut accesses = Vec::new();
    for (given, requests) in input.request_items.iter().flatten() {
        let mut judged = Judged::of(db, cx, "dynamodb:BatchWriteItem", Some(&GivenName(given.clone())))?;
        for request in requests {
            judged.item(request.put_request.as_ref().and_then(|put| put.item.as_ref()));
            judged.item(request.delete_request.as_ref().and_then(|delete| delete.key.as_ref()));
        }
        judged.capacity(input.return_consumed_capacity.as_ref());
        accesses.push(judged.done());
    }
    Ok(accesses)
}

/// `dynamodb:GetItem` on each item.
pub fn transact_get_items(db: &DynamoDb, cx: &Cx, input: &TransactGetItemsInput) -> Accesses {
    let mut accesses = Vec::new();
    for get in input.transact_items.iter().flatten().filter_map(|item| item.get.as_ref()) {
        let mut judged = Judged::of(db, cx, "dynamodb:GetItem", get.table_name.as_ref())?;
        judged.item(get.key.as_ref());
        let names = get.expression_attribute_names.as_ref();
        judged.expression(Parameter::Projection, get.projection_expression.as_deref(), names);
        judged.key("dynamodb:Select", selected(None, get.projection_expression.is_some(), false));
        enclosed(judged, "TransactGetItems", input.return_consumed_capacity.as_ref(), &mut accesses);
    }
    Ok(accesses)
}

/// The action of each item.
pub fn transact_write_items(db: &DynamoDb, cx: &Cx, input: &TransactWriteItemsInput) -> Accesses {
    let mut accesses = Vec::new();
    for item in input.transact_items.iter().flatten() {
        for judged in actions(db, cx, item)? {
            enclosed(judged, "TransactWriteItems", input.return_consumed_capacity.as_ref(), &mut accesses);
        }
    }
    Ok(accesses)
}

macro_rules! action {
    ($db:ident, $cx:ident, $action:literal, $input:expr, $attributes:ident) => {{
        let input = $input;
        let mut judged = Judged::of($db, $cx, $action, input.table_name.as_ref())?;
        judged.item(input.$attributes.as_ref());
        let names = input.expression_attribute_names.as_ref();
        judged.expression(Parameter::Condition, input.condition_expression.as_deref(), names);
        judged
    }};
}

/// The actions of one item; the operation refuses more than one.
fn actions(db: &DynamoDb, cx: &Cx, item: &TransactWriteItem) -> Result<Vec<Judged>, Error> {
    let mut all = Vec::new();
    if let Some(check) = &item.condition_check {
        all.push(action!(db, cx, "dynamodb:ConditionCheckItem", check, key));
    }
    if let Some(put) = &item.put {
        all.push(action!(db, cx, "dynamodb:PutItem", put, item));
    }
    if let Some(delete) = &item.delete {
        all.push(action!(db, cx, "dynamodb:DeleteItem", delete, key));
    }
    if let Some(update) = &item.update {
        let mut judged = action!(db, cx, "dynamodb:UpdateItem", update, key);
        let names = update.expression_attribute_names.as_ref();
        judged.expression(Parameter::Update, update.update_expression.as_deref(), names);
        all.push(judged);
    }
    all.iter_mut().for_each(|judged| judged.returns(None));
    Ok(all)
}

/// Adds an action of a transaction; the same one is not judged twice.
fn enclosed(
    mut judged: Judged,
    operation: &str,
    capacity: Option<&ReturnConsumedCapacity>,
    accesses: &mut Vec<Access>,
) {
    judged.key("dynamodb:EnclosingOperation", operation);
    judged.capacity(capacity);
    let access = judged.done();
    if !accesses.contains(&access) {
        accesses.push(access);
    }
}
