//! Change sets: what a deployment would do, kept until it is executed.

use nephos_core::{Cx, Timestamp, random};
use nephos_store::{Key, Range, Read, Tx};

use crate::engine::OnFailure;
use crate::error::Error;
use crate::input::{Besides, Given, Request, check_stack_name};
use crate::records::{ChangeRecord, ChangeSetRecord, StackRecord, change_set_arn, shown, stack_arn};
use crate::shapes::*;
use crate::template::{Template, check};
use crate::{CloudFormation, check_pass_role, keys, plan, sam, stacks};

/// How many change sets a stack may have.
const MAX_CHANGE_SETS: usize = 200;

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
    check_supported(&input)?;
    let existing = match service.find_stack(cx, &stack_name) {
        Ok(stack) => Some(stack),
        Err(Error::NoStack(_)) => None,
        Err(error) => return Err(error),
    };
    let creates = input.change_set_type.as_deref() == Some("CREATE");
    let fresh = existing.as_ref().is_none_or(|stack| stack.status == "REVIEW_IN_PROGRESS");
    match (&existing, creates) {
        (Some(stack), true) if !fresh => return Err(Error::AlreadyExists(stack.name.clone())),
        (None, false) => return Err(Error::no_stack(&stack_name).in_brackets()),
        (None, true) => check_stack_name(&stack_name)?,
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
    check_pass_role(cx, input.role_arn.as_ref())?;
    let stack = match existing {
        Some(stack) => stack,
        None => {
            let mut stack = stacks::new_record(cx, &stack_name);
            service.begin(cx, &mut stack, None, "REVIEW_IN_PROGRESS", |_| Ok(())).await?;
            stack
        }
    };
    let record = record(service, cx, &stack, &name, &input, request);
    let key = keys::change_set(cx.account, &cx.region, &stack.id, &record.id);
    let all = Range::prefix(&keys::change_sets(cx.account, &cx.region, &stack.id));
    service
        .store
        .transact("cloudformation.change_set", |tx| {
            let others: Vec<(Key, ChangeSetRecord)> = tx.records(&all)?;
            if others.iter().any(|(_, other)| other.name == record.name) {
                return Err(Error::ChangeSetExists(name.clone()));
            }
            if others.len() >= MAX_CHANGE_SETS {
                return Err(Error::LimitExceeded("ChangeSet limit exceeded".to_owned()));
            }
            tx.put_record(key.clone(), &record).map_err(Error::from)
        })
        .await?;
    Ok(CreateChangeSetOutput {
        id: Some(change_set_arn(cx.account, &cx.region, &name, &record.id)),
        stack_id: Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id)),
    })
}

/// Refuses by name what would be left undone.
fn check_supported(input: &CreateChangeSetInput) -> Result<(), Error> {
    if input.resources_to_import.as_ref().is_some_and(|list| !list.is_empty())
        || input.change_set_type.as_deref() == Some("IMPORT")
        || input.import_existing_resources == Some(true)
    {
        return Err(Error::template("Nephos does not import resources into stacks"));
    }
    if input.include_nested_stacks == Some(true) {
        return Err(Error::template("Nephos does not nest stacks"));
    }
    if let Some(mode) = input.deployment_mode.as_deref().filter(|mode| *mode != "STANDARD") {
        return Err(Error::template(format!("Nephos does not handle DeploymentMode {mode}")));
    }
    Besides {
        notifications: input.notification_arns.as_ref(),
        rollback: input.rollback_configuration.as_ref(),
        types: input.resource_types.as_ref(),
        policy: false,
        retain_except_on_create: None,
    }
    .check()
}

/// Makes the record: what would be done, or why it can't be.
fn record(
    service: &CloudFormation,
    cx: &Cx,
    stack: &StackRecord,
    name: &str,
    input: &CreateChangeSetInput,
    request: Request,
) -> ChangeSetRecord {
    let planned = match check::unknown_property(&request.template) {
        Some(unknown) => Err(unknown),
        None => plan::plan(service, cx, stack, &request).map_err(|error| error.to_string()),
    };
    let (changes, failed) = match planned {
        Ok(Some(changes)) => (changes, None),
        Ok(None) => (Vec::new(), Some(NO_CHANGES.to_owned())),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    ChangeSetRecord {
        id: random::uuid(),
        name: name.to_owned(),
        stack_id: stack.id.clone(),
        stack_name: stack.name.clone(),
        creates: stack.status == "REVIEW_IN_PROGRESS",
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
        hidden: request.hidden,
    }
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
            None => self.live_stacks(cx)?.into_iter().map(|stack| stack.id).collect(),
        };
        self.store.read(|view| {
            for stack in &stacks {
                let prefix = keys::change_sets(cx.account, &cx.region, stack);
                let found: Vec<(Key, ChangeSetRecord)> = view.records(&Range::prefix(&prefix))?;
                let record = found.into_iter().map(|(_, record)| record);
                let mut record = record.filter(|record| id.map_or(record.name == name, |id| record.id == id));
                if let Some(record) = record.next() {
                    return Ok(record);
                }
            }
            Err(missing())
        })
    }

    pub(crate) fn change_set_of(
        &self,
        cx: &Cx,
        name: Option<&String>,
        stack: Option<&String>,
    ) -> Result<ChangeSetRecord, Error> {
        let name = name.map(String::as_str).unwrap_or_default();
        if name.starts_with("arn:") {
            let record = self.find_change_set(cx, name, None)?;
            let named = stack.map(|stack| self.find_stack(cx, stack)).transpose()?;
            return match named.is_none_or(|stack| stack.id == record.stack_id) {
                true => Ok(record),
                false => Err(Error::ChangeSetNotFound(name.to_owned())),
            };
        }
        let Some(stack) = stack else {
            return Err(Error::template(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            ));
        };
        let stack = self.find_stack(cx, stack).map_err(Error::in_brackets)?;
        self.find_change_set(cx, name, Some(&stack.id))
    }

    /// Deletes the change sets of a stack that is gone.
    pub(crate) async fn forget_change_sets(&self, cx: &Cx, stack_id: &str) -> Result<(), Error> {
        let all = Range::prefix(&keys::change_sets(cx.account, &cx.region, stack_id));
        self.store
            .transact("cloudformation.forget", |tx| {
                tx.range(&all)?.into_iter().for_each(|(key, _)| tx.delete(key));
                Ok(())
            })
            .await
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
    let parameters = shown(&record.parameters, &record.hidden).into_iter().map(|(key, value)| Parameter {
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
    if input.retain_except_on_create == Some(true) {
        return Err(Error::template(
            "Nephos does not handle RetainExceptOnCreate for a whole stack; say it as DeletionPolicy of each resource",
        ));
    }
    let stack = stack_arn(cx.account, &cx.region, &record.stack_name, &record.stack_id);
    let before = service.find_stack(cx, &stack)?;
    if before.status != "REVIEW_IN_PROGRESS" {
        stacks::check_can_change(cx, &before)?;
    }
    let template = sam::transform(Template::parse(&record.template)?)?;
    let deploying = service.deploying(cx, record.role_arn.as_deref()).await?;
    let on_failure = OnFailure::parse(input.disable_rollback, record.on_failure.as_deref());
    let mut stack = before.clone();
    stack.description.clone_from(&template.description);
    (stack.template, stack.parameters) = (record.template.clone(), record.parameters.clone());
    (stack.capabilities, stack.tags) = (record.capabilities.clone(), record.tags.clone());
    (stack.role_arn, stack.hidden) = (record.role_arn.clone(), record.hidden.clone());
    stack.change_set = Some(arn);
    stack.disable_rollback = on_failure == OnFailure::DoNothing;
    let status = if record.creates { "CREATE_IN_PROGRESS" } else { "UPDATE_IN_PROGRESS" };
    record.execution_status = "EXECUTE_COMPLETE".to_owned();
    let key = keys::change_set(cx.account, &cx.region, &record.stack_id, &record.id);
    let all = Range::prefix(&keys::change_sets(cx.account, &cx.region, &record.stack_id));
    // The other change sets were made for the stack as it was.
    let also = |tx: &mut Tx| {
        tx.range(&all)?.into_iter().for_each(|(other, _)| tx.delete(other));
        tx.put_record(key.clone(), &record).map_err(Error::from)
    };
    service.begin(cx, &mut stack, Some(&before), status, also).await?;
    stacks::deploy_in_background(service, deploying, stack, before, template, on_failure);
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
    let found: Vec<(Key, ChangeSetRecord)> =
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
