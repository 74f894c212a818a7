//! What a table's and its indexes' keys make of attributes: where an item stands, and what is wrong with its keys.

use crate::Error;
use crate::keys::EntryKey;
use crate::records::{IndexRecord, KeyAttribute, KeySchema, TableRecord};
use crate::value::{AttributeValue, Attributes, ItemRef, Kind, ValueRef};

/// The longest partition key, in bytes.
pub const MAX_HASH_BYTES: usize = 2048;
/// The longest sort key, in bytes.
pub const MAX_RANGE_BYTES: usize = 1024;
/// The largest item, in billed bytes.
pub const MAX_ITEM_BYTES: usize = 400 * 1024;

/// What is wrong with the primary key in an item or a `Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// A key attribute is not there.
    Missing(String),
    /// There is more than the key.
    Extra,
    /// A key attribute is of another type.
    WrongType {
        /// The attribute.
        name: String,
        /// The schema's type.
        expected: Kind,
        /// The type that came.
        actual: Kind,
    },
    /// A key attribute is an empty text or binary.
    Empty {
        /// The attribute.
        name: String,
        /// Its type.
        kind: Kind,
    },
    /// The partition key is too long.
    LongHash,
    /// The sort key is too long.
    LongRange,
}

impl KeyFault {
    /// What PutItem says of it.
    pub fn in_item(&self) -> Error {
        match self {
            KeyFault::Missing(name) => Error::parameters(format!("Missing the key {name} in the item")),
            KeyFault::WrongType { name, expected, actual } => Error::parameters(format!(
                "Type mismatch for key {name} expected: {} actual: {}",
                expected.name(),
                actual.name()
            )),
            other => other.in_key(),
        }
    }

    /// What operations that take a `Key` say of it, and BatchWriteItem of its items.
    pub fn in_key(&self) -> Error {
        match self {
            KeyFault::Missing(_) | KeyFault::Extra | KeyFault::WrongType { .. } => Error::key_mismatch(),
            KeyFault::Empty { name, kind } => Error::Validation(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
                 empty {} value. Key: {name}",
                long_name(*kind)
            )),
            KeyFault::LongHash => too_long(true),
            KeyFault::LongRange => too_long(false),
        }
    }

    /// Whether a transaction is refused for it before it begins, rather than cancelled.
    pub fn is_up_front(&self) -> bool {
        matches!(self, KeyFault::Empty { .. })
    }
}

fn long_name(kind: Kind) -> &'static str {
    if kind == Kind::B { "binary" } else { "string" }
}

fn too_long(hash: bool) -> Error {
    Error::parameters(if hash {
        "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    } else {
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
    })
}

/// Where an item with these attributes stands; other attributes are allowed.
pub fn place_of_item(table: &TableRecord, attributes: &Attributes) -> Result<EntryKey, KeyFault> {
    let hash = key_values(&table.key.hash, attributes)?;
    let range = key_values(&table.key.range, attributes)?;
    if length(&hash) > MAX_HASH_BYTES {
        return Err(KeyFault::LongHash);
    }
    if length(&range) > MAX_RANGE_BYTES {
        return Err(KeyFault::LongRange);
    }
    Ok(EntryKey::partition(hash).with(range))
}

/// Where the item with this key stands; there must be nothing but the key.
pub fn place_of_key(table: &TableRecord, key: &Attributes) -> Result<EntryKey, KeyFault> {
    if key.len() != table.key.attributes().count() {
        // An empty key attribute is told before that something is missing or too much.
        place_of_item(table, key)?;
        return Err(KeyFault::Extra);
    }
    place_of_item(table, key)
}

fn key_values<'a>(
    schema: &[KeyAttribute],
    attributes: &'a Attributes,
) -> Result<Vec<&'a AttributeValue>, KeyFault> {
    schema.iter().map(|attribute| key_value(attribute, attributes)).collect()
}

fn key_value<'a>(
    attribute: &KeyAttribute,
    attributes: &'a Attributes,
) -> Result<&'a AttributeValue, KeyFault> {
    let name = || attribute.name.clone();
    let value = attributes.get(&attribute.name).ok_or_else(|| KeyFault::Missing(name()))?;
    let (expected, actual) = (attribute.kind.kind(), value.kind());
    if actual != expected {
        return Err(KeyFault::WrongType { name: name(), expected, actual });
    }
    if value.size() == 0 {
        return Err(KeyFault::Empty { name: name(), kind: actual });
    }
    Ok(value)
}

fn length(values: &[&AttributeValue]) -> usize {
    values.iter().filter(|value| value.kind() != Kind::N).map(|value| value.size()).sum()
}

/// What is wrong with an attribute that is a key of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexKeyFault {
    /// It is of another type.
    WrongType {
        /// The attribute.
        name: String,
        /// The schema's type.
        expected: Kind,
        /// The type that came.
        actual: Kind,
        /// The index.
        index: String,
    },
    /// It is an empty text or binary.
    Empty {
        /// The attribute.
        name: String,
        /// Its type.
        kind: Kind,
        /// The index.
        index: String,
    },
    /// The partition attributes are too long together.
    LongHash,
    /// The sort attributes are too long together.
    LongRange,
}

impl IndexKeyFault {
    /// Whether a transaction is refused for it before it begins, rather than cancelled.
    pub fn is_up_front(&self) -> bool {
        matches!(self, IndexKeyFault::Empty { .. })
    }
}

impl From<IndexKeyFault> for Error {
    fn from(fault: IndexKeyFault) -> Error {
        match fault {
            IndexKeyFault::WrongType { name, expected, actual, index } => Error::parameters(format!(
                "Type mismatch for Index Key {name} Expected: {} Actual: {} IndexName: {index}",
                expected.name(),
                actual.name()
            )),
            IndexKeyFault::Empty { name, kind, index } => Error::Validation(format!(
                "One or more parameter values are not valid. A value specified for a secondary index key is not \
                 supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: \
                 {index}, IndexKey: {name}",
                long_name(kind)
            )),
            IndexKeyFault::LongHash => too_long(true),
            IndexKeyFault::LongRange => too_long(false),
        }
    }
}

/// Checks the attributes that are keys of indexes: absent is fine, a wrong type or an empty value is not.
pub fn check_index_keys(table: &TableRecord, attributes: &Attributes) -> Result<(), IndexKeyFault> {
    for index in table.globals.iter().chain(&table.locals) {
        for attribute in index.key.attributes() {
            if let Some(value) = attributes.get(&attribute.name) {
                check_index_key(index, attribute, value)?;
            }
        }
        check_index_key_length(&index.key, attributes)?;
    }
    Ok(())
}

fn check_index_key(
    index: &IndexRecord,
    attribute: &KeyAttribute,
    value: &AttributeValue,
) -> Result<(), IndexKeyFault> {
    let kind = value.kind();
    check_index_key_type(index, attribute, kind)?;
    if value.size() == 0 {
        return Err(IndexKeyFault::Empty { name: attribute.name.clone(), kind, index: index.name.clone() });
    }
    Ok(())
}

/// Refuses a key attribute of an index in another type than the index's.
pub fn check_index_key_type(
    index: &IndexRecord,
    attribute: &KeyAttribute,
    actual: Kind,
) -> Result<(), IndexKeyFault> {
    let expected = attribute.kind.kind();
    if actual == expected {
        return Ok(());
    }
    let (name, index) = (attribute.name.clone(), index.name.clone());
    Err(IndexKeyFault::WrongType { name, expected, actual, index })
}

/// Refuses key attributes of an index that are too long.
pub fn check_index_key_length(key: &KeySchema, attributes: &Attributes) -> Result<(), IndexKeyFault> {
    let bytes = |schema: &[KeyAttribute]| -> usize {
        let values: Vec<&AttributeValue> = schema.iter().filter_map(|a| attributes.get(&a.name)).collect();
        length(&values)
    };
    if bytes(&key.hash) > MAX_HASH_BYTES {
        return Err(IndexKeyFault::LongHash);
    }
    if bytes(&key.range) > MAX_RANGE_BYTES {
        return Err(IndexKeyFault::LongRange);
    }
    Ok(())
}

/// Where a stored item stands in an index; none where it lacks a key attribute, or has it in another type or too long,
/// as items may that were there before the index.
pub fn place_in_index(index: &IndexRecord, item: ItemRef<'_>, primary: &EntryKey) -> Option<EntryKey> {
    fn values<'a>(schema: &[KeyAttribute], item: ItemRef<'a>) -> Option<Vec<ValueRef<'a>>> {
        let value = |attribute: &KeyAttribute| {
            let value = item.get(&attribute.name)?;
            (value.kind() == attribute.kind.kind() && !value.payload().is_empty()).then_some(value)
        };
        schema.iter().map(value).collect()
    }
    let hash = values(&index.key.hash, item)?;
    let range = values(&index.key.range, item)?;
    let length = |values: &[ValueRef<'_>]| -> usize {
        values.iter().filter(|value| value.kind() != Kind::N).map(|value| value.payload().len()).sum()
    };
    if length(&hash) > MAX_HASH_BYTES || length(&range) > MAX_RANGE_BYTES {
        return None;
    }
    Some(EntryKey::partition(hash).with(range).of_item(primary))
}

/// Where a stored item stands in its table.
pub fn place_of_stored(table: &TableRecord, item: ItemRef<'_>) -> Option<EntryKey> {
    let values = |schema: &[KeyAttribute]| -> Option<Vec<ValueRef<'_>>> {
        schema.iter().map(|attribute| item.get(&attribute.name)).collect()
    };
    Some(EntryKey::partition(values(&table.key.hash)?).with(values(&table.key.range)?))
}
