//! `ItemCollectionMetrics`: how large the items of a partition are together, in tables with local indexes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use nephos_store::{Range, Read};

use crate::choices::ReturnItemCollectionMetrics;
use crate::keys::{self, EntryKey, PartitionRange};
use crate::records::TableRecord;
use crate::shapes::ItemCollectionMetrics;
use crate::value::{Attributes, ItemRef};
use crate::{DynamoDb, Error};

/// An estimate counts no further than this.
const MAX_COUNTED_BYTES: usize = 1 << 30;

impl DynamoDb {
    /// The metrics of the collection that an item with this key is in, if the caller wants them and there are any.
    pub(crate) fn collection_metrics(
        &self,
        table: &TableRecord,
        key: &Attributes,
        wanted: Option<&ReturnItemCollectionMetrics>,
    ) -> Result<Option<ItemCollectionMetrics>, Error> {
        if wanted != Some(&ReturnItemCollectionMetrics::Size) || table.locals.is_empty() {
            return Ok(None);
        }
        let hash: BTreeMap<_, _> = table
            .key
            .hash
            .iter()
            .filter_map(|attribute| Some((attribute.name.clone(), key.get(&attribute.name)?.clone())))
            .collect();
        let partition = EntryKey::partition(hash.values());
        let ranges = std::iter::once(keys::items(table.id))
            .chain(table.locals.iter().map(|index| keys::entries(index.id)))
            .map(|owner| PartitionRange::all(&partition).under(&owner));
        let bytes = self.store.read(|view| counted_bytes(view, ranges))?;
        let low = (bytes as f64 / MAX_COUNTED_BYTES as f64).floor();
        Ok(Some(ItemCollectionMetrics {
            item_collection_key: Some(hash.into()),
            size_estimate_range_gb: Some(vec![low, low + 1.0]),
        }))
    }
}

fn counted_bytes(read: &dyn Read, ranges: impl Iterator<Item = Range>) -> Result<usize, Error> {
    let mut bytes = 0;
    for range in ranges {
        read.scan(&range, &mut |_, item| {
            bytes += ItemRef::from_stored(item).map_or(0, ItemRef::size);
            if bytes < MAX_COUNTED_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    Ok(bytes)
}
