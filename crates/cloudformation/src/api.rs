//! The operation table, and nothing else.

use crate::shapes::op;
use crate::{CloudFormation, access, change_sets, describe, events, stacks, templates};

nephos_wire::operations! { CloudFormation =>
    CreateChangeSet(change_sets::create, access::create_change_set);
    CreateStack(stacks::create, access::create_stack);
    DeleteChangeSet(change_sets::delete, access::delete_change_set);
    DeleteStack(stacks::delete, access::delete_stack);
    DescribeChangeSet(change_sets::describe, access::describe_change_set);
    DescribeStackEvents(events::describe, access::describe_stack_events);
    DescribeStackResource(describe::resource_detail, access::describe_stack_resource);
    DescribeStackResources(describe::resources, access::describe_stack_resources);
    DescribeStacks(describe::stacks, access::describe_stacks);
    ExecuteChangeSet(change_sets::execute, access::execute_change_set);
    GetTemplate(templates::get, access::get_template);
    GetTemplateSummary(templates::summary, access::get_template_summary);
    ListChangeSets(change_sets::list, access::list_change_sets);
    ListExports(describe::exports, access::any("cloudformation:ListExports"));
    ListStackResources(describe::list_resources, access::list_stack_resources);
    ListStacks(describe::list, access::any("cloudformation:ListStacks"));
    UpdateStack(stacks::update, access::update_stack);
    UpdateTerminationProtection(stacks::protect, access::update_termination_protection);
    ValidateTemplate(templates::validate, access::any("cloudformation:ValidateTemplate"));
}
