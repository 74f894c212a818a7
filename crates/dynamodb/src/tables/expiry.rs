//! UpdateTimeToLive and DescribeTimeToLive.

use nephos_core::Cx;

use super::{add_job, named, record};
use crate::records::{ExpiringTableRecord, ExpiryRecord, Work};
use crate::shapes::{
    DescribeTimeToLiveInput, DescribeTimeToLiveOutput, TimeToLiveDescription, UpdateTimeToLiveInput,
    UpdateTimeToLiveOutput,
};
use crate::{DynamoDb, Error, keys};

/// `UpdateTimeToLive`
pub async fn update_time_to_live(
    db: &DynamoDb,
    cx: &Cx,
    input: UpdateTimeToLiveInput,
) -> Result<UpdateTimeToLiveOutput, Error> {
    let name = named(cx, input.table_name.as_ref());
    let specification = input.time_to_live_specification.unwrap_or_default();
    let attribute = specification.attribute_name.clone().unwrap_or_default();
    if attribute.is_empty() {
        return Err(Error::Validation("TimeToLiveSpecification.AttributeName must be non empty".to_owned()));
    }
    let enabled = specification.enabled == Some(true);
    let change = db.change_table("update-time-to-live", &name, |tx, table| match (enabled, &table.expiry) {
        (true, Some(_)) => Err(Error::Validation("TimeToLive is already enabled".to_owned())),
        (false, None) => Err(Error::Validation("TimeToLive is already disabled".to_owned())),
        (false, Some(expiry)) if expiry.attribute != attribute => Err(Error::Validation(format!(
            "TimeToLive is active on a different AttributeName: current AttributeName is {}",
            expiry.attribute
        ))),
        (true, None) => {
            table.expiry = Some(ExpiryRecord { attribute: attribute.clone(), enabling: true });
            let mark = ExpiringTableRecord {
                account: table.account.clone(),
                region: table.region.clone(),
                name: table.name.clone(),
            };
            tx.put_record(keys::expiring_table(table.id), &mark)?;
            Ok(add_job(tx, table, Work::FillExpiries { attribute: attribute.clone() })?)
        }
        (false, Some(_)) => {
            table.expiry = None;
            tx.delete(keys::expiring_table(table.id));
            Ok(add_job(tx, table, Work::ReclaimExpiries)?)
        }
    });
    change.await?;
    Ok(UpdateTimeToLiveOutput { time_to_live_specification: Some(specification) })
}

/// `DescribeTimeToLive`
pub async fn describe_time_to_live(
    db: &DynamoDb,
    cx: &Cx,
    input: DescribeTimeToLiveInput,
) -> Result<DescribeTimeToLiveOutput, Error> {
    let name = named(cx, input.table_name.as_ref());
    let table = db.store.read(|view| record(view, &name))?;
    let status = match &table.expiry {
        None => "DISABLED",
        Some(expiry) if expiry.enabling => "ENABLING",
        Some(_) => "ENABLED",
    };
    Ok(DescribeTimeToLiveOutput {
        time_to_live_description: Some(TimeToLiveDescription {
            time_to_live_status: Some(status.to_owned()),
            attribute_name: table.expiry.map(|expiry| expiry.attribute),
        }),
    })
}
