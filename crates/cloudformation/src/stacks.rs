//! CreateStack, UpdateStack, DeleteStack: deployments without a change set.

use nephos_core::{Cx, random};
use nephos_store::{Read, Tx};

use crate::engine::{Deployment, OnFailure};
use crate::error::Error;
use crate::input::{Besides, Given, Request, check_expansion, check_stack_name};
use crate::records::{StackRecord, stack_arn};
use crate::shapes::*;
use crate::template::{Template, check};
use crate::{CloudFormation, check_pass_role, plan};

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
        hidden: Default::default(),
        imports: Default::default(),
        leftover: Vec::new(),
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
            // AWS asks for ContinueUpdateRollback first, which is not here.
            | "UPDATE_ROLLBACK_FAILED"
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
    check_stack_name(&name)?;
    Besides {
        notifications: input.notification_arns.as_ref(),
        rollback: input.rollback_configuration.as_ref(),
        types: input.resource_types.as_ref(),
        policy: input.stack_policy_body.is_some() || input.stack_policy_url.is_some(),
        retain_except_on_create: input.retain_except_on_create,
    }
    .check()?;
    if input.disable_rollback.is_some() && input.on_failure.is_some() {
        return Err(Error::template("You can specify either DisableRollback or OnFailure, not both."));
    }
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
    check_expansion(&request)?;
    check_properties(&request)?;
    check_pass_role(cx, input.role_arn.as_ref())?;
    let deploying = service.deploying(cx, input.role_arn.as_deref()).await?;
    let mut stack = new_record(cx, &name);
    stack.role_arn = input.role_arn;
    stack.protected = input.enable_termination_protection == Some(true);
    let on_failure = OnFailure::parse(input.disable_rollback, input.on_failure.as_deref());
    let stack_id = Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
    start(service, cx, deploying, (stack, None), request, on_failure).await?;
    Ok(CreateStackOutput { stack_id, ..Default::default() })
}

/// UpdateStack
pub async fn update(
    service: &CloudFormation,
    cx: &Cx,
    input: UpdateStackInput,
) -> Result<UpdateStackOutput, Error> {
    let named = input.stack_name.as_deref().unwrap_or_default();
    let before = service.find_stack(cx, named).map_err(Error::in_brackets)?;
    check_can_change(cx, &before)?;
    Besides {
        notifications: input.notification_arns.as_ref(),
        rollback: input.rollback_configuration.as_ref(),
        types: input.resource_types.as_ref(),
        policy: input.stack_policy_body.is_some()
            || input.stack_policy_url.is_some()
            || input.stack_policy_during_update_body.is_some()
            || input.stack_policy_during_update_url.is_some(),
        retain_except_on_create: input.retain_except_on_create,
    }
    .check()?;
    let given = Given {
        body: input.template_body.as_ref(),
        url: input.template_url.as_ref(),
        previous: input.use_previous_template == Some(true),
        parameters: input.parameters.as_ref(),
        capabilities: input.capabilities.as_ref(),
        tags: input.tags.as_ref(),
    };
    let request = service.read_request(cx, given, Some(&before)).await?;
    check_expansion(&request)?;
    check_properties(&request)?;
    if plan::plan(service, cx, &before, &request)?.is_none() {
        return Err(Error::template("No updates are to be performed."));
    }
    check_pass_role(cx, input.role_arn.as_ref())?;
    let mut stack = before.clone();
    stack.role_arn = input.role_arn.or(stack.role_arn);
    let deploying = service.deploying(cx, stack.role_arn.as_deref()).await?;
    let on_failure = OnFailure::parse(input.disable_rollback, None);
    let stack_id = Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
    start(service, cx, deploying, (stack, Some(before)), request, on_failure).await?;
    Ok(UpdateStackOutput { stack_id, ..Default::default() })
}

async fn start(
    service: &CloudFormation,
    cx: &Cx,
    deploying: Cx,
    (mut stack, before): (StackRecord, Option<StackRecord>),
    request: Request,
    on_failure: OnFailure,
) -> Result<(), Error> {
    stack.description.clone_from(&request.template.description);
    stack.disable_rollback = on_failure == OnFailure::DoNothing;
    (stack.template, stack.parameters, stack.hidden) = (request.text, request.parameters, request.hidden);
    (stack.capabilities, stack.tags) = (request.capabilities, request.tags);
    let status = if before.is_some() { "UPDATE_IN_PROGRESS" } else { "CREATE_IN_PROGRESS" };
    service.begin(cx, &mut stack, before.as_ref(), status, |_| Ok(())).await?;
    let before = before.unwrap_or_else(|| stack.clone());
    deploy_in_background(service, deploying, stack, before, request.template, on_failure);
    Ok(())
}

/// Deploys into a stack that is under way already.
pub fn deploy_in_background(
    service: &CloudFormation,
    deploying: Cx,
    stack: StackRecord,
    before: StackRecord,
    template: Template,
    on_failure: OnFailure,
) {
    let (work, id) = (service.clone(), stack.id.clone());
    service.launch(deploying.clone(), id, async move {
        Deployment::run(&work, deploying, stack, before, &template, on_failure).await
    });
}

/// DeleteStack. A stack that does not exist is deleted.
pub async fn delete(service: &CloudFormation, cx: &Cx, input: DeleteStackInput) -> Result<Unit, Error> {
    let name = input.stack_name.clone().unwrap_or_default();
    let mut stack = match service.find_stack(cx, &name) {
        Ok(stack) => stack,
        Err(Error::NoStack(_)) => return Ok(Unit {}),
        Err(error) => return Err(error),
    };
    if stack.deleted.is_some() || stack.status == "DELETE_IN_PROGRESS" {
        return Ok(Unit {});
    }
    if input.deletion_mode.as_deref() == Some("FORCE_DELETE_STACK") {
        return Err(Error::template(
            "Nephos does not handle DeletionMode FORCE_DELETE_STACK; name what stays by RetainResources",
        ));
    }
    let arn = stack_arn(cx.account, &cx.region, &stack.name, &stack.id);
    if stack.is_under_way() {
        let text = format!("Stack [{arn}] cannot be deleted while in status {}", stack.status);
        return Err(Error::template(text));
    }
    let keep = input.retain_resources.unwrap_or_default();
    if !keep.is_empty() && stack.status != "DELETE_FAILED" {
        let text =
            "Invalid operation on stack [{arn}]. Stack must be in DELETE_FAILED state to retain resources.";
        return Err(Error::template(text.replace("{arn}", &arn)));
    }
    check_pass_role(cx, input.role_arn.as_ref())?;
    let deploying = service.deploying(cx, input.role_arn.as_deref().or(stack.role_arn.as_deref())).await?;
    let (seen, key) = (stack.clone(), crate::keys::stack(cx.account, &cx.region, &stack.id));
    let unprotected = |tx: &mut Tx| match tx.record::<StackRecord>(&key)? {
        Some(stored) if stored.protected => Err(Error::template(format!(
            "Stack [{}] cannot be deleted while TerminationProtection is enabled",
            stored.name
        ))),
        _ => Ok(()),
    };
    service.begin(cx, &mut stack, Some(&seen), "DELETE_IN_PROGRESS", unprotected).await?;
    let (work, id) = (service.clone(), stack.id.clone());
    service.launch(
        cx.clone(),
        id,
        async move { Deployment::tear_down(&work, deploying, stack, &keep).await },
    );
    Ok(Unit {})
}

/// UpdateTerminationProtection
pub async fn protect(
    service: &CloudFormation,
    cx: &Cx,
    input: UpdateTerminationProtectionInput,
) -> Result<UpdateTerminationProtectionOutput, Error> {
    let stack = service.find_stack(cx, input.stack_name.as_deref().unwrap_or_default())?;
    let key = crate::keys::stack(cx.account, &cx.region, &stack.id);
    let protected = input.enable_termination_protection == Some(true);
    service
        .store
        .transact("cloudformation.protect", |tx| {
            let Some(mut stored) = tx.record::<StackRecord>(&key)? else { return Ok(()) };
            stored.protected = protected;
            tx.put_record(key.clone(), &stored).map_err(Error::from)
        })
        .await?;
    let stack_id = Some(stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
    Ok(UpdateTerminationProtectionOutput { stack_id })
}
