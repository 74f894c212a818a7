//! DescribeStackEvents: newest first.

use nephos_core::{Cx, Timestamp};
use nephos_store::{Key, Range, Read};

use crate::CloudFormation;
use crate::describe::page;
use crate::error::Error;
use crate::keys;
use crate::records::{EventRecord, stack_arn};
use crate::shapes::*;

/// How many events a page has.
const PAGE: usize = 100;
/// How many events of a stack are shown; older ones stay in the store.
const MAX_SHOWN: usize = 5_000;

/// DescribeStackEvents
pub async fn describe(
    service: &CloudFormation,
    cx: &Cx,
    input: DescribeStackEventsInput,
) -> Result<DescribeStackEventsOutput, Error> {
    let name = input.stack_name.as_deref().unwrap_or_default();
    let stack = service.find_stack(cx, name).map_err(Error::in_brackets)?;
    let range = Range::prefix(&keys::events(cx.account, &cx.region, &stack.id)).reverse().limit(MAX_SHOWN);
    let found: Vec<(Key, EventRecord)> =
        service.store.read(|view| view.records(&range).map_err(Error::from))?;
    let event = |(_, record): (Key, EventRecord)| StackEvent {
        stack_id: Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id)),
        event_id: Some(record.id),
        stack_name: Some(stack.name.clone()),
        logical_resource_id: Some(record.logical_id),
        physical_resource_id: Some(record.physical_id),
        resource_type: Some(record.kind),
        timestamp: Some(Timestamp::from_millis(record.at)),
        resource_status: Some(record.status),
        resource_status_reason: record.reason,
        resource_properties: record.properties,
        ..Default::default()
    };
    let (events, next_token) = page(found, input.next_token.as_deref(), PAGE)?;
    Ok(DescribeStackEventsOutput { stack_events: Some(events.into_iter().map(event).collect()), next_token })
}
