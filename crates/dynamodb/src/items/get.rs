//! GetItem: from the stored bytes straight to JSON.

use nephos_core::Cx;

use super::capacity::{Named, Usage, read_units};
use super::change::current;
use super::request::{Given, all_used, placeholders, projection, valid};
use crate::expr::{Parameter, Projection};
use crate::names::TableName;
use crate::records::TableRecord;
use crate::schema::place_of_key;
use crate::shapes::{GetItemInput, GetItemOutput};
use crate::value::{AttributeMap, Item, Layer};
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Bare;

/// `GetItem`
pub async fn get_item(db: &DynamoDb, cx: &Cx, input: GetItemInput) -> Result<GetItemOutput, Error> {
    Given {
        expressions: &[(Parameter::Projection, input.projection_expression.is_some())],
        legacy: &[("AttributesToGet", input.attributes_to_get.is_some())],
        names: input.expression_attribute_names.is_some(),
        values: false,
    }
    .check(LAYER)?;
    let key = valid(input.key, LAYER)?;
    let placeholders = placeholders(input.expression_attribute_names, None, LAYER)?;
    let attributes = input.attributes_to_get.as_deref();
    let projection = projection(input.projection_expression.as_deref(), attributes, &placeholders, LAYER)?;
    all_used(&placeholders, LAYER)?;

    let given = input.table_name.unwrap_or_default();
    let name = TableName::resolve(cx, &given.0);
    let item = db.store.read(|view| {
        let table = db.table(view, &name)?;
        check_paths(&table, projection.as_ref())?;
        let primary = place_of_key(&table, &key).map_err(|fault| fault.in_key())?;
        current(view, &table, &primary)
    })?;
    let consistent = input.consistent_read == Some(true);
    let usage = Usage::of_table(read_units(item.as_ref().map_or(0, Item::size), consistent));
    Ok(GetItemOutput {
        item: item.map(|item| projected(item, projection.as_ref())),
        consumed_capacity: usage.report(&given, input.return_consumed_capacity.as_ref(), Named::Neither),
    })
}

/// What a projection leaves of an item.
pub(crate) fn projected(item: Item, projection: Option<&Projection>) -> AttributeMap {
    match projection {
        Some(projection) => projection.apply(item.view()),
        None => item.into(),
    }
}

/// Refuses paths into key attributes, which are scalars.
pub(crate) fn check_paths(table: &TableRecord, projection: Option<&Projection>) -> Result<(), Error> {
    projection.into_iter().flat_map(Projection::paths).try_for_each(|path| check_path(table, path))
}

/// Refuses a path into a key attribute.
pub(crate) fn check_path(table: &TableRecord, path: &crate::expr::Path) -> Result<(), Error> {
    if path.steps.is_empty() {
        return Ok(());
    }
    let root = &path.root;
    let kind = if table.key.has(root) {
        "Key"
    } else if table.indexes().any(|index| index.key.has(root)) {
        "IndexKey"
    } else {
        return Ok(());
    };
    Err(Error::Validation(format!(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {kind}: {root}"
    )))
}
