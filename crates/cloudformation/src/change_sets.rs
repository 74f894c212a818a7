//! Change sets: what a deployment would do, kept until it is executed.

use nephos_core::{Cx, Timestamp, random};
use nephos_store::{Range, Read};
use serde_json::json;

use crate::engine::{self, Deployment};
use crate::error::Error;
use crate::input::{Given, Request};
use crate::records::{ChangeRecord, ChangeSetRecord, StackRecord, change_set_arn, stack_arn};
use crate::shapes::*;
use crate::template::{Template, check, order};
use crate::{CloudFormation, keys, sam, stacks};

/// What deploy tools match on to tell "nothing to do" from a failure.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// CreateChangeSet
pub async fn create(
    service: &CloudFormation,
    cx: &Cx,
    input: CreateChangeSetInput,
) -> Result<CreateChangeSetOutput, Error> {
    let stack_name = input.stack_name.clone().unwrap_or_default();
    let name = input.change_set_name.clone().unwrap_or_default();
    if input.resources_to_import.is_some() || input.change_set_type.as_deref() == Some("IMPORT") {
        return Err(Error::template("Nephos does not import resources into stacks"));
    }
    if input.include_nested_stacks == Some(true) {
        return Err(Error::template("Nephos does not nest stacks"));
    }
    let existing = service.find_stack(cx, &stack_name).ok();
    let creates = input.change_set_type.as_deref() == Some("CREATE");
    let fresh = existing.as_ref().is_none_or(|stack| stack.status == "REVIEW_IN_PROGRESS");
    match (&existing, creates) {
        (Some(stack), true) if !fresh => return Err(Error::AlreadyExists(stack.name.clone())),
        (None, false) => return Err(Error::no_stack(&stack_name)),
        (Some(stack), false) => stacks::check_can_change(cx, stack)?,
        _ => {}
    }
    let given = Given {
        body: input.template_body.as_ref(),
        url: input.template_url.as_ref(),
        previous: input.use_previous_template == Some(true),
        parameters: input.parameters.as_ref(),
        capabilities: input.capabilities.as_ref(),
        tags: input.tags.as_ref(),
    };
    let request = service.read_request(cx, given, existing.as_ref()).await?;
    let stack = match existing {
        Some(stack) => stack,
        None => {
            let mut stack = stacks::new_record(cx, &stack_name);
            let status = "REVIEW_IN_PROGRESS";
            service.set_status(cx, &mut stack, status, Some("User Initiated".to_owned())).await?;
            stack
        }
    };
    let record = plan(service, cx, &stack, &name, &input, request)?;
    let key = keys::change_set(cx.account, &cx.region, &stack.id, &record.id);
    if service.find_change_set(cx, &name, Some(&stack.id)).is_ok() {
        return Err(Error::AlreadyExists(format!(
            "ChangeSet {name} cannot be created due to a mismatch with existing attribute ChangeSetName"
        )));
    }
    service
        .store
        .transact("cloudformation.change_set", |tx| tx.put_record(key.clone(), &record).map_err(Error::from))
        .await?;
    Ok(CreateChangeSetOutput {
        id: Some(change_set_arn(cx.account, &cx.region, &name, &record.id)),
        stack_id: Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id)),
    })
}

/// Makes the record: what would be done, or why it can't be.
fn plan(
    service: &CloudFormation,
    cx: &Cx,
    stack: &StackRecord,
    name: &str,
    input: &CreateChangeSetInput,
    request: Request,
) -> Result<ChangeSetRecord, Error> {
    let mut future = stack.clone();
    future.parameters.clone_from(&request.parameters);
    let mut failed = check::unknown_property(&request.template);
    let mut changes = Vec::new();
    if failed.is_none() {
        match planned_changes(service, cx, &future, &request.template) {
            Ok(found) => changes = found,
            Err(error) => failed = Some(error.to_string()),
        }
    }
    let creates = stack.status == "REVIEW_IN_PROGRESS";
    let same_template = stack.template == request.text
        && stack.parameters == request.parameters
        && stack.tags == request.tags;
    let outputs_change = !creates
        && Template::parse(&stack.template).ok().map(|t| t.outputs) != Some(request.template.outputs.clone());
    if failed.is_none()
        && !creates
        && changes.is_empty()
        && (same_template || !outputs_change && stack.tags == request.tags)
    {
        failed = Some(NO_CHANGES.to_owned());
    }
    Ok(ChangeSetRecord {
        id: random::uuid(),
        name: name.to_owned(),
        stack_id: stack.id.clone(),
        stack_name: stack.name.clone(),
        creates,
        status: if failed.is_some() { "FAILED" } else { "CREATE_COMPLETE" }.to_owned(),
        execution_status: if failed.is_some() { "UNAVAILABLE" } else { "AVAILABLE" }.to_owned(),
        status_reason: failed,
        template: request.text,
        description: input.description.clone(),
        parameters: request.parameters,
        capabilities: request.capabilities,
        tags: request.tags,
        role_arn: input.role_arn.clone().or_else(|| stack.role_arn.clone()),
        changes,
        created: cx.now().millis(),
        on_failure: input.on_stack_failure.clone(),
    })
}

/// What deploying would change, as far as it can be known before it is done.
fn planned_changes(
    service: &CloudFormation,
    cx: &Cx,
    stack: &StackRecord,
    template: &Template,
) -> Result<Vec<ChangeRecord>, Error> {
    let mut scope = engine::scope(cx, stack, template, service.exports(cx)?)?;
    let wanted: Vec<String> = engine::wanted(template, &scope).into_iter().cloned().collect();
    for (name, record) in &stack.resources {
        let known = crate::template::intrinsics::Known {
            physical_id: record.physical_id.clone(),
            attributes: record.attributes.clone(),
        };
        scope.resources.insert(name.clone(), known);
    }
    let mut changes = Vec::new();
    for name in order::creation_order(template)?.into_iter().filter(|name| wanted.contains(name)) {
        let Some(resource) = template.resources.get(&name) else { continue };
        let change = |action: &str, physical_id: Option<String>, replacement: Option<&str>| ChangeRecord {
            action: action.to_owned(),
            logical_id: name.clone(),
            physical_id,
            kind: resource.kind.clone(),
            replacement: replacement.map(str::to_owned),
        };
        let Some(former) = stack.resources.get(&name) else {
            changes.push(change("Add", None, None));
            continue;
        };
        // What refers to a resource that is yet to be made can't be resolved now, and so changes.
        let resolved = scope.resolve(&resource.properties).ok().flatten().unwrap_or_else(|| json!({}));
        if former.kind == resource.kind && former.properties == resolved {
            continue;
        }
        let replaces = engine::replaces(former, &resource.kind, &resolved);
        changes.push(change(
            "Modify",
            Some(former.physical_id.clone()),
            Some(if replaces { "True" } else { "False" }),
        ));
        if replaces {
            // Those that refer to it change, too.
            scope.resources.remove(&name);
        }
    }
    for (name, former) in stack.resources.iter().filter(|(name, _)| !wanted.contains(name)) {
        changes.push(ChangeRecord {
            action: "Remove".to_owned(),
            logical_id: name.clone(),
            physical_id: Some(former.physical_id.clone()),
            kind: former.kind.clone(),
            replacement: None,
        });
    }
    Ok(changes)
}

impl CloudFormation {
    /// A change set by ARN, or by name and the stack's UUID.
    pub(crate) fn find_change_set(
        &self,
        cx: &Cx,
        name: &str,
        stack: Option<&str>,
    ) -> Result<ChangeSetRecord, Error> {
        let missing = || Error::ChangeSetNotFound(name.to_owned());
        let id = crate::stack_id(name);
        let stacks: Vec<String> = match stack {
            Some(stack) => vec![stack.to_owned()],
            None => self.all_stacks(cx)?.into_iter().map(|stack| stack.id).collect(),
        };
        self.store.read(|view| {
            for stack in &stacks {
                let prefix = keys::change_sets(cx.account, &cx.region, stack);
                let found: Vec<(nephos_store::Key, ChangeSetRecord)> =
                    view.records(&Range::prefix(&prefix))?;
                let record = found.into_iter().map(|(_, record)| record);
                let mut record = record.filter(|record| id.map_or(record.name == name, |id| record.id == id));
                if let Some(record) = record.next() {
                    return Ok(record);
                }
            }
            Err(missing())
        })
    }

    fn change_set_of(
        &self,
        cx: &Cx,
        name: Option<&String>,
        stack: Option<&String>,
    ) -> Result<ChangeSetRecord, Error> {
        let name = name.map(String::as_str).unwrap_or_default();
        if name.starts_with("arn:") {
            return self.find_change_set(cx, name, None);
        }
        let Some(stack) = stack else {
            return Err(Error::template(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            ));
        };
        let stack = self.find_stack(cx, stack)?;
        self.find_change_set(cx, name, Some(&stack.id))
    }
}

/// DescribeChangeSet
pub async fn describe(
    service: &CloudFormation,
    cx: &Cx,
    input: DescribeChangeSetInput,
) -> Result<DescribeChangeSetOutput, Error> {
    let record = service.change_set_of(cx, input.change_set_name.as_ref(), input.stack_name.as_ref())?;
    let change = |change: ChangeRecord| Change {
        r#type: Some("Resource".to_owned()),
        resource_change: Some(ResourceChange {
            action: Some(change.action),
            logical_resource_id: Some(change.logical_id),
            physical_resource_id: change.physical_id,
            resource_type: Some(change.kind),
            replacement: change.replacement,
            scope: Some(Vec::new()),
            details: Some(Vec::new()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let parameters = record.parameters.into_iter().map(|(key, value)| Parameter {
        parameter_key: Some(key),
        parameter_value: Some(value),
        ..Default::default()
    });
    let tags = record.tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) });
    Ok(DescribeChangeSetOutput {
        change_set_id: Some(change_set_arn(cx.account, &cx.region, &record.name, &record.id)),
        change_set_name: Some(record.name),
        stack_id: Some(stack_arn(cx.account, &cx.region, &record.stack_name, &record.stack_id)),
        stack_name: Some(record.stack_name),
        description: record.description,
        creation_time: Some(Timestamp::from_millis(record.created)),
        execution_status: Some(record.execution_status),
        status: Some(record.status),
        status_reason: record.status_reason,
        capabilities: Some(record.capabilities),
        parameters: Some(parameters.collect()),
        tags: Some(tags.collect()),
        notification_arns: Some(Vec::new()),
        changes: Some(record.changes.into_iter().map(change).collect()),
        include_nested_stacks: Some(false),
        on_stack_failure: record.on_failure,
        ..Default::default()
    })
}

/// ExecuteChangeSet
pub async fn execute(
    service: &CloudFormation,
    cx: &Cx,
    input: ExecuteChangeSetInput,
) -> Result<ExecuteChangeSetOutput, Error> {
    let mut record = service.change_set_of(cx, input.change_set_name.as_ref(), input.stack_name.as_ref())?;
    let arn = change_set_arn(cx.account, &cx.region, &record.name, &record.id);
    if record.execution_status != "AVAILABLE" {
        return Err(Error::InvalidChangeSetStatus(format!(
            "ChangeSet [{arn}] cannot be executed in its current status of [{}]",
            if record.status == "FAILED" { &record.status } else { &record.execution_status }
        )));
    }
    let stack = stack_arn(cx.account, &cx.region, &record.stack_name, &record.stack_id);
    let mut stack = service.find_stack(cx, &stack)?;
    if stack.status != "REVIEW_IN_PROGRESS" {
        stacks::check_can_change(cx, &stack)?;
    }
    let template = sam::transform(Template::parse(&record.template)?)?;
    let deploying = service.deploying(cx, record.role_arn.as_deref()).await?;
    stack.description.clone_from(&template.description);
    (stack.template, stack.parameters) = (record.template.clone(), record.parameters.clone());
    (stack.capabilities, stack.tags) = (record.capabilities.clone(), record.tags.clone());
    stack.role_arn.clone_from(&record.role_arn);
    stack.change_set = Some(arn);
    stack.disable_rollback =
        input.disable_rollback == Some(true) || record.on_failure.as_deref() == Some("DO_NOTHING");
    let status = if record.creates { "CREATE_IN_PROGRESS" } else { "UPDATE_IN_PROGRESS" };
    record.execution_status = "EXECUTE_COMPLETE".to_owned();
    let key = keys::change_set(cx.account, &cx.region, &record.stack_id, &record.id);
    service
        .store
        .transact("cloudformation.execute", |tx| tx.put_record(key.clone(), &record).map_err(Error::from))
        .await?;
    service.set_status(cx, &mut stack, status, Some("User Initiated".to_owned())).await?;
    let service = service.clone();
    tokio::spawn(async move { Deployment::run(&service, deploying, stack, &template).await });
    Ok(ExecuteChangeSetOutput::default())
}

/// DeleteChangeSet
pub async fn delete(
    service: &CloudFormation,
    cx: &Cx,
    input: DeleteChangeSetInput,
) -> Result<DeleteChangeSetOutput, Error> {
    let record = match service.change_set_of(cx, input.change_set_name.as_ref(), input.stack_name.as_ref()) {
        Ok(record) => record,
        // What is gone is deleted.
        Err(Error::ChangeSetNotFound(_)) => return Ok(DeleteChangeSetOutput::default()),
        Err(error) => return Err(error),
    };
    let key = keys::change_set(cx.account, &cx.region, &record.stack_id, &record.id);
    service
        .store
        .transact("cloudformation.delete_change_set", |tx| {
            tx.delete(key.clone());
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteChangeSetOutput::default())
}

/// ListChangeSets
pub async fn list(
    service: &CloudFormation,
    cx: &Cx,
    input: ListChangeSetsInput,
) -> Result<ListChangeSetsOutput, Error> {
    let stack = service.find_stack(cx, input.stack_name.as_deref().unwrap_or_default())?;
    let prefix = keys::change_sets(cx.account, &cx.region, &stack.id);
    let found: Vec<(nephos_store::Key, ChangeSetRecord)> =
        service.store.read(|view| view.records(&Range::prefix(&prefix)).map_err(Error::from))?;
    let summary = |record: ChangeSetRecord| ChangeSetSummary {
        stack_id: Some(stack_arn(cx.account, &cx.region, &record.stack_name, &record.stack_id)),
        stack_name: Some(record.stack_name),
        change_set_id: Some(change_set_arn(cx.account, &cx.region, &record.name, &record.id)),
        change_set_name: Some(record.name),
        execution_status: Some(record.execution_status),
        status: Some(record.status),
        status_reason: record.status_reason,
        creation_time: Some(Timestamp::from_millis(record.created)),
        description: record.description,
        ..Default::default()
    };
    let summaries = found.into_iter().map(|(_, record)| summary(record)).collect();
    Ok(ListChangeSetsOutput { summaries: Some(summaries), ..Default::default() })
}
