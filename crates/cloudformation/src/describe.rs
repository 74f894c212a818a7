//! What stacks, their resources and exports are.

use nephos_core::{Cx, Timestamp};

use crate::CloudFormation;
use crate::error::Error;
use crate::records::{OutputRecord, ResourceRecord, StackRecord, shown, stack_arn};
use crate::shapes::*;

/// How many entries a page has.
const PAGE: usize = 100;

/// The page that a token (the index of its first entry) asks for, and the next token.
pub fn page<T>(all: Vec<T>, token: Option<&str>, size: usize) -> Result<(Vec<T>, Option<String>), Error> {
    let start: usize = match token {
        None => 0,
        Some(token) => {
            token.parse().map_err(|_| Error::template(format!("NextToken {token} is not valid")))?
        }
    };
    let total = all.len();
    let page: Vec<T> = all.into_iter().skip(start).take(size).collect();
    let end = start + page.len();
    Ok((page, (end < total).then(|| end.to_string())))
}

fn arn(cx: &Cx, stack: &StackRecord) -> String {
    stack_arn(cx.account, &cx.region, &stack.name, &stack.id)
}

fn output(record: OutputRecord) -> Output {
    Output {
        output_key: Some(record.key),
        output_value: Some(record.value),
        description: record.description,
        export_name: record.export,
    }
}

fn stack(cx: &Cx, record: StackRecord) -> Stack {
    let stack_id = Some(arn(cx, &record));
    let parameters = shown(&record.parameters, &record.hidden).into_iter().map(|(key, value)| Parameter {
        parameter_key: Some(key),
        parameter_value: Some(value),
        ..Default::default()
    });
    let tags = record.tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) });
    Stack {
        stack_id,
        stack_name: Some(record.name),
        change_set_id: record.change_set,
        description: record.description,
        parameters: Some(parameters.collect()),
        creation_time: Some(Timestamp::from_millis(record.created)),
        deletion_time: record.deleted.map(Timestamp::from_millis),
        last_updated_time: record.updated.map(Timestamp::from_millis),
        rollback_configuration: Some(RollbackConfiguration::default()),
        stack_status: Some(record.status),
        stack_status_reason: record.status_reason,
        disable_rollback: Some(record.disable_rollback),
        notification_arns: Some(Vec::new()),
        capabilities: Some(record.capabilities),
        outputs: Some(record.outputs.into_iter().map(output).collect()),
        role_arn: record.role_arn,
        tags: Some(tags.collect()),
        enable_termination_protection: Some(record.protected),
        drift_information: Some(StackDriftInformation {
            stack_drift_status: Some("NOT_CHECKED".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// DescribeStacks
pub async fn stacks(
    service: &CloudFormation,
    cx: &Cx,
    input: DescribeStacksInput,
) -> Result<DescribeStacksOutput, Error> {
    let (records, next_token) = match &input.stack_name {
        Some(name) => (vec![service.find_stack(cx, name)?], None),
        None => page(service.live_stacks(cx)?, input.next_token.as_deref(), PAGE)?,
    };
    let stacks = records.into_iter().map(|record| stack(cx, record)).collect();
    Ok(DescribeStacksOutput { stacks: Some(stacks), next_token })
}

/// ListStacks
pub async fn list(
    service: &CloudFormation,
    cx: &Cx,
    input: ListStacksInput,
) -> Result<ListStacksOutput, Error> {
    let wanted = input.stack_status_filter.unwrap_or_default();
    let mut found = service.all_stacks(cx)?;
    found.retain(|stack| wanted.is_empty() || wanted.contains(&stack.status));
    let (records, next_token) = page(found, input.next_token.as_deref(), PAGE)?;
    let summary = |record: StackRecord| StackSummary {
        stack_id: Some(arn(cx, &record)),
        stack_name: Some(record.name),
        template_description: record.description,
        creation_time: Some(Timestamp::from_millis(record.created)),
        last_updated_time: record.updated.map(Timestamp::from_millis),
        deletion_time: record.deleted.map(Timestamp::from_millis),
        stack_status: Some(record.status),
        stack_status_reason: record.status_reason,
        ..Default::default()
    };
    Ok(ListStacksOutput { stack_summaries: Some(records.into_iter().map(summary).collect()), next_token })
}

fn resource(cx: &Cx, stack: &StackRecord, name: &str, record: &ResourceRecord) -> StackResource {
    StackResource {
        stack_name: Some(stack.name.clone()),
        stack_id: Some(arn(cx, stack)),
        logical_resource_id: Some(name.to_owned()),
        physical_resource_id: Some(record.physical_id.clone()),
        resource_type: Some(record.kind.clone()),
        timestamp: Some(Timestamp::from_millis(record.changed)),
        resource_status: Some(record.status.clone()),
        resource_status_reason: record.reason.clone(),
        ..Default::default()
    }
}

/// DescribeStackResources
pub async fn resources(
    service: &CloudFormation,
    cx: &Cx,
    input: DescribeStackResourcesInput,
) -> Result<DescribeStackResourcesOutput, Error> {
    let stack = match (&input.stack_name, &input.physical_resource_id) {
        (Some(name), _) => service.find_stack(cx, name)?,
        (None, Some(physical)) => {
            let mut stacks = service.live_stacks(cx)?.into_iter();
            let found =
                stacks.find(|stack| stack.resources.values().any(|record| record.physical_id == *physical));
            found.ok_or_else(|| Error::template(format!("Stack for {physical} does not exist")))?
        }
        (None, None) => return Err(Error::template("StackName or PhysicalResourceId must be specified.")),
    };
    let wanted = |name: &String| input.logical_resource_id.as_ref().is_none_or(|wanted| wanted == name);
    let found = stack.resources.iter().filter(|(name, _)| wanted(name));
    let found = found.map(|(name, record)| resource(cx, &stack, name, record)).collect();
    Ok(DescribeStackResourcesOutput { stack_resources: Some(found) })
}

/// DescribeStackResource
pub async fn resource_detail(
    service: &CloudFormation,
    cx: &Cx,
    input: DescribeStackResourceInput,
) -> Result<DescribeStackResourceOutput, Error> {
    let stack = service
        .find_stack(cx, input.stack_name.as_deref().unwrap_or_default())
        .map_err(Error::in_brackets)?;
    let name = input.logical_resource_id.unwrap_or_default();
    let record = stack
        .resources
        .get(&name)
        .ok_or_else(|| Error::template(format!("Resource {name} does not exist for stack {}", stack.name)))?;
    let detail = StackResourceDetail {
        stack_name: Some(stack.name.clone()),
        stack_id: Some(arn(cx, &stack)),
        logical_resource_id: Some(name),
        physical_resource_id: Some(record.physical_id.clone()),
        resource_type: Some(record.kind.clone()),
        last_updated_timestamp: Some(Timestamp::from_millis(record.changed)),
        resource_status: Some(record.status.clone()),
        resource_status_reason: record.reason.clone(),
        ..Default::default()
    };
    Ok(DescribeStackResourceOutput { stack_resource_detail: Some(detail) })
}

/// ListStackResources
pub async fn list_resources(
    service: &CloudFormation,
    cx: &Cx,
    input: ListStackResourcesInput,
) -> Result<ListStackResourcesOutput, Error> {
    let stack = service.find_stack(cx, input.stack_name.as_deref().unwrap_or_default())?;
    let summary = |(name, record): (String, ResourceRecord)| StackResourceSummary {
        logical_resource_id: Some(name),
        physical_resource_id: Some(record.physical_id),
        resource_type: Some(record.kind),
        last_updated_timestamp: Some(Timestamp::from_millis(record.changed)),
        resource_status: Some(record.status),
        resource_status_reason: record.reason,
        ..Default::default()
    };
    let (found, next_token) = page(stack.resources.into_iter().collect(), input.next_token.as_deref(), PAGE)?;
    let summaries = found.into_iter().map(summary).collect();
    Ok(ListStackResourcesOutput { stack_resource_summaries: Some(summaries), next_token })
}

/// ListExports
pub async fn exports(
    service: &CloudFormation,
    cx: &Cx,
    input: ListExportsInput,
) -> Result<ListExportsOutput, Error> {
    let mut found = Vec::new();
    for stack in service.live_stacks(cx)? {
        let exporting = Some(arn(cx, &stack));
        found.extend(stack.outputs.into_iter().filter_map(|output| {
            Some(Export {
                exporting_stack_id: exporting.clone(),
                name: Some(output.export?),
                value: Some(output.value),
            })
        }));
    }
    let (exports, next_token) = page(found, input.next_token.as_deref(), PAGE)?;
    Ok(ListExportsOutput { exports: Some(exports), next_token })
}
