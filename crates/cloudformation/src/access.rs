//! What each operation must be allowed to do, on which stack.

use nephos_core::{Access, Arn, Cx, Fault};

use crate::CloudFormation;
use crate::shapes::*;

/// The ARN of a stack that is named or given by ARN; a name that is no stack yet gets AWS's wildcard for the id. What
/// is no stack of the caller's account and region is found by no handler either.
fn stack(service: &CloudFormation, cx: &Cx, name: Option<&String>) -> Arn {
    let name = name.map(String::as_str).unwrap_or("*");
    let id = match service.find_stack(cx, name) {
        Ok(stack) => return of_record(cx, &stack.name, &stack.id),
        Err(_) => "*",
    };
    name.parse().unwrap_or_else(|_| of_record(cx, name, id))
}

fn of_record(cx: &Cx, name: &str, id: &str) -> Arn {
    Arn::regional("cloudformation", &cx.region, cx.account, format!("stack/{name}/{id}"))
}

type Accesses = Result<Vec<Access>, Fault>;

/// An operation on no stack in particular.
pub fn any<I>(action: &'static str) -> impl Fn(&CloudFormation, &Cx, &I) -> Accesses {
    move |_, _, _| Ok(vec![Access::any(action)])
}

macro_rules! on_stack {
    ($($function:ident: $input:ident, $action:literal;)*) => {
        $(
            #[doc = concat!("`", $action, "`")]
            pub fn $function(service: &CloudFormation, cx: &Cx, input: &$input) -> Accesses {
                Ok(vec![Access::on($action, &stack(service, cx, input.stack_name.as_ref()))])
            }
        )*
    };
}

on_stack! {
    create_change_set: CreateChangeSetInput, "cloudformation:CreateChangeSet";
    create_stack: CreateStackInput, "cloudformation:CreateStack";
    delete_stack: DeleteStackInput, "cloudformation:DeleteStack";
    describe_stack_events: DescribeStackEventsInput, "cloudformation:DescribeStackEvents";
    describe_stack_resource: DescribeStackResourceInput, "cloudformation:DescribeStackResource";
    describe_stack_resources: DescribeStackResourcesInput, "cloudformation:DescribeStackResources";
    describe_stacks: DescribeStacksInput, "cloudformation:DescribeStacks";
    list_change_sets: ListChangeSetsInput, "cloudformation:ListChangeSets";
    list_stack_resources: ListStackResourcesInput, "cloudformation:ListStackResources";
    update_stack: UpdateStackInput, "cloudformation:UpdateStack";
    update_termination_protection: UpdateTerminationProtectionInput, "cloudformation:UpdateTerminationProtection";
}

/// The stack of a change set. An ARN names its stack by itself, whatever stack is named beside it.
fn of_change_set(
    service: &CloudFormation,
    cx: &Cx,
    action: &'static str,
    stack_name: Option<&String>,
    change_set: Option<&String>,
) -> Accesses {
    let record = change_set
        .filter(|name| name.starts_with("arn:"))
        .and_then(|arn| service.find_change_set(cx, arn, None).ok());
    let arn = match record {
        Some(record) => of_record(cx, &record.stack_name, &record.stack_id),
        None => stack(service, cx, stack_name),
    };
    Ok(vec![Access::on(action, &arn)])
}

/// `cloudformation:GetTemplate`, of a stack or of a change set.
pub fn get_template(service: &CloudFormation, cx: &Cx, input: &GetTemplateInput) -> Accesses {
    let action = "cloudformation:GetTemplate";
    of_change_set(service, cx, action, input.stack_name.as_ref(), input.change_set_name.as_ref())
}

/// `cloudformation:GetTemplateSummary`, of a stack where one is named.
pub fn get_template_summary(service: &CloudFormation, cx: &Cx, input: &GetTemplateSummaryInput) -> Accesses {
    let action = "cloudformation:GetTemplateSummary";
    Ok(vec![match &input.stack_name {
        None => Access::any(action),
        named => Access::on(action, &stack(service, cx, named.as_ref())),
    }])
}

/// `cloudformation:DescribeChangeSet`
pub fn describe_change_set(service: &CloudFormation, cx: &Cx, input: &DescribeChangeSetInput) -> Accesses {
    let action = "cloudformation:DescribeChangeSet";
    of_change_set(service, cx, action, input.stack_name.as_ref(), input.change_set_name.as_ref())
}

/// `cloudformation:ExecuteChangeSet`
pub fn execute_change_set(service: &CloudFormation, cx: &Cx, input: &ExecuteChangeSetInput) -> Accesses {
    let action = "cloudformation:ExecuteChangeSet";
    of_change_set(service, cx, action, input.stack_name.as_ref(), input.change_set_name.as_ref())
}

/// `cloudformation:DeleteChangeSet`
pub fn delete_change_set(service: &CloudFormation, cx: &Cx, input: &DeleteChangeSetInput) -> Accesses {
    let action = "cloudformation:DeleteChangeSet";
    of_change_set(service, cx, action, input.stack_name.as_ref(), input.change_set_name.as_ref())
}
