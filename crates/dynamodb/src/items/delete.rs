//! DeleteItem.

use nephos_core::Cx;

use super::capacity::Named;
use super::change::{Change, current};
use super::put::only_old;
use super::request::{Given, Guard, all_used, placeholders, valid};
use crate::choices::ReturnValues;
use crate::expr::Parameter;
use crate::names::TableName;
use crate::schema::place_of_key;
use crate::shapes::{DeleteItemInput, DeleteItemOutput};
use crate::value::Layer;
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Enveloped;

/// `DeleteItem`
pub async fn delete_item(db: &DynamoDb, cx: &Cx, input: DeleteItemInput) -> Result<DeleteItemOutput, Error> {
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
    let key = valid(input.key, LAYER)?;
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
    let deletion = db.store.transact("delete-item", |tx| {
        let table = db.table_for_write(tx, &name)?;
        let primary = place_of_key(&table, &key).map_err(|fault| fault.in_key())?;
        let old = current(tx, &table, &primary)?;
        guard.check(old.as_ref())?;
        let change = Change { table: &table, primary: &primary, old: old.as_ref(), new: None };
        let effect = change.write(tx)?;
        Ok::<_, Error>((table, old, effect))
    });
    let (table, old, effect) = deletion.await?;
    db.statistics.count(&effect.deltas);
    let returns_old = input.return_values == Some(ReturnValues::AllOld);
    Ok(DeleteItemOutput {
        attributes: old.filter(|_| returns_old).map(Into::into),
        consumed_capacity: effect.usage.report(
            &given,
            input.return_consumed_capacity.as_ref(),
            Named::Neither,
        ),
        item_collection_metrics: db.collection_metrics(
            &table,
            &key,
            input.return_item_collection_metrics.as_ref(),
        )?,
    })
}
