//! UpdateItem.

use nephos_core::Cx;

use super::capacity::Named;
use super::change::{Change, current};
use super::get::check_path;
use super::request::{Given, Guard, all_used, in_expression, placeholders, valid};
use crate::choices::ReturnValues;
use crate::expr::update::What;
use crate::expr::{Parameter, Projection, Update};
use crate::names::TableName;
use crate::records::TableRecord;
use crate::schema::{MAX_ITEM_BYTES, check_index_key_length, check_index_key_type, place_of_key};
use crate::shapes::{UpdateItemInput, UpdateItemOutput};
use crate::value::{AttributeMap, Attributes, Invalid, Item, Layer, MAX_LEVELS};
use crate::{DynamoDb, Error, legacy};

const LAYER: Layer = Layer::Enveloped;

/// `UpdateItem`
pub async fn update_item(
    db: &DynamoDb,
    cx: &Cx,
    mut input: UpdateItemInput,
) -> Result<UpdateItemOutput, Error> {
    let (key, update, guard) = parse(&mut input)?;
    let given = input.table_name.unwrap_or_default();
    let name = TableName::resolve(cx, &given.0);
    let updating = db.store.transact("update-item", |tx| {
        let table = db.table_for_write(tx, &name)?;
        let primary = place_of_key(&table, &key).map_err(|fault| fault.in_key())?;
        check_update(&table, &update)?;
        let old = current(tx, &table, &primary)?;
        guard.check(old.as_ref())?;
        let new = updated(&table, &update, &key, old.as_ref())?;
        let change = Change { table: &table, primary: &primary, old: old.as_ref(), new: new.as_ref() };
        let effect = change.write(tx)?;
        Ok::<_, Error>((table, old, new, effect))
    });
    let (table, old, new, effect) = updating.await?;
    db.statistics.count(&effect.deltas);
    Ok(UpdateItemOutput {
        attributes: returned(input.return_values.as_ref(), &update, old, new)?,
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

fn parse(input: &mut UpdateItemInput) -> Result<(Attributes, Update, Guard), Error> {
    Given {
        expressions: &[
            (Parameter::Update, input.update_expression.is_some()),
            (Parameter::Condition, input.condition_expression.is_some()),
        ],
        legacy: &[
            ("AttributeUpdates", input.attribute_updates.is_some()),
            ("Expected", input.expected.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ],
        names: input.expression_attribute_names.is_some(),
        values: input.expression_attribute_values.is_some(),
    }
    .check(LAYER)?;
    let key = valid(input.key.take(), LAYER)?;
    let legacy = input.attribute_updates.take().map(|updates| legacy::attribute_updates(updates, LAYER));
    let legacy = legacy.transpose().map_err(|fault| Error::Validation(LAYER.word(fault)))?;
    let on_failure = input.return_values_on_condition_check_failure.as_ref();
    let operator = input.conditional_operator.as_ref();
    let expected = Guard::of_expected(input.expected.take(), operator, on_failure, LAYER)?;
    let (names, values) = (input.expression_attribute_names.take(), input.expression_attribute_values.take());
    let placeholders = placeholders(names, values, LAYER)?;
    let update = input.update_expression.as_deref().map(|text| Update::parse(text, &placeholders));
    let update = update.transpose().map_err(in_expression(Parameter::Update, LAYER))?;
    let condition =
        Guard::of_expression(input.condition_expression.as_deref(), &placeholders, on_failure, LAYER)?;
    all_used(&placeholders, LAYER)?;
    Ok((key, update.or(legacy).unwrap_or_default(), condition.or(expected)))
}

/// What the table's keys have against an update, whatever the item.
pub(super) fn check_update(table: &TableRecord, update: &Update) -> Result<(), Error> {
    if let Some(path) = update.targets().find(|path| table.key.has(&path.root)) {
        let name = &path.root;
        return Err(Error::parameters(format!(
            "Cannot update attribute {name}. This attribute is part of the key"
        )));
    }
    for action in update.actions.iter().filter(|action| action.path.steps.is_empty()) {
        let kind = match &action.what {
            What::Set(expression) => expression.kind(),
            What::Add(value) | What::Delete(value) => Some(value.kind()),
            What::Remove => None,
        };
        for index in table.globals.iter().chain(&table.locals) {
            let attribute = index.key.attributes().find(|attribute| attribute.name == action.path.root);
            if let (Some(attribute), Some(kind)) = (attribute, kind) {
                check_index_key_type(index, attribute, kind)?;
            }
        }
    }
    let mut outcome = Ok(());
    update.for_each_path(&mut |path| {
        if outcome.is_ok() {
            outcome = check_path(table, path);
        }
    });
    outcome
}

/// The item after an update; none where there is none and the update makes none.
pub(super) fn updated(
    table: &TableRecord,
    update: &Update,
    key: &Attributes,
    old: Option<&Item>,
) -> Result<Option<Item>, Error> {
    let mut attributes = match old {
        Some(item) => item.attributes()?,
        None => key.clone(),
    };
    update.apply(&mut attributes).map_err(|fault| Error::Validation(fault.to_string()))?;
    if old.is_none() && update.only_removes() {
        return Ok(None);
    }
    for root in update.targets().map(|path| &path.root) {
        if let Some(value) = attributes.get(root) {
            if value.levels() > MAX_LEVELS {
                return Err(Error::Validation(Invalid::TooDeep.message(Layer::Bare)));
            }
            check_index_key(table, root, value)?;
        }
        for index in table.indexes().filter(|index| index.key.has(root)) {
            check_index_key_length(&index.key, &attributes)?;
        }
    }
    let item = Item::encode(&attributes);
    if item.size() > MAX_ITEM_BYTES {
        return Err(Error::Validation(
            "Item size to update has exceeded the maximum allowed size".to_owned(),
        ));
    }
    Ok(Some(item))
}

fn check_index_key(
    table: &TableRecord,
    name: &str,
    value: &crate::value::AttributeValue,
) -> Result<(), Error> {
    let keys = table.indexes().flat_map(|index| index.key.attributes());
    for attribute in keys.filter(|attribute| attribute.name == name) {
        if attribute.kind.kind() != value.kind() {
            return Err(Error::Validation(
                "The update expression attempted to update the secondary index key to unsupported type"
                    .to_owned(),
            ));
        }
        if value.size() == 0 {
            let kind = if value.as_str().is_some() { "string" } else { "binary" };
            return Err(Error::Validation(format!(
                "The update expression attempted to update the secondary index key to a value that is not supported. \
                 The AttributeValue for a key attribute cannot contain an empty {kind} value."
            )));
        }
    }
    Ok(())
}

fn returned(
    wanted: Option<&ReturnValues>,
    update: &Update,
    old: Option<Item>,
    new: Option<Item>,
) -> Result<Option<AttributeMap>, Error> {
    let touched = |item: Option<Item>| -> Result<Option<AttributeMap>, Error> {
        let Some(item) = item else { return Ok(None) };
        let projection = Projection::of(update.targets().cloned().collect());
        let attributes = projection.apply_to_tree(&item.attributes()?);
        Ok((!attributes.is_empty()).then(|| attributes.into()))
    };
    match wanted {
        Some(ReturnValues::AllOld) => Ok(old.map(Into::into)),
        Some(ReturnValues::AllNew) => Ok(new.map(Into::into)),
        Some(ReturnValues::UpdatedOld) => touched(old),
        Some(ReturnValues::UpdatedNew) => touched(new),
        _ => Ok(None),
    }
}
