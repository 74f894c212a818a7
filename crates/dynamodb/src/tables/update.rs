//! UpdateTable.

use nephos_core::{Cx, Timestamp};

use super::{definition, indexes, named, settings};
use crate::choices::BillingMode;
use crate::records::{Billing, TableRecord, Throughput};
use crate::shapes::{ProvisionedThroughput, UpdateTableInput, UpdateTableOutput};
use crate::{DynamoDb, Error};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// `UpdateTable`. All but the filling of a new index is done when it answers.
pub async fn update_table(
    db: &DynamoDb,
    cx: &Cx,
    input: UpdateTableInput,
) -> Result<UpdateTableOutput, Error> {
    refuse_absent(&input)?;
    refuse_nothing(&input)?;
    let name = named(cx, input.table_name.as_ref());
    let now = cx.now();
    let stream = settings::stream(input.stream_specification.as_ref(), now)?;
    let kms_key = settings::kms_key(input.sse_specification.as_ref(), &name)?;
    let change = db.change_table("update-table", &name, |tx, table| {
        change_capacity(table, &input, now)?;
        indexes::update(tx, table, &input, now)?;
        if input.stream_specification.is_some() {
            match (&table.stream, &stream) {
                (Some(_), Some(_)) => {
                    return Err(Error::Validation(format!(
                        "Table already has an enabled stream: TableName: {}",
                        table.name
                    )));
                }
                (None, None) => {
                    return Err(Error::Validation(format!(
                        "Table has no stream to disable: TableName: {}",
                        table.name
                    )));
                }
                _ => table.stream = stream.clone(),
            }
        }
        if input.sse_specification.is_some() {
            table.kms_key = kms_key.clone();
        }
        change_settings(table, &input);
        definition::check_indexes(table)
    });
    let (table, ()) = change.await?;
    let mut description = db.store.read(|view| db.described(view, &table))?;
    description.table_status = Some("UPDATING".to_owned());
    Ok(UpdateTableOutput { table_description: Some(description) })
}

fn refuse_absent(input: &UpdateTableInput) -> Result<(), Error> {
    let of_global_tables = input.replica_updates.is_some()
        || input.multi_region_consistency.is_some()
        || input.global_table_witness_updates.is_some()
        || input.global_table_settings_replication_mode.is_some();
    if of_global_tables {
        return Err(Error::NotImplemented(
            "global tables are not implemented: ReplicaUpdates and what belongs to them cannot be given"
                .to_owned(),
        ));
    }
    Ok(())
}

fn refuse_nothing(input: &UpdateTableInput) -> Result<(), Error> {
    let something = input.billing_mode.is_some()
        || input.provisioned_throughput.is_some()
        || input.global_secondary_index_updates.is_some()
        || input.stream_specification.is_some()
        || input.sse_specification.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some()
        || input.on_demand_throughput.is_some()
        || input.warm_throughput.is_some();
    if something {
        return Ok(());
    }
    Err(Error::Validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
         SSESpecification or ReplicaUpdates is required"
            .to_owned(),
    ))
}

fn change_settings(table: &mut TableRecord, input: &UpdateTableInput) {
    if let Some(class) = &input.table_class {
        table.class = Some(class.clone());
    }
    if let Some(protection) = input.deletion_protection_enabled {
        table.deletion_protection = protection;
    }
    if let Some(units) = &input.on_demand_throughput {
        table.on_demand = Some(settings::on_demand(units));
    }
    if let Some(units) = &input.warm_throughput {
        table.warm = Some(settings::warm(units));
    }
}

fn change_capacity(table: &mut TableRecord, input: &UpdateTableInput, now: Timestamp) -> Result<(), Error> {
    let was = table.is_on_demand();
    let becomes = input.billing_mode.as_ref().map_or(was, |mode| *mode == BillingMode::PayPerRequest);
    match (becomes, &input.provisioned_throughput) {
        (true, Some(_)) => return Err(settings::not_on_demand()),
        (true, None) if !was => {
            table.billing = Billing::PayPerRequest { since: now.millis() };
            table.throughput = Throughput::default();
            table.globals.iter_mut().for_each(|index| index.throughput = Throughput::default());
        }
        (true, None) => {}
        (false, given) if was => {
            table.throughput = settings::table_throughput(given.as_ref(), false)?;
            all_indexes_have_capacity(table, input)?;
            if let Billing::PayPerRequest { since } = table.billing {
                table.billing = Billing::Provisioned { last_on_demand: Some(since) };
            }
        }
        (false, Some(given)) => table.throughput = changed(&table.throughput, given, "table", "", now)?,
        (false, None) => {}
    }
    Ok(())
}

/// A table that leaves on-demand must say the capacity of each of its indexes.
fn all_indexes_have_capacity(table: &TableRecord, input: &UpdateTableInput) -> Result<(), Error> {
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    let named = |index: &str| {
        let update = updates.iter().filter_map(|update| update.update.as_ref());
        update
            .filter(|update| update.provisioned_throughput.is_some())
            .any(|u| u.index_name.as_deref() == Some(index))
    };
    let lacking: Vec<&str> =
        table.globals.iter().map(|index| index.name.as_str()).filter(|index| !named(index)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Error::parameters(format!(
        "ProvisionedThroughput must be specified for index: {}",
        lacking.join(", ")
    )))
}

/// Capacity after a change; one that changes nothing is refused.
pub(super) fn changed(
    old: &Throughput,
    given: &ProvisionedThroughput,
    what: &str,
    index: &str,
    now: Timestamp,
) -> Result<Throughput, Error> {
    let of = if index.is_empty() { String::new() } else { format!(" for index {index}") };
    let new = settings::units(given, &of)?;
    if (new.read, new.write) == (old.read, old.write) {
        let Throughput { read, write, .. } = new;
        let whose = if index.is_empty() { what.to_owned() } else { format!("{what} {index}") };
        return Err(Error::Validation(format!(
            "The provisioned throughput for the {whose} will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the {what}: {read}. Requested ReadCapacityUnits: {read}. Current \
             WriteCapacityUnits provisioned for the {what}: {write}. Requested WriteCapacityUnits: {write}. Refer to the \
             Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )));
    }
    let millis = now.millis();
    let (raised, lowered) =
        (new.read > old.read || new.write > old.write, new.read < old.read || new.write < old.write);
    let same_day =
        old.decreased.is_some_and(|then| then.div_euclid(DAY_MILLIS) == millis.div_euclid(DAY_MILLIS));
    let decreases = if same_day { old.decreases } else { 0 };
    Ok(Throughput {
        increased: if raised { Some(millis) } else { old.increased },
        decreased: if lowered { Some(millis) } else { old.decreased },
        decreases: decreases + i64::from(lowered),
        ..new
    })
}
