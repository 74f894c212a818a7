//! Capacity, streams, encryption and tags as callers ask for them.

use std::collections::BTreeMap;

use nephos_core::Timestamp;

use crate::Error;
use crate::names::TableName;
use crate::records::{OnDemand, StreamRecord, Throughput};
use crate::shapes::{
    OnDemandThroughput, ProvisionedThroughput, SSESpecification, StreamSpecification, Tag, WarmThroughput,
};

/// The largest capacity that can be named.
const MAX_UNITS: i64 = 1_000_000_000_000;
/// The most tags of a table.
pub(super) const MAX_TAGS: usize = 50;

/// Capacity on a table that has none of its own.
pub(super) fn not_on_demand() -> Error {
    Error::parameters(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    )
}

/// A table's capacity.
pub fn table_throughput(given: Option<&ProvisionedThroughput>, on_demand: bool) -> Result<Throughput, Error> {
    match (given, on_demand) {
        (None, true) => Ok(Throughput::default()),
        (Some(_), true) => Err(not_on_demand()),
        (None, false) => Err(Error::parameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
        (Some(given), false) => units(given, ""),
    }
}

/// A global index's capacity.
pub fn index_throughput(
    given: Option<&ProvisionedThroughput>,
    on_demand: bool,
    index: &str,
) -> Result<Throughput, Error> {
    match (given, on_demand) {
        (None, true) => Ok(Throughput::default()),
        (Some(_), true) => Err(Error::parameters(format!(
            "ProvisionedThroughput should not be specified for index: {index} when BillingMode is PAY_PER_REQUEST"
        ))),
        (None, false) => {
            Err(Error::parameters(format!("ProvisionedThroughput must be specified for index: {index}")))
        }
        (Some(given), false) => units(given, &format!(" for index {index}")),
    }
}

/// Capacity in its bounds.
pub(super) fn units(given: &ProvisionedThroughput, of: &str) -> Result<Throughput, Error> {
    let read = given.read_capacity_units.unwrap_or_default();
    let write = given.write_capacity_units.unwrap_or_default();
    for (units, name) in [(read, "ReadCapacityUnits"), (write, "WriteCapacityUnits")] {
        if units > MAX_UNITS {
            return Err(Error::Validation(format!("Given value {units} for {name} is out of bounds{of}")));
        }
    }
    Ok(Throughput { read, write, ..Throughput::default() })
}

/// The most on-demand units.
pub fn on_demand(given: &OnDemandThroughput) -> OnDemand {
    OnDemand { read: given.max_read_request_units, write: given.max_write_request_units }
}

/// What a table or index is to be warm for.
pub fn warm(given: &WarmThroughput) -> (i64, i64) {
    (
        given.read_units_per_second.unwrap_or(super::describe::WARM_READS),
        given.write_units_per_second.unwrap_or(super::describe::WARM_WRITES),
    )
}

/// The stream that is asked for, if one is.
pub fn stream(given: Option<&StreamSpecification>, now: Timestamp) -> Result<Option<StreamRecord>, Error> {
    let Some(given) = given else { return Ok(None) };
    match (given.stream_enabled == Some(true), given.stream_view_type.clone()) {
        (true, Some(view)) => {
            let label = now.iso8601_millis().trim_end_matches('Z').to_owned();
            Ok(Some(StreamRecord { view, label }))
        }
        (true, None) => Err(Error::parameters("StreamViewType is required when StreamEnabled is true")),
        (false, Some(_)) => {
            Err(Error::parameters("StreamViewType cannot be specified when StreamEnabled is false"))
        }
        (false, None) => Ok(None),
    }
}

/// The ARN of the key that a table is encrypted with, where one is asked for.
pub fn kms_key(given: Option<&SSESpecification>, name: &TableName) -> Result<Option<String>, Error> {
    let Some(given) = given else { return Ok(None) };
    if given.enabled != Some(true) {
        if given.kms_master_key_id.is_some() || given.sse_type.is_some() {
            return Err(Error::parameters(
                "SSEType or KMSMasterKeyId cannot be specified when SSE is disabled",
            ));
        }
        return Ok(None);
    }
    if given.sse_type.as_deref() == Some("AES256") {
        return Err(Error::parameters("SSEType AES256 is not supported"));
    }
    let resource = match given.kms_master_key_id.as_deref() {
        Some(arn) if arn.starts_with("arn:") => return Ok(Some(arn.to_owned())),
        Some(alias) if alias.starts_with("alias/") => alias.to_owned(),
        Some(id) => format!("key/{id}"),
        None => "alias/aws/dynamodb".to_owned(),
    };
    Ok(Some(format!("arn:aws:kms:{}:{}:{resource}", name.region, name.account)))
}

/// Tags, each key once.
pub fn tags(given: Option<&[Tag]>) -> Result<BTreeMap<String, String>, Error> {
    let mut tags = BTreeMap::new();
    for tag in given.unwrap_or_default() {
        let (key, value) = (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
        if key.starts_with("aws:") {
            return Err(Error::parameters("Tag keys that begin with aws: cannot be set by callers"));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(Error::parameters(format!("Duplicate tag key: {key}")));
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(Error::parameters(format!("Too many tags: a table has at most {MAX_TAGS}")));
    }
    Ok(tags)
}
