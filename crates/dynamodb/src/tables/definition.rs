//! Key schemas, indexes and their projections as callers define them: checked in AWS's order, then trusted.

use std::collections::BTreeSet;

use super::settings;
use crate::Error;
use crate::choices::{KeyType, ProjectionType, ScalarAttributeType};
use crate::records::{IndexRecord, KeyAttribute, KeySchema, Projected, ScalarKind, TableRecord};
use crate::shapes::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex, KeySchemaElement,
    LocalSecondaryIndex, Projection,
};

/// The most local indexes of a table.
const MAX_LOCALS: usize = 5;
/// The most global indexes of a table.
pub(super) const MAX_GLOBALS: usize = 20;
/// The most attributes that all indexes of a table name in their projections.
const MAX_PROJECTED: usize = 100;
/// The most partition attributes of a global index, and the most sort attributes.
const MAX_PARTS: usize = 4;

/// The attribute definitions of a request.
pub fn attributes(definitions: Option<&[AttributeDefinition]>) -> Result<Vec<KeyAttribute>, Error> {
    let mut attributes: Vec<KeyAttribute> = Vec::new();
    for definition in definitions.unwrap_or_default() {
        let name = definition.attribute_name.clone().unwrap_or_default();
        let kind = match definition.attribute_type {
            Some(ScalarAttributeType::N) => ScalarKind::N,
            Some(ScalarAttributeType::B) => ScalarKind::B,
            _ => ScalarKind::S,
        };
        if attributes.iter().any(|known| known.name == name) {
            return Err(Error::parameters("Cannot have two attributes with the same name"));
        }
        attributes.push(KeyAttribute { name, kind });
    }
    Ok(attributes)
}

/// A list as AWS's messages print it.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", names.into_iter().collect::<Vec<_>>().join(", "))
}

fn names(attributes: &[KeyAttribute]) -> String {
    listed(attributes.iter().map(|attribute| attribute.name.as_str()))
}

/// The key of a table or a local index: a partition attribute, and perhaps a sort attribute.
pub fn simple_key(
    elements: Option<&[KeySchemaElement]>,
    definitions: &[KeyAttribute],
) -> Result<KeySchema, Error> {
    let elements = parsed(elements);
    let fault = |text: &str| Err(Error::Validation(text.to_owned()));
    no_more_than(&elements, 2)?;
    defined(&elements, definitions)?;
    if elements.first().is_none_or(|(_, key_type)| *key_type != KeyType::Hash) {
        return fault("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    }
    if elements.get(1).is_some_and(|(_, key_type)| *key_type != KeyType::Range) {
        return fault("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    }
    if elements.len() == 2 && elements[0].0 == elements[1].0 {
        return fault("Both the Hash Key and the Range Key element in the KeySchema have the same name");
    }
    Ok(schema(&elements, definitions))
}

/// The key of a global index: up to four partition attributes, then up to four sort attributes.
fn compound_key(
    elements: Option<&[KeySchemaElement]>,
    definitions: &[KeyAttribute],
) -> Result<KeySchema, Error> {
    let parts = parsed(elements);
    let hashes = parts.iter().filter(|(_, key_type)| *key_type == KeyType::Hash).count();
    if hashes <= 1 && parts.len() <= 2 {
        return simple_key(elements, definitions);
    }
    no_more_than(&parts, 2 * MAX_PARTS)?;
    defined(&parts, definitions)?;
    let fault = |text: String| Err(Error::Validation(text));
    if parts.first().is_none_or(|(_, key_type)| *key_type != KeyType::Hash) {
        return fault("Invalid KeySchema: The first KeySchemaElement is not a HASH key type".into());
    }
    if parts[..hashes].iter().any(|(_, key_type)| *key_type != KeyType::Hash) {
        return fault("Invalid KeySchema: HASH key elements must come before RANGE key elements".into());
    }
    if hashes > MAX_PARTS || parts.len() - hashes > MAX_PARTS {
        return fault(format!(
            "Invalid KeySchema: An index can have at most {MAX_PARTS} HASH and {MAX_PARTS} RANGE key elements"
        ));
    }
    if parts.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len() < parts.len() {
        return fault("Invalid KeySchema: Two KeySchemaElements have the same name".into());
    }
    Ok(schema(&parts, definitions))
}

fn parsed(elements: Option<&[KeySchemaElement]>) -> Vec<(String, KeyType)> {
    let one = |element: &KeySchemaElement| {
        let key_type = element.key_type.clone().unwrap_or(KeyType::Unknown(String::new()));
        (element.attribute_name.clone().unwrap_or_default(), key_type)
    };
    elements.unwrap_or_default().iter().map(one).collect()
}

fn no_more_than(elements: &[(String, KeyType)], most: usize) -> Result<(), Error> {
    if elements.len() <= most {
        return Ok(());
    }
    let one = |(name, key_type): &(String, KeyType)| {
        format!("KeySchemaElement(attributeName={name}, keyType={})", key_type.as_str())
    };
    let all: Vec<String> = elements.iter().map(one).collect();
    Err(Error::Validation(format!(
        "1 validation error detected: Value '{}' at 'keySchema' failed to satisfy constraint: Member must have length less \
         than or equal to {most}",
        listed(all.iter().map(String::as_str))
    )))
}

/// Refuses key attributes without a definition.
fn defined(elements: &[(String, KeyType)], definitions: &[KeyAttribute]) -> Result<(), Error> {
    let is_defined = |name: &str| definitions.iter().any(|definition| definition.name == name);
    let all = elements.iter().all(|(name, _)| is_defined(name));
    if elements.len() == 1 && !all {
        return Err(Error::parameters(format!(
            "Some index key attributes are not defined in AttributeDefinitions. Keys: {}, AttributeDefinitions: {}",
            listed(elements.iter().map(|(name, _)| name.as_str())),
            names(definitions)
        )));
    }
    let twice = elements.len() == 2 && elements[0].0 == elements[1].0 && definitions.len() == 1;
    if !all || twice {
        return Err(Error::Validation(
            "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
        ));
    }
    Ok(())
}

fn schema(elements: &[(String, KeyType)], definitions: &[KeyAttribute]) -> KeySchema {
    let of = |wanted: KeyType| {
        let named = elements.iter().filter(move |(_, key_type)| *key_type == wanted);
        named.filter_map(|(name, _)| definitions.iter().find(|definition| definition.name == *name).cloned())
    };
    KeySchema { hash: of(KeyType::Hash).collect(), range: of(KeyType::Range).collect() }
}

/// The projection of an index.
fn projection(projection: Option<&Projection>) -> Result<Projected, Error> {
    let kind = projection.and_then(|projection| projection.projection_type.clone());
    let attributes = projection.and_then(|projection| projection.non_key_attributes.clone());
    match (kind, attributes) {
        (None, _) => Err(Error::parameters("Unknown ProjectionType: null")),
        (Some(ProjectionType::Include), Some(names)) => Ok(Projected::Include(names)),
        (Some(ProjectionType::Include), None) => {
            Err(Error::parameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"))
        }
        (Some(kind), Some(_)) => Err(Error::parameters(format!(
            "ProjectionType is {}, but NonKeyAttributes is specified",
            kind.as_str()
        ))),
        (Some(ProjectionType::KeysOnly), None) => Ok(Projected::KeysOnly),
        (Some(_), None) => Ok(Projected::All),
    }
}

/// The local indexes of a new table.
pub fn locals(
    given: Option<&[LocalSecondaryIndex]>,
    table: &KeySchema,
    definitions: &[KeyAttribute],
) -> Result<Vec<IndexRecord>, Error> {
    let Some(given) = given else { return Ok(Vec::new()) };
    if given.is_empty() {
        return Err(Error::parameters("List of LocalSecondaryIndexes is empty"));
    }
    if table.range.is_empty() {
        return Err(Error::parameters(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ));
    }
    if given.len() > MAX_LOCALS {
        return Err(Error::parameters(format!(
            "Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCALS}"
        )));
    }
    given.iter().map(|index| local(index, table, definitions)).collect()
}

fn local(
    given: &LocalSecondaryIndex,
    table: &KeySchema,
    definitions: &[KeyAttribute],
) -> Result<IndexRecord, Error> {
    let name = given.index_name.clone().unwrap_or_default();
    let key = simple_key(given.key_schema.as_deref(), definitions)?;
    if key.range.is_empty() {
        return Err(Error::parameters(format!(
            "Index KeySchema does not have a range key for index: {name}"
        )));
    }
    if key.hash != table.hash {
        let first = |key: &KeySchema| key.hash.first().map(|hash| hash.name.clone()).unwrap_or_default();
        return Err(Error::parameters(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index hash \
             key: {}, table hash key: {}",
            first(&key),
            first(table)
        )));
    }
    let projection = projection(given.projection.as_ref())?;
    Ok(IndexRecord {
        id: super::new_id(),
        name,
        key,
        projection,
        backfilling: false,
        throughput: Default::default(),
        on_demand: None,
        warm: None,
    })
}

/// The global indexes of a new table.
pub fn globals(
    given: Option<&[GlobalSecondaryIndex]>,
    definitions: &[KeyAttribute],
    on_demand: bool,
) -> Result<Vec<IndexRecord>, Error> {
    let Some(given) = given else { return Ok(Vec::new()) };
    if given.is_empty() {
        return Err(Error::parameters("List of GlobalSecondaryIndexes is empty"));
    }
    if given.len() > MAX_GLOBALS {
        return Err(too_many_globals());
    }
    let one = |index: &GlobalSecondaryIndex| {
        let GlobalSecondaryIndex {
            index_name,
            key_schema,
            projection,
            provisioned_throughput,
            on_demand_throughput,
            warm_throughput,
        } = index.clone();
        let action = CreateGlobalSecondaryIndexAction {
            index_name,
            key_schema,
            projection,
            provisioned_throughput,
            on_demand_throughput,
            warm_throughput,
        };
        global(&action, definitions, on_demand)
    };
    given.iter().map(one).collect()
}

pub(super) fn too_many_globals() -> Error {
    Error::parameters(format!("GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBALS}"))
}

/// A global index, new with its table or later.
pub fn global(
    given: &CreateGlobalSecondaryIndexAction,
    definitions: &[KeyAttribute],
    on_demand: bool,
) -> Result<IndexRecord, Error> {
    let name = given.index_name.clone().unwrap_or_default();
    let key = compound_key(given.key_schema.as_deref(), definitions)?;
    let throughput = settings::index_throughput(given.provisioned_throughput.as_ref(), on_demand, &name)?;
    Ok(IndexRecord {
        id: super::new_id(),
        key,
        projection: projection(given.projection.as_ref())?,
        backfilling: false,
        throughput,
        on_demand: given.on_demand_throughput.as_ref().map(settings::on_demand),
        warm: given.warm_throughput.as_ref().map(settings::warm),
        name,
    })
}

/// What the indexes of a table must keep to together.
pub fn check_indexes(table: &TableRecord) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for index in table.indexes() {
        if !seen.insert(&index.name) {
            return Err(Error::parameters(format!("Duplicate index name: {}", index.name)));
        }
    }
    let included = |index: &IndexRecord| match &index.projection {
        Projected::Include(names) => names.len(),
        _ => 0,
    };
    let projected: usize = table.indexes().map(included).sum();
    if projected > MAX_PROJECTED {
        return Err(Error::parameters(format!(
            "Number of projected attributes across all indexes exceeds the per-table limit of {MAX_PROJECTED}"
        )));
    }
    Ok(())
}

/// Refuses definitions that no key uses.
pub fn check_all_used(table: &TableRecord) -> Result<(), Error> {
    let key_count = table.key.attributes().count();
    if table.indexes().next().is_none() {
        if key_count == table.definitions.len() {
            return Ok(());
        }
        return Err(Error::parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        ));
    }
    let keys = used(table);
    if table.definitions.iter().all(|definition| keys.contains(&definition.name)) {
        return Ok(());
    }
    Err(Error::parameters(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: {}, keys used: {}",
        names(&table.definitions),
        listed(keys.iter().map(String::as_str))
    )))
}

/// The attributes of all keys of a table.
pub(super) fn used(table: &TableRecord) -> BTreeSet<String> {
    let keys = std::iter::once(&table.key).chain(table.indexes().map(|index| &index.key));
    keys.flat_map(KeySchema::attributes).map(|attribute| attribute.name.clone()).collect()
}
