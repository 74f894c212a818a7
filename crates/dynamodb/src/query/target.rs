//! What a query or scan reads: a table or one of its indexes.

use std::sync::Arc;

use nephos_store::{Key, View};

use crate::keys::{self, EntryKey};
use crate::names::TableName;
use crate::records::{IndexRecord, KeyAttribute, KeySchema, Projected, TableRecord};
use crate::schema::{KeyFault, place_of_item};
use crate::value::{AttributeValue, Attributes, ItemRef};
use crate::{DynamoDb, Error};

/// A table, or an index of it.
pub struct Target {
    /// The table.
    pub table: Arc<TableRecord>,
    index: Option<At>,
}

/// Where an index is in its table's record.
#[derive(Clone, Copy)]
enum At {
    Local(usize),
    Global(usize),
}

impl Target {
    /// Finds the table and the index.
    pub fn find(
        db: &DynamoDb,
        view: &View,
        name: &TableName,
        index: Option<&str>,
        consistent: bool,
    ) -> Result<Target, Error> {
        let table = db.table(view, name)?;
        let Some(index) = index else { return Ok(Target { table, index: None }) };
        let position = |indexes: &[IndexRecord]| indexes.iter().position(|found| found.name == index);
        let at = position(&table.locals).map(At::Local).or_else(|| position(&table.globals).map(At::Global));
        let Some(at) = at else {
            return Err(Error::Validation(format!("The table does not have the specified index: {index}")));
        };
        let target = Target { table, index: Some(at) };
        if target.is_global() && consistent {
            return Err(Error::Validation(
                "Consistent reads are not supported on global secondary indexes".to_owned(),
            ));
        }
        if target.index().is_some_and(|index| index.backfilling) {
            return Err(Error::Validation(format!(
                "Cannot read from backfilling global secondary index: {index}"
            )));
        }
        Ok(target)
    }

    /// The index.
    pub fn index(&self) -> Option<&IndexRecord> {
        match self.index? {
            At::Local(at) => self.table.locals.get(at),
            At::Global(at) => self.table.globals.get(at),
        }
    }

    /// Whether it is a global index.
    pub fn is_global(&self) -> bool {
        matches!(self.index, Some(At::Global(_)))
    }

    /// The key that entries are ordered by.
    pub fn key(&self) -> &KeySchema {
        self.index().map_or(&self.table.key, |index| &index.key)
    }

    /// What all of its rows' keys begin with.
    pub fn rows(&self) -> Key {
        self.index().map_or_else(|| keys::items(self.table.id), |index| keys::entries(index.id))
    }

    /// Whether its entries hold an attribute.
    pub fn holds(&self, name: &str) -> bool {
        self.index().is_none_or(|index| index.holds(&self.table.key, name))
    }

    /// Whether its entries hold whole items.
    pub fn holds_all(&self) -> bool {
        self.index().is_none_or(|index| index.projection == Projected::All)
    }

    /// The attributes that say where a page ended: the table's key and the index's.
    pub fn position_attributes(&self) -> Vec<&KeyAttribute> {
        let mut attributes: Vec<&KeyAttribute> = self.table.key.attributes().collect();
        for attribute in self.index().into_iter().flat_map(|index| index.key.attributes()) {
            if !attributes.iter().any(|known| known.name == attribute.name) {
                attributes.push(attribute);
            }
        }
        attributes
    }

    /// Where an entry is, for the next page to start behind it.
    pub fn position_of(&self, item: ItemRef<'_>) -> Attributes {
        let value =
            |attribute: &KeyAttribute| Some((attribute.name.clone(), item.get(&attribute.name)?.to_value()?));
        self.position_attributes().into_iter().filter_map(value).collect()
    }

    /// The row that a page ended at.
    pub fn row_at(&self, position: &Attributes) -> Result<EntryKey, KeyFault> {
        let wanted = self.position_attributes();
        if position.len() != wanted.len() {
            return Err(KeyFault::Extra);
        }
        for attribute in wanted {
            let value = position.get(&attribute.name).ok_or(KeyFault::Extra)?;
            if value.kind() != attribute.kind.kind() {
                let (name, actual) = (attribute.name.clone(), value.kind());
                return Err(KeyFault::WrongType { name, expected: attribute.kind.kind(), actual });
            }
        }
        let primary = place_of_item(&self.table, position)?;
        let Some(index) = self.index() else { return Ok(primary) };
        let values = |schema: &[KeyAttribute]| -> Vec<AttributeValue> {
            schema.iter().filter_map(|attribute| position.get(&attribute.name).cloned()).collect()
        };
        let place = EntryKey::partition(&values(&index.key.hash)).with(&values(&index.key.range));
        Ok(place.of_item(&primary))
    }
}
