//! Global indexes of a table that exists: added, changed, removed.

use std::collections::BTreeSet;

use nephos_core::Timestamp;
use nephos_store::Tx;

use super::{add_job, definition, settings, update};
use crate::Error;
use crate::records::{KeyAttribute, TableRecord, Work};
use crate::shapes::{
    CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, UpdateGlobalSecondaryIndexAction,
    UpdateTableInput,
};

/// Carries out a call's `GlobalSecondaryIndexUpdates`.
pub fn update(
    tx: &mut Tx,
    table: &mut TableRecord,
    input: &UpdateTableInput,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(updates) = &input.global_secondary_index_updates else { return Ok(()) };
    let definitions = merged(table, definition::attributes(input.attribute_definitions.as_deref())?)?;
    check(table, updates)?;
    for change in updates {
        match change {
            GlobalSecondaryIndexUpdate { create: Some(index), .. } => add(tx, table, index, &definitions)?,
            GlobalSecondaryIndexUpdate { delete: Some(index), .. } => {
                remove(tx, table, index.index_name.as_deref().unwrap_or_default())?;
            }
            GlobalSecondaryIndexUpdate { update: Some(index), .. } => alter(table, index, now)?,
            _ => {}
        }
    }
    let used = definition::used(table);
    table.definitions = definitions.into_iter().filter(|attribute| used.contains(&attribute.name)).collect();
    Ok(())
}

/// The definitions of the table and those of the call.
fn merged(table: &TableRecord, given: Vec<KeyAttribute>) -> Result<Vec<KeyAttribute>, Error> {
    let mut all = table.definitions.clone();
    for attribute in given {
        match table.kind_of(&attribute.name) {
            Some(kind) if kind == attribute.kind => {}
            Some(_) => {
                return Err(Error::parameters(format!(
                    "Attribute {} is a key of the table or of an index already, with another type",
                    attribute.name
                )));
            }
            None => all.push(attribute),
        }
    }
    Ok(all)
}

fn check(table: &TableRecord, updates: &[GlobalSecondaryIndexUpdate]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let mut online = 0;
    for change in updates {
        let created = change.create.as_ref().map(|index| index.index_name.clone());
        let deleted = change.delete.as_ref().map(|index| index.index_name.clone());
        let updated = change.update.as_ref().map(|index| index.index_name.clone());
        online += usize::from(created.is_some()) + usize::from(deleted.is_some());
        // Another index that is still being filled counts too; deleting that very one ends it.
        let others = |index: &crate::records::IndexRecord| {
            index.backfilling && deleted != Some(Some(index.name.clone()))
        };
        if (created.is_some() || deleted.is_some()) && table.globals.iter().any(others) {
            online += 1;
        }
        let Some(name) = created.or(deleted).or(updated).flatten() else {
            return Err(Error::parameters(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
                 GlobalSecondaryIndexUpdate.Delete must not be null",
            ));
        };
        if !seen.insert(name.clone()) {
            return Err(Error::parameters(format!(
                "Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )));
        }
    }
    if online > 1 {
        return Err(Error::LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
                .to_owned(),
        ));
    }
    Ok(())
}

fn add(
    tx: &mut Tx,
    table: &mut TableRecord,
    given: &CreateGlobalSecondaryIndexAction,
    definitions: &[KeyAttribute],
) -> Result<(), Error> {
    if table.indexes().any(|index| Some(&index.name) == given.index_name.as_ref()) {
        return Err(Error::Validation("Attempting to create an index which already exists".to_owned()));
    }
    if table.globals.len() >= definition::MAX_GLOBALS {
        return Err(definition::too_many_globals());
    }
    let mut index = definition::global(given, definitions, table.is_on_demand())?;
    index.backfilling = true;
    add_job(tx, table, Work::FillIndex { index: index.id })?;
    table.globals.push(index);
    Ok(())
}

fn remove(tx: &mut Tx, table: &mut TableRecord, name: &str) -> Result<(), Error> {
    let Some(at) = table.globals.iter().position(|index| index.name == name) else {
        return Err(Error::not_found());
    };
    let index = table.globals.remove(at);
    Ok(add_job(tx, table, Work::ReclaimEntries { index: index.id })?)
}

fn alter(
    table: &mut TableRecord,
    given: &UpdateGlobalSecondaryIndexAction,
    now: Timestamp,
) -> Result<(), Error> {
    let on_demand = table.is_on_demand();
    let name = given.index_name.clone().unwrap_or_default();
    let Some(index) = table.globals.iter_mut().find(|index| index.name == name) else {
        return Err(Error::not_found());
    };
    match &given.provisioned_throughput {
        Some(units) if on_demand => {
            index.throughput = settings::index_throughput(Some(units), on_demand, &name)?;
        }
        Some(units) => index.throughput = update::changed(&index.throughput, units, "index", &name, now)?,
        None => {}
    }
    if let Some(units) = &given.on_demand_throughput {
        index.on_demand = Some(settings::on_demand(units));
    }
    if let Some(units) = &given.warm_throughput {
        index.warm = Some(settings::warm(units));
    }
    Ok(())
}
