//! CreateStack, UpdateStack, DeleteStack: deployments without a change set.

use nephos_core::{Cx, random};

use crate::CloudFormation;
use crate::engine::Deployment;
use crate::error::Error;
use crate::input::{Given, Request};
use crate::records::{StackRecord, stack_arn};
use crate::shapes::*;
use crate::template::check;

/// A stack that is yet to be made.
pub fn new_record(cx: &Cx, name: &str) -> StackRecord {
    StackRecord {
        id: random::uuid(),
        name: name.to_owned(),
        account: cx.account.to_string(),
        region: cx.region.to_string(),
        status: String::new(),
        status_reason: None,
        template: String::new(),
        description: None,
        parameters: Default::default(),
        capabilities: Vec::new(),
        tags: Default::default(),
        role_arn: None,
        resources: Default::default(),
        outputs: Vec::new(),
        created: cx.now().millis(),
        updated: None,
        deleted: None,
        change_set: None,
        protected: false,
        disable_rollback: false,
    }
}

/// A stack that is being changed, or that failed to be made, can't be updated.
pub fn check_can_change(cx: &Cx, stack: &StackRecord) -> Result<(), Error> {
    let status = stack.status.as_str();
    let changeable = matches!(
        status,
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "CREATE_FAILED"
            | "UPDATE_FAILED"
    );
    if changeable {
        return Ok(());
    }
    let arn = stack_arn(cx.account, &cx.region, &stack.name, &stack.id);
    Err(Error::template(format!("Stack:{arn} is in {status} state and can not be updated.")))
}

fn check_properties(request: &Request) -> Result<(), Error> {
    check::unknown_property(&request.template).map_or(Ok(()), |text| Err(Error::Validation(text)))
}

/// CreateStack
pub async fn create(
    service: &CloudFormation,
    cx: &Cx,
    input: CreateStackInput,
) -> Result<CreateStackOutput, Error> {
    let name = input.stack_name.clone().unwrap_or_default();
    if let Ok(stack) = service.find_stack(cx, &name) {
        return Err(Error::AlreadyExists(stack.name));
    }
    let given = Given {
        body: input.template_body.as_ref(),
        url: input.template_url.as_ref(),
        previous: false,
        parameters: input.parameters.as_ref(),
        capabilities: input.capabilities.as_ref(),
        tags: input.tags.as_ref(),
    };
    let request = service.read_request(cx, given, None).await?;
    check_properties(&request)?;
    let deploying = service.deploying(cx, input.role_arn.as_deref()).await?;
    let mut stack = new_record(cx, &name);
    stack.role_arn = input.role_arn;
    stack.protected = input.enable_termination_protection == Some(true);
    stack.disable_rollback =
        input.disable_rollback == Some(true) || input.on_failure.as_deref() == Some("DO_NOTHING");
    let stack_id = Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
    start(service, cx, deploying, stack, request, "CREATE_IN_PROGRESS").await?;
    Ok(CreateStackOutput { stack_id, ..Default::default() })
}

/// UpdateStack
pub async fn update(
    service: &CloudFormation,
    cx: &Cx,
    input: UpdateStackInput,
) -> Result<UpdateStackOutput, Error> {
    let mut stack = service.find_stack(cx, input.stack_name.as_deref().unwrap_or_default())?;
    check_can_change(cx, &stack)?;
    let given = Given {
        body: input.template_body.as_ref(),
        url: input.template_url.as_ref(),
        previous: input.use_previous_template == Some(true),
        parameters: input.parameters.as_ref(),
        capabilities: input.capabilities.as_ref(),
        tags: input.tags.as_ref(),
    };
    let request = service.read_request(cx, given, Some(&stack)).await?;
    check_properties(&request)?;
    let tags_stay = input.tags.is_none() || stack.tags == request.tags;
    if stack.template == request.text && stack.parameters == request.parameters && tags_stay {
        return Err(Error::template("No updates are to be performed."));
    }
    let role_arn = input.role_arn.or_else(|| stack.role_arn.clone());
    let deploying = service.deploying(cx, role_arn.as_deref()).await?;
    stack.role_arn = role_arn;
    stack.disable_rollback = input.disable_rollback == Some(true);
    let stack_id = Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
    start(service, cx, deploying, stack, request, "UPDATE_IN_PROGRESS").await?;
    Ok(UpdateStackOutput { stack_id, ..Default::default() })
}

async fn start(
    service: &CloudFormation,
    cx: &Cx,
    deploying: Cx,
    mut stack: StackRecord,
    request: Request,
    status: &str,
) -> Result<(), Error> {
    stack.description.clone_from(&request.template.description);
    (stack.template, stack.parameters) = (request.text, request.parameters);
    (stack.capabilities, stack.tags) = (request.capabilities, request.tags);
    service.set_status(cx, &mut stack, status, Some("User Initiated".to_owned())).await?;
    let (service, template) = (service.clone(), request.template);
    tokio::spawn(async move { Deployment::run(&service, deploying, stack, &template).await });
    Ok(())
}

/// DeleteStack. A stack that does not exist is deleted.
pub async fn delete(service: &CloudFormation, cx: &Cx, input: DeleteStackInput) -> Result<Unit, Error> {
    let name = input.stack_name.clone().unwrap_or_default();
    let Ok(stack) = service.find_stack(cx, &name) else { return Ok(Unit {}) };
    if stack.deleted.is_some() || stack.status == "DELETE_IN_PROGRESS" {
        return Ok(Unit {});
    }
    let arn = stack_arn(cx.account, &cx.region, &stack.name, &stack.id);
    if stack.protected {
        return Err(Error::template(format!(
            "Stack [{}] cannot be deleted while TerminationProtection is enabled",
            stack.name
        )));
    }
    if stack.status.ends_with("_IN_PROGRESS") && stack.status != "REVIEW_IN_PROGRESS" {
        return Err(Error::template(format!(
            "Stack [{arn}] cannot be deleted while in status {}",
            stack.status
        )));
    }
    let deploying = service.deploying(cx, input.role_arn.as_deref().or(stack.role_arn.as_deref())).await?;
    let (service, keep) = (service.clone(), input.retain_resources.unwrap_or_default());
    tokio::spawn(async move {
        if let Err(error) = Deployment::tear_down(&service, deploying, stack, &keep).await {
            tracing::error!(%error, "a stack's deletion could not be recorded");
        }
    });
    Ok(Unit {})
}

/// UpdateTerminationProtection
pub async fn protect(
    service: &CloudFormation,
    cx: &Cx,
    input: UpdateTerminationProtectionInput,
) -> Result<UpdateTerminationProtectionOutput, Error> {
    let mut stack = service.find_stack(cx, input.stack_name.as_deref().unwrap_or_default())?;
    stack.protected = input.enable_termination_protection == Some(true);
    let key = crate::keys::stack(cx.account, &cx.region, &stack.id);
    service
        .store
        .transact("cloudformation.protect", |tx| tx.put_record(key.clone(), &stack).map_err(Error::from))
        .await?;
    let stack_id = Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
    Ok(UpdateTerminationProtectionOutput { stack_id })
}
