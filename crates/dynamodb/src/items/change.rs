//! One item's change: the item, its index entries and its expiry row, in one transaction, and what it costs.

use nephos_store::{Read, StoreError, Tx};

use super::capacity::{Usage, write_units};
use crate::Error;
use crate::keys::{self, EntryKey};
use crate::records::{IndexRecord, Projected, TableRecord};
use crate::schema::place_in_index;
use crate::statistics::Delta;
use crate::value::Item;

/// What a change costs and how it changes the counts.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// The capacity that it uses.
    pub usage: Usage,
    /// What it adds to the counts of the table and its indexes.
    pub deltas: Vec<Delta>,
}

/// An item's change.
pub struct Change<'a> {
    /// Its table.
    pub table: &'a TableRecord,
    /// Where it stands.
    pub primary: &'a EntryKey,
    /// What is there.
    pub old: Option<&'a Item>,
    /// What is to be there.
    pub new: Option<&'a Item>,
}

/// The item that stands at a place.
pub fn current(read: &dyn Read, table: &TableRecord, primary: &EntryKey) -> Result<Option<Item>, Error> {
    let bytes = read.get(&keys::item(table.id, primary))?;
    Ok(bytes.map(Item::from_stored).transpose()?)
}

impl Change<'_> {
    /// Writes the change.
    pub fn write(&self, tx: &mut Tx) -> Result<Effect, StoreError> {
        let mut effect = Effect::default();
        let size = |item: Option<&Item>| item.map_or(0, Item::size);
        effect.usage.table = write_units(size(self.old).max(size(self.new)));
        if self.old == self.new {
            return Ok(effect);
        }
        let key = keys::item(self.table.id, self.primary);
        match self.new {
            Some(item) => tx.put(key, item.bytes()),
            None => tx.delete(key),
        }
        effect.deltas.push(delta(self.table.id, self.old, self.new));
        for index in &self.table.locals {
            self.write_index(tx, index, &mut effect, true)?;
        }
        for index in &self.table.globals {
            self.write_index(tx, index, &mut effect, false)?;
        }
        self.write_expiry(tx);
        Ok(effect)
    }

    fn write_index(
        &self,
        tx: &mut Tx,
        index: &IndexRecord,
        effect: &mut Effect,
        local: bool,
    ) -> Result<(), StoreError> {
        let old = self.old.and_then(|item| entry(self.table, index, item, self.primary));
        let new = self.new.and_then(|item| entry(self.table, index, item, self.primary));
        let units = entry_units(old.as_ref(), new.as_ref());
        if units == 0.0 {
            return Ok(());
        }
        let used = if local { &mut effect.usage.locals } else { &mut effect.usage.globals };
        used.insert(index.name.clone(), units);
        let mut counted = old.as_ref();
        if let Some((key, _)) = &old {
            // A new index may not have taken over this item yet, and then has not counted it.
            if index.backfilling && tx.get(&keys::entry(index.id, key))?.is_none() {
                counted = None;
            }
            if new.as_ref().is_none_or(|(new, _)| new != key) {
                tx.delete(keys::entry(index.id, key));
            }
        }
        if let Some((key, item)) = &new {
            tx.put(keys::entry(index.id, key), item.bytes());
        }
        let counted = counted.map(|(_, item)| item);
        effect.deltas.push(delta(index.id, counted, new.as_ref().map(|(_, item)| item)));
        Ok(())
    }

    fn write_expiry(&self, tx: &mut Tx) {
        let Some(expiry) = &self.table.expiry else { return };
        let second = |item: Option<&Item>| item.and_then(|item| expiry_second(item, &expiry.attribute));
        let (old, new) = (second(self.old), second(self.new));
        if old == new {
            return;
        }
        if let Some(second) = old {
            tx.delete(keys::expiry(self.table.id, second, self.primary));
        }
        if let Some(second) = new {
            tx.put(keys::expiry(self.table.id, second, self.primary), &b""[..]);
        }
    }
}

/// The second at which an item expires, if its attribute says one.
pub fn expiry_second(item: &Item, attribute: &str) -> Option<u64> {
    let second = item.get(attribute)?.number()?.floor_i64()?;
    u64::try_from(second).ok().filter(|second| *second > 0)
}

/// An item's entry in an index, if it has one: where it stands, and what the index holds of it.
pub fn entry(
    table: &TableRecord,
    index: &IndexRecord,
    item: &Item,
    primary: &EntryKey,
) -> Option<(EntryKey, Item)> {
    let key = place_in_index(index, item.view(), primary)?;
    let held = match index.projection {
        Projected::All => item.clone(),
        _ => item.view().select(|name| index.holds(&table.key, name)),
    };
    Some((key, held))
}

/// What a change of an entry costs: nothing where it stays, one write where it appears, changes or goes, two where it
/// moves.
fn entry_units(old: Option<&(EntryKey, Item)>, new: Option<&(EntryKey, Item)>) -> f64 {
    match (old, new) {
        (Some(old), Some(new)) if old == new => 0.0,
        (Some(old), Some(new)) if old.0 == new.0 => write_units(old.1.size().max(new.1.size())),
        (old, new) => old.into_iter().chain(new).map(|(_, item)| write_units(item.size())).sum::<f64>(),
    }
}

/// How a change from one item to another counts.
pub fn delta(id: u64, old: Option<&Item>, new: Option<&Item>) -> Delta {
    let items = |item: Option<&Item>| i64::from(item.is_some());
    let bytes = |item: Option<&Item>| item.map_or(0, |item| i64::try_from(item.size()).unwrap_or(i64::MAX));
    Delta { id, items: items(new) - items(old), bytes: bytes(new) - bytes(old) }
}
