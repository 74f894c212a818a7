//! TransactGetItems: up to 100 items as of one moment.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::Cx;
use nephos_store::View;

use super::capacity::{Named, Usage, read_units};
use super::change::current;
use super::get::{check_paths, projected};
use super::request::{Given, all_used, placeholders, projection, valid};
use super::transact_write::multiple_operations;
use crate::error::Reason;
use crate::expr::{Parameter, Projection};
use crate::names::{GivenName, TableName};
use crate::schema::place_of_key;
use crate::shapes::{Get, ItemResponse, TransactGetItem, TransactGetItemsInput, TransactGetItemsOutput};
use crate::value::{Attributes, Item, Layer};
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Older;
/// What each item of a transaction costs over one that is read alone.
pub(super) const TRANSACTION_FACTOR: f64 = 2.0;

struct Wanted {
    given: GivenName,
    name: TableName,
    key: Attributes,
    projection: Option<Projection>,
}

/// `TransactGetItems`
pub async fn transact_get_items(
    db: &DynamoDb,
    cx: &Cx,
    input: TransactGetItemsInput,
) -> Result<TransactGetItemsOutput, Error> {
    let gets = input.transact_items.unwrap_or_default();
    let wanted = gets.into_iter().map(|get| parse(cx, get)).collect::<Result<Vec<_>, _>>()?;
    let items = db.store.read(|view| find_all(db, view, &wanted))?;
    let mut usage: BTreeMap<GivenName, Usage> = BTreeMap::new();
    for (wanted, item) in wanted.iter().zip(&items) {
        let units = read_units(item.as_ref().map_or(0, Item::size), true);
        usage.entry(wanted.given.clone()).or_default().add(&Usage::of_table(units).times(TRANSACTION_FACTOR));
    }
    let capacity = input.return_consumed_capacity.as_ref();
    let reports: Vec<_> =
        usage.iter().filter_map(|(given, usage)| usage.report(given, capacity, Named::Read)).collect();
    let responses = wanted.iter().zip(items).map(|(wanted, item)| ItemResponse {
        item: item.map(|item| projected(item, wanted.projection.as_ref())),
    });
    Ok(TransactGetItemsOutput {
        responses: Some(responses.collect()),
        consumed_capacity: (!reports.is_empty()).then_some(reports),
    })
}

fn parse(cx: &Cx, get: TransactGetItem) -> Result<Wanted, Error> {
    let Get { key, table_name, projection_expression, expression_attribute_names } =
        get.get.unwrap_or_default();
    Given {
        expressions: &[(Parameter::Projection, projection_expression.is_some())],
        legacy: &[],
        names: expression_attribute_names.is_some(),
        values: false,
    }
    .check(LAYER)?;
    let key = valid(key, LAYER)?;
    let placeholders = placeholders(expression_attribute_names, None, LAYER)?;
    let projection = projection(projection_expression.as_deref(), None, &placeholders, LAYER)?;
    all_used(&placeholders, LAYER)?;
    let given = table_name.unwrap_or_default();
    Ok(Wanted { name: TableName::resolve(cx, &given.0), given, key, projection })
}

fn find_all(db: &DynamoDb, view: &View, wanted: &[Wanted]) -> Result<Vec<Option<Item>>, Error> {
    let mut reasons = vec![Reason::NONE; wanted.len()];
    let mut places = Vec::new();
    for (wanted, reason) in wanted.iter().zip(&mut reasons) {
        let table = db.table(view, &wanted.name)?;
        check_paths(&table, wanted.projection.as_ref())?;
        match place_of_key(&table, &wanted.key) {
            Ok(place) => places.push((table, place)),
            Err(fault) if fault.is_up_front() => return Err(fault.in_key()),
            Err(fault) => *reason = Reason::validation(fault.in_key().to_string()),
        }
    }
    let distinct: BTreeSet<_> = places.iter().map(|(table, place)| (table.id, place)).collect();
    if distinct.len() < places.len() {
        return Err(multiple_operations());
    }
    if reasons.iter().any(|reason| *reason != Reason::NONE) {
        return Err(Error::TransactionCanceled(reasons));
    }
    places.iter().map(|(table, place)| current(view, table, place)).collect()
}
