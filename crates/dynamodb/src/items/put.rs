//! PutItem.

use nephos_core::Cx;

use super::capacity::Named;
use super::change::{Change, current};
use super::request::{Given, Guard, all_used, placeholders, valid};
use crate::choices::ReturnValues;
use crate::expr::Parameter;
use crate::names::TableName;
use crate::schema::{MAX_ITEM_BYTES, check_index_keys, place_of_item};
use crate::shapes::{PutItemInput, PutItemOutput};
use crate::value::{Item, Layer};
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Enveloped;

/// `PutItem`
pub async fn put_item(db: &DynamoDb, cx: &Cx, input: PutItemInput) -> Result<PutItemOutput, Error> {
    Given {
        expressions: &[(Parameter::Condition, input.condition_expression.is_some())],
        legacy: &[
            ("Expected", input.expected.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ],
        names: input.expression_attribute_names.is_some(),
        values: input.expression_attribute_values.is_some(),
    }
    .check(LAYER)?;
    let attributes = valid(input.item, LAYER)?;
    only_old(input.return_values.as_ref())?;
    let on_failure = input.return_values_on_condition_check_failure.as_ref();
    let expected =
        Guard::of_expected(input.expected, input.conditional_operator.as_ref(), on_failure, LAYER)?;
    let placeholders =
        placeholders(input.expression_attribute_names, input.expression_attribute_values, LAYER)?;
    let condition =
        Guard::of_expression(input.condition_expression.as_deref(), &placeholders, on_failure, LAYER)?;
    all_used(&placeholders, LAYER)?;
    let guard = condition.or(expected);

    let given = input.table_name.unwrap_or_default();
    let name = TableName::resolve(cx, &given.0);
    let item = Item::encode(&attributes);
    let put = db.store.transact("put-item", |tx| {
        let table = db.table_for_write(tx, &name)?;
        let primary = place_of_item(&table, &attributes).map_err(|fault| fault.in_item())?;
        check_index_keys(&table, &attributes)?;
        check_size(&item)?;
        let old = current(tx, &table, &primary)?;
        guard.check(old.as_ref())?;
        let change = Change { table: &table, primary: &primary, old: old.as_ref(), new: Some(&item) };
        let effect = change.write(tx)?;
        Ok::<_, Error>((table, old, effect))
    });
    let (table, old, effect) = put.await?;
    db.statistics.count(&effect.deltas);
    let returns_old = input.return_values == Some(ReturnValues::AllOld);
    Ok(PutItemOutput {
        attributes: old.filter(|_| returns_old).map(Into::into),
        consumed_capacity: effect.usage.report(
            &given,
            input.return_consumed_capacity.as_ref(),
            Named::Neither,
        ),
        item_collection_metrics: db.collection_metrics(
            &table,
            &attributes,
            input.return_item_collection_metrics.as_ref(),
        )?,
    })
}

/// Put and delete return nothing or what was there.
pub(super) fn only_old(return_values: Option<&ReturnValues>) -> Result<(), Error> {
    match return_values {
        None | Some(ReturnValues::None | ReturnValues::AllOld) => Ok(()),
        Some(_) => Err(Error::Validation(LAYER.word("ReturnValues can only be ALL_OLD or NONE"))),
    }
}

/// Refuses an item that is too large to be put.
pub(super) fn check_size(item: &Item) -> Result<(), Error> {
    if item.size() <= MAX_ITEM_BYTES {
        return Ok(());
    }
    Err(Error::Validation("Item size has exceeded the maximum allowed size".to_owned()))
}
