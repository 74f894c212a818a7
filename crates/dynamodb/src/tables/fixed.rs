//! Answers that do not depend on what is stored: DescribeLimits, DescribeEndpoints, DescribeContinuousBackups.

use nephos_core::Cx;

use super::{named, record};
use crate::shapes::{
    ContinuousBackupsDescription, DescribeContinuousBackupsInput, DescribeContinuousBackupsOutput,
    DescribeEndpointsRequest, DescribeEndpointsResponse, DescribeLimitsInput, DescribeLimitsOutput, Endpoint,
    PointInTimeRecoveryDescription,
};
use crate::{DynamoDb, Error};

/// An account's quota, as AWS sets it at first.
const ACCOUNT_UNITS: i64 = 80_000;
/// A table's quota, as AWS sets it at first.
const TABLE_UNITS: i64 = 40_000;
/// How long a client keeps the endpoint that it was told.
const ENDPOINT_MINUTES: i64 = 1440;

/// `DescribeLimits`
pub async fn describe_limits(
    _: &DynamoDb,
    _: &Cx,
    _: DescribeLimitsInput,
) -> Result<DescribeLimitsOutput, Error> {
    Ok(DescribeLimitsOutput {
        account_max_read_capacity_units: Some(ACCOUNT_UNITS),
        account_max_write_capacity_units: Some(ACCOUNT_UNITS),
        table_max_read_capacity_units: Some(TABLE_UNITS),
        table_max_write_capacity_units: Some(TABLE_UNITS),
    })
}

/// `DescribeEndpoints`: the address that the caller has used already.
pub async fn describe_endpoints(
    _: &DynamoDb,
    cx: &Cx,
    _: DescribeEndpointsRequest,
) -> Result<DescribeEndpointsResponse, Error> {
    let endpoint = Endpoint {
        address: Some(cx.origin.authority.clone()),
        cache_period_in_minutes: Some(ENDPOINT_MINUTES),
    };
    Ok(DescribeEndpointsResponse { endpoints: Some(vec![endpoint]) })
}

/// `DescribeContinuousBackups`: no table has point-in-time recovery.
pub async fn describe_continuous_backups(
    db: &DynamoDb,
    cx: &Cx,
    input: DescribeContinuousBackupsInput,
) -> Result<DescribeContinuousBackupsOutput, Error> {
    let name = named(cx, input.table_name.as_ref());
    db.store.read(|view| record(view, &name)).map_err(|error| match error {
        Error::ResourceNotFound(_) => Error::TableNotFound(format!("Table not found: {}", name.name)),
        other => other,
    })?;
    Ok(DescribeContinuousBackupsOutput {
        continuous_backups_description: Some(ContinuousBackupsDescription {
            continuous_backups_status: Some("ENABLED".to_owned()),
            point_in_time_recovery_description: Some(PointInTimeRecoveryDescription {
                point_in_time_recovery_status: Some("DISABLED".to_owned()),
                ..PointInTimeRecoveryDescription::default()
            }),
        }),
    })
}
