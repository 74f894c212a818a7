//! DescribeTable, and a table's record as callers see it.

use nephos_core::{Cx, Timestamp};
use nephos_store::View;

use super::{named, record};
use crate::choices::{BillingMode, KeyType, ProjectionType, ScalarAttributeType};
use crate::records::{
    Billing, IndexRecord, KeyAttribute, KeySchema, OnDemand, Projected, ScalarKind, StatisticsRecord,
    TableRecord, Throughput,
};
use crate::shapes::{
    AttributeDefinition, BillingModeSummary, DescribeTableInput, DescribeTableOutput,
    GlobalSecondaryIndexDescription, GlobalSecondaryIndexWarmThroughputDescription, KeySchemaElement,
    LocalSecondaryIndexDescription, OnDemandThroughput, Projection, ProvisionedThroughputDescription,
    SSEDescription, StreamSpecification, TableClassSummary, TableDescription, TableWarmThroughputDescription,
};
use crate::{DynamoDb, Error};

/// What an on-demand table is warm for from the first.
pub(super) const WARM_READS: i64 = 12_000;
/// See [`WARM_READS`].
pub(super) const WARM_WRITES: i64 = 4_000;

/// `DescribeTable`
pub async fn describe_table(
    db: &DynamoDb,
    cx: &Cx,
    input: DescribeTableInput,
) -> Result<DescribeTableOutput, Error> {
    let name = named(cx, input.table_name.as_ref());
    let table = db.store.read(|view| {
        let table = record(view, &name)?;
        db.described(view, &table)
    })?;
    Ok(DescribeTableOutput { table: Some(table) })
}

impl DynamoDb {
    /// A table as it stands, with what it holds.
    pub(super) fn described(&self, view: &View, table: &TableRecord) -> Result<TableDescription, Error> {
        let mut description = description(table);
        let counts = self.statistics.of(view, table.id)?;
        (description.item_count, description.table_size_bytes) = (Some(counts.items), Some(counts.bytes));
        let described = description.local_secondary_indexes.iter_mut().flatten();
        for (index, described) in table.locals.iter().zip(described) {
            let StatisticsRecord { items, bytes } = self.statistics.of(view, index.id)?;
            (described.item_count, described.index_size_bytes) = (Some(items), Some(bytes));
        }
        let described = description.global_secondary_indexes.iter_mut().flatten();
        for (index, described) in table.globals.iter().zip(described) {
            let StatisticsRecord { items, bytes } = self.statistics.of(view, index.id)?;
            (described.item_count, described.index_size_bytes) = (Some(items), Some(bytes));
        }
        Ok(description)
    }
}

/// What CreateTable answers.
pub fn being_created(table: &TableRecord) -> TableDescription {
    let mut description = description(table);
    description.table_status = Some("CREATING".to_owned());
    if let Some(warm) = &mut description.warm_throughput {
        warm.status = Some("CREATING".to_owned());
    }
    for index in description.global_secondary_indexes.iter_mut().flatten() {
        index.index_status = Some("CREATING".to_owned());
        if let Some(warm) = &mut index.warm_throughput {
            warm.status = Some("CREATING".to_owned());
        }
    }
    description
}

/// What DeleteTable answers.
pub fn being_deleted(table: &TableRecord) -> TableDescription {
    let TableDescription {
        table_name,
        table_arn,
        table_id,
        provisioned_throughput,
        billing_mode_summary,
        ..
    } = description(table);
    TableDescription {
        table_name,
        table_arn,
        table_id,
        provisioned_throughput,
        billing_mode_summary,
        table_status: Some("DELETING".to_owned()),
        table_size_bytes: Some(0),
        item_count: Some(0),
        deletion_protection_enabled: Some(false),
        ..TableDescription::default()
    }
}

/// A table as it stands, its counts left at zero.
pub(super) fn description(table: &TableRecord) -> TableDescription {
    let arn = table.table_name().arn().to_string();
    let locals: Vec<_> = table.locals.iter().map(|index| local(table, index)).collect();
    let globals: Vec<_> = table.globals.iter().map(|index| global(table, index)).collect();
    let (reads, writes, status) = warm(table.warm, &table.throughput, table.is_on_demand());
    TableDescription {
        attribute_definitions: Some(table.definitions.iter().map(definition).collect()),
        table_name: Some(table.name.clone()),
        key_schema: Some(key_schema(&table.key)),
        table_status: Some("ACTIVE".to_owned()),
        creation_date_time: Some(table.created_at()),
        provisioned_throughput: Some(throughput(&table.throughput)),
        table_size_bytes: Some(0),
        item_count: Some(0),
        table_id: Some(table.uuid.clone()),
        billing_mode_summary: billing(&table.billing),
        local_secondary_indexes: (!locals.is_empty()).then_some(locals),
        global_secondary_indexes: (!globals.is_empty()).then_some(globals),
        stream_specification: table.stream.as_ref().map(|stream| StreamSpecification {
            stream_enabled: Some(true),
            stream_view_type: Some(stream.view.clone()),
        }),
        latest_stream_label: table.stream.as_ref().map(|stream| stream.label.clone()),
        latest_stream_arn: table.stream.as_ref().map(|stream| format!("{arn}/stream/{}", stream.label)),
        sse_description: table.kms_key.as_ref().map(|key| SSEDescription {
            status: Some("ENABLED".to_owned()),
            sse_type: Some("KMS".to_owned()),
            kms_master_key_arn: Some(key.clone()),
            ..SSEDescription::default()
        }),
        table_class_summary: table
            .class
            .as_ref()
            .map(|class| TableClassSummary { table_class: Some(class.clone()), last_update_date_time: None }),
        deletion_protection_enabled: Some(table.deletion_protection),
        on_demand_throughput: table.on_demand.as_ref().map(on_demand),
        warm_throughput: Some(TableWarmThroughputDescription {
            read_units_per_second: Some(reads),
            write_units_per_second: Some(writes),
            status: Some(status),
        }),
        table_arn: Some(arn),
        ..TableDescription::default()
    }
}

fn definition(attribute: &KeyAttribute) -> AttributeDefinition {
    AttributeDefinition {
        attribute_name: Some(attribute.name.clone()),
        attribute_type: Some(match attribute.kind {
            ScalarKind::S => ScalarAttributeType::S,
            ScalarKind::N => ScalarAttributeType::N,
            ScalarKind::B => ScalarAttributeType::B,
        }),
    }
}

fn key_schema(key: &KeySchema) -> Vec<KeySchemaElement> {
    let of = |attributes: &[KeyAttribute], key_type: KeyType| -> Vec<KeySchemaElement> {
        let one = |attribute: &KeyAttribute| KeySchemaElement {
            attribute_name: Some(attribute.name.clone()),
            key_type: Some(key_type.clone()),
        };
        attributes.iter().map(one).collect()
    };
    let mut elements = of(&key.hash, KeyType::Hash);
    elements.extend(of(&key.range, KeyType::Range));
    elements
}

fn local(table: &TableRecord, index: &IndexRecord) -> LocalSecondaryIndexDescription {
    LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.key)),
        projection: Some(projection(&index.projection)),
        index_size_bytes: Some(0),
        item_count: Some(0),
        index_arn: Some(table.table_name().index_arn(&index.name).to_string()),
    }
}

fn global(table: &TableRecord, index: &IndexRecord) -> GlobalSecondaryIndexDescription {
    let (reads, writes, status) = warm(index.warm, &index.throughput, table.is_on_demand());
    GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.key)),
        projection: Some(projection(&index.projection)),
        index_status: Some(if index.backfilling { "CREATING" } else { "ACTIVE" }.to_owned()),
        backfilling: index.backfilling.then_some(true),
        provisioned_throughput: Some(throughput(&index.throughput)),
        index_size_bytes: Some(0),
        item_count: Some(0),
        index_arn: Some(table.table_name().index_arn(&index.name).to_string()),
        on_demand_throughput: index.on_demand.as_ref().map(on_demand),
        warm_throughput: Some(GlobalSecondaryIndexWarmThroughputDescription {
            read_units_per_second: Some(reads),
            write_units_per_second: Some(writes),
            status: Some(status),
        }),
    }
}

fn projection(projected: &Projected) -> Projection {
    let (kind, names) = match projected {
        Projected::All => (ProjectionType::All, None),
        Projected::KeysOnly => (ProjectionType::KeysOnly, None),
        Projected::Include(names) => (ProjectionType::Include, Some(names.clone())),
    };
    Projection { projection_type: Some(kind), non_key_attributes: names }
}

fn throughput(units: &Throughput) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription {
        last_increase_date_time: units.increased.map(Timestamp::from_millis),
        last_decrease_date_time: units.decreased.map(Timestamp::from_millis),
        number_of_decreases_today: Some(units.decreases),
        read_capacity_units: Some(units.read),
        write_capacity_units: Some(units.write),
    }
}

fn billing(billing: &Billing) -> Option<BillingModeSummary> {
    let (mode, since) = match billing {
        Billing::PayPerRequest { since } => (BillingMode::PayPerRequest, *since),
        Billing::Provisioned { last_on_demand: Some(since) } => (BillingMode::Provisioned, *since),
        // A table that was never on demand has no summary.
        Billing::Provisioned { last_on_demand: None } => return None,
    };
    Some(BillingModeSummary {
        billing_mode: Some(mode),
        last_update_to_pay_per_request_date_time: Some(Timestamp::from_millis(since)),
    })
}

fn on_demand(units: &OnDemand) -> OnDemandThroughput {
    OnDemandThroughput { max_read_request_units: units.read, max_write_request_units: units.write }
}

fn warm(asked: Option<(i64, i64)>, units: &Throughput, on_demand: bool) -> (i64, i64, String) {
    let (reads, writes) = if on_demand { (WARM_READS, WARM_WRITES) } else { (units.read, units.write) };
    let (reads, writes) = asked.map_or((reads, writes), |(r, w)| (r.max(reads), w.max(writes)));
    (reads, writes, "ACTIVE".to_owned())
}
