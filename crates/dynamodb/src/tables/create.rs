//! CreateTable.

use nephos_core::{Cx, random};
use nephos_store::Read;

use super::{definition, describe, named, new_id, settings};
use crate::choices::BillingMode;
use crate::names::TableName;
use crate::records::{Billing, TableRecord};
use crate::shapes::{CreateTableInput, CreateTableOutput};
use crate::{DynamoDb, Error, keys};

/// The shortest name of a table.
const MIN_NAME: usize = 3;

/// `CreateTable`. The table can be used at once; only the answer says that it is being made, as AWS's does.
pub async fn create_table(
    db: &DynamoDb,
    cx: &Cx,
    input: CreateTableInput,
) -> Result<CreateTableOutput, Error> {
    let name = named(cx, input.table_name.as_ref());
    let table = parse(cx, &name, &input)?;
    db.store
        .transact("create-table", |tx| {
            if tx.get(&keys::table(&name))?.is_some() {
                return Err(Error::ResourceInUse(format!("Table already exists: {}", name.name)));
            }
            tx.put_record(keys::table(&name), &table)?;
            Ok::<_, Error>(())
        })
        .await?;
    db.tables.forget(&name);
    Ok(CreateTableOutput { table_description: Some(describe::being_created(&table)) })
}

fn parse(cx: &Cx, name: &TableName, input: &CreateTableInput) -> Result<TableRecord, Error> {
    refuse_absent(input)?;
    if name.name.len() < MIN_NAME {
        return Err(Error::Validation(format!(
            "1 validation error detected: Value '{}' at 'tableName' failed to satisfy constraint: Member must have length \
             greater than or equal to {MIN_NAME}",
            name.name
        )));
    }
    let now = cx.now();
    let on_demand = input.billing_mode == Some(BillingMode::PayPerRequest);
    let throughput = settings::table_throughput(input.provisioned_throughput.as_ref(), on_demand)?;
    let definitions = definition::attributes(input.attribute_definitions.as_deref())?;
    let key = definition::simple_key(input.key_schema.as_deref(), &definitions)?;
    let locals = definition::locals(input.local_secondary_indexes.as_deref(), &key, &definitions)?;
    let globals = definition::globals(input.global_secondary_indexes.as_deref(), &definitions, on_demand)?;
    let table = TableRecord {
        id: new_id(),
        uuid: random::uuid(),
        account: name.account.to_string(),
        region: name.region.to_string(),
        name: name.name.clone(),
        created: now.millis(),
        definitions,
        key,
        locals,
        globals,
        billing: if on_demand {
            Billing::PayPerRequest { since: now.millis() }
        } else {
            Billing::Provisioned { last_on_demand: None }
        },
        throughput,
        on_demand: input.on_demand_throughput.as_ref().map(settings::on_demand),
        class: input.table_class.clone(),
        deletion_protection: input.deletion_protection_enabled == Some(true),
        kms_key: settings::kms_key(input.sse_specification.as_ref(), name)?,
        stream: settings::stream(input.stream_specification.as_ref(), now)?,
        expiry: None,
        tags: settings::tags(input.tags.as_deref())?,
        warm: input.warm_throughput.as_ref().map(settings::warm),
    };
    definition::check_indexes(&table)?;
    definition::check_all_used(&table)?;
    Ok(table)
}

fn refuse_absent(input: &CreateTableInput) -> Result<(), Error> {
    let absent = |what: &str| Err(Error::NotImplemented(format!("{what} of CreateTable is not implemented")));
    if input.resource_policy.is_some() {
        return absent("ResourcePolicy");
    }
    if input.global_table_source_arn.is_some() || input.global_table_settings_replication_mode.is_some() {
        return absent("GlobalTableSourceArn");
    }
    Ok(())
}
