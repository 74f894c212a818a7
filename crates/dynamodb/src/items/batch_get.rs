//! BatchGetItem.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::Cx;
use nephos_store::{Read, View};

use super::capacity::{Named, Usage, read_units};
use super::get::{check_paths, projected};
use super::request::{Given, all_used, placeholders, projection, valid};
use crate::expr::{Parameter, Projection};
use crate::keys;
use crate::names::{GivenName, TableName};
use crate::schema::place_of_key;
use crate::shapes::{BatchGetItemInput, BatchGetItemOutput, KeysAndAttributes};
use crate::value::{AttributeMap, Attributes, Item, Layer};
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Bare;
/// The most keys in one call.
const MAX_KEYS: usize = 100;
/// The most bytes of items in one answer; what is beyond is left unprocessed.
const MAX_BYTES: usize = 16 << 20;

/// What is asked of one table.
struct Wanted {
    given: GivenName,
    name: TableName,
    keys: Vec<Attributes>,
    projection: Option<Projection>,
    consistent: bool,
    /// What goes back to the caller with the keys that were not processed.
    rest: KeysAndAttributes,
}

/// What one table answered.
struct Found {
    items: Vec<AttributeMap>,
    unprocessed: Vec<Attributes>,
    usage: Usage,
}

/// `BatchGetItem`
pub async fn batch_get_item(
    db: &DynamoDb,
    cx: &Cx,
    input: BatchGetItemInput,
) -> Result<BatchGetItemOutput, Error> {
    let requests = input.request_items.unwrap_or_default();
    if requests.is_empty() {
        return Err(Error::Validation(
            "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length \
             greater than or equal to 1"
                .to_owned(),
        ));
    }
    one_generation(&requests)?;
    let wanted: Vec<Wanted> =
        requests.into_iter().map(|(name, request)| parse(cx, name, request)).collect::<Result<_, _>>()?;
    if wanted.iter().map(|wanted| wanted.keys.len()).sum::<usize>() > MAX_KEYS {
        return Err(Error::Validation("Too many items requested for the BatchGetItem call".to_owned()));
    }
    let found = db.store.read(|view| {
        let mut room = MAX_BYTES;
        wanted.iter().map(|wanted| find(db, view, wanted, &mut room)).collect::<Result<Vec<_>, Error>>()
    })?;
    let mut output = BatchGetItemOutput {
        responses: Some(BTreeMap::new()),
        unprocessed_keys: Some(BTreeMap::new()),
        consumed_capacity: None,
    };
    for (wanted, found) in wanted.into_iter().zip(found) {
        let report =
            found.usage.report(&wanted.given, input.return_consumed_capacity.as_ref(), Named::Neither);
        if let Some(report) = report {
            output.consumed_capacity.get_or_insert_default().push(report);
        }
        if !found.unprocessed.is_empty() {
            let keys = Some(found.unprocessed.into_iter().map(Into::into).collect());
            let rest = KeysAndAttributes { keys, ..wanted.rest };
            output.unprocessed_keys.get_or_insert_default().insert(wanted.given.0.clone(), rest);
        }
        output.responses.get_or_insert_default().insert(wanted.given.0, found.items);
    }
    Ok(output)
}

/// The whole call is of one generation, whatever each table's part is.
fn one_generation(requests: &BTreeMap<String, KeysAndAttributes>) -> Result<(), Error> {
    let any = |is: fn(&KeysAndAttributes) -> bool| requests.values().any(is);
    Given {
        expressions: &[(Parameter::Projection, any(|request| request.projection_expression.is_some()))],
        legacy: &[("AttributesToGet", any(|request| request.attributes_to_get.is_some()))],
        names: false,
        values: false,
    }
    .check(LAYER)
}

fn parse(cx: &Cx, given: String, mut request: KeysAndAttributes) -> Result<Wanted, Error> {
    Given {
        expressions: &[(Parameter::Projection, request.projection_expression.is_some())],
        legacy: &[("AttributesToGet", request.attributes_to_get.is_some())],
        names: request.expression_attribute_names.is_some(),
        values: false,
    }
    .check(LAYER)?;
    let keys = request.keys.take().unwrap_or_default();
    let keys = keys.into_iter().map(|key| valid(Some(key), LAYER)).collect::<Result<Vec<_>, _>>()?;
    let placeholders = placeholders(request.expression_attribute_names.clone(), None, LAYER)?;
    let attributes = request.attributes_to_get.as_deref();
    let projection = projection(request.projection_expression.as_deref(), attributes, &placeholders, LAYER)?;
    all_used(&placeholders, LAYER)?;
    let name = TableName::resolve(cx, &given);
    let consistent = request.consistent_read == Some(true);
    Ok(Wanted { given: GivenName(given), name, keys, projection, consistent, rest: request })
}

fn find(db: &DynamoDb, view: &View, wanted: &Wanted, room: &mut usize) -> Result<Found, Error> {
    let table = db.table(view, &wanted.name)?;
    check_paths(&table, wanted.projection.as_ref())?;
    let places = wanted.keys.iter().map(|key| place_of_key(&table, key).map_err(|fault| fault.in_key()));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    if places.iter().collect::<BTreeSet<_>>().len() < places.len() {
        return Err(Error::Validation("Provided list of item keys contains duplicates".to_owned()));
    }
    let rows: Vec<_> = places.iter().map(|place| keys::item(table.id, place)).collect();
    let mut found = Found { items: Vec::new(), unprocessed: Vec::new(), usage: Usage::default() };
    for (row, key) in view.get_many(&rows)?.into_iter().zip(&wanted.keys) {
        let item = row.map(Item::from_stored).transpose()?;
        let size = item.as_ref().map_or(0, Item::size);
        if size > *room {
            // Nothing small slips past what did not fit.
            *room = 0;
            found.unprocessed.push(key.clone());
            continue;
        }
        *room -= size;
        found.usage.table += read_units(size, wanted.consistent);
        found.items.extend(item.map(|item| projected(item, wanted.projection.as_ref())));
    }
    Ok(found)
}
