//! BatchWriteItem: up to 25 puts and deletes, in one transaction where they fit one.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::Cx;
use nephos_store::{StoreError, Tx};

use super::capacity::{Named, Usage};
use super::change::{Change, Effect, current};
use super::put::check_size;
use super::request::valid;
use crate::choices::ReturnItemCollectionMetrics;
use crate::names::{GivenName, TableName};
use crate::schema::{check_index_keys, place_of_item, place_of_key};
use crate::shapes::{BatchWriteItemInput, BatchWriteItemOutput, ItemCollectionMetrics, WriteRequest};
use crate::value::{Attributes, Item, Layer};
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Older;
/// The most requests in one call.
const MAX_REQUESTS: usize = 25;

/// One write.
struct Write {
    given: GivenName,
    name: TableName,
    /// The item, or the key of one to delete.
    attributes: Attributes,
    /// The item's stored form; none for a deletion.
    item: Option<Item>,
}

/// `BatchWriteItem`
pub async fn batch_write_item(
    db: &DynamoDb,
    cx: &Cx,
    input: BatchWriteItemInput,
) -> Result<BatchWriteItemOutput, Error> {
    let requests = input.request_items.unwrap_or_default();
    if requests.is_empty() {
        return Err(Error::Validation(
            "The requestItems parameter is required for BatchWriteItem".to_owned(),
        ));
    }
    let writes = parse(cx, requests)?;
    let effects = write_all(db, &writes).await?;
    effects.iter().for_each(|effect| db.statistics.count(&effect.deltas));
    let metrics = input.return_item_collection_metrics.as_ref();
    let mut usage: BTreeMap<GivenName, Usage> = BTreeMap::new();
    for (write, effect) in writes.iter().zip(&effects) {
        usage.entry(write.given.clone()).or_default().add(&effect.usage);
    }
    let wanted = input.return_consumed_capacity.as_ref();
    let reports: Vec<_> =
        usage.iter().filter_map(|(given, usage)| usage.report(given, wanted, Named::Neither)).collect();
    Ok(BatchWriteItemOutput {
        unprocessed_items: Some(BTreeMap::new()),
        item_collection_metrics: collections(db, &writes, metrics)?,
        consumed_capacity: (!reports.is_empty()).then_some(reports),
    })
}

fn parse(cx: &Cx, requests: BTreeMap<String, Vec<WriteRequest>>) -> Result<Vec<Write>, Error> {
    let mut writes = Vec::new();
    for (given, requests) in requests {
        let name = TableName::resolve(cx, &given);
        for request in requests {
            let (attributes, is_put) = match (request.put_request, request.delete_request) {
                (Some(put), None) => (valid(put.item, LAYER)?, true),
                (None, Some(delete)) => (valid(delete.key, LAYER)?, false),
                _ => {
                    return Err(Error::Validation(
                        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                         supported datatypes"
                            .to_owned(),
                    ));
                }
            };
            let item = is_put.then(|| Item::encode(&attributes));
            item.as_ref().map_or(Ok(()), check_size)?;
            writes.push(Write { given: GivenName(given.clone()), name: name.clone(), attributes, item });
        }
    }
    if writes.len() > MAX_REQUESTS {
        return Err(Error::Validation("Too many items requested for the BatchWriteItem call".to_owned()));
    }
    Ok(writes)
}

async fn write_all(db: &DynamoDb, writes: &[Write]) -> Result<Vec<Effect>, Error> {
    let together = db.store.transact("batch-write-item", |tx| {
        check(db, tx, writes)?;
        writes.iter().map(|one| write(db, tx, one)).collect::<Result<Vec<_>, Error>>()
    });
    match together.await {
        Err(Error::Store(StoreError::TooLarge { .. })) => {}
        outcome => return outcome,
    }
    // A batch promises no more than that each of its writes is done or not.
    let mut effects = Vec::new();
    for one in writes {
        effects.push(db.store.transact("batch-write-item", |tx| write(db, tx, one)).await?);
    }
    Ok(effects)
}

/// Every table and key is checked before anything is written.
fn check(db: &DynamoDb, tx: &Tx, writes: &[Write]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for write in writes {
        let table = db.table_for_write(tx, &write.name)?;
        let place = match write.item {
            Some(_) => place_of_item(&table, &write.attributes),
            None => place_of_key(&table, &write.attributes),
        };
        let place = place.map_err(|fault| fault.in_key())?;
        if write.item.is_some() {
            check_index_keys(&table, &write.attributes)?;
        }
        if !seen.insert((table.id, place)) {
            return Err(Error::Validation("Provided list of item keys contains duplicates".to_owned()));
        }
    }
    Ok(())
}

fn write(db: &DynamoDb, tx: &mut Tx, write: &Write) -> Result<Effect, Error> {
    let table = db.table_for_write(tx, &write.name)?;
    let primary = place_of_item(&table, &write.attributes).map_err(|fault| fault.in_key())?;
    let old = current(tx, &table, &primary)?;
    let change = Change { table: &table, primary: &primary, old: old.as_ref(), new: write.item.as_ref() };
    Ok(change.write(tx)?)
}

type Collections = Option<BTreeMap<String, Vec<ItemCollectionMetrics>>>;

fn collections(
    db: &DynamoDb,
    writes: &[Write],
    wanted: Option<&ReturnItemCollectionMetrics>,
) -> Result<Collections, Error> {
    let mut all: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
    if wanted != Some(&ReturnItemCollectionMetrics::Size) {
        return Ok(None);
    }
    for write in writes {
        let table = db.store.read(|view| db.table(view, &write.name))?;
        if let Some(metrics) = db.collection_metrics(&table, &write.attributes, wanted)? {
            let of_table = all.entry(write.given.0.clone()).or_default();
            // One for each collection, however many of its items were written.
            if !of_table.contains(&metrics) {
                of_table.push(metrics);
            }
        }
    }
    Ok((!all.is_empty()).then_some(all))
}
