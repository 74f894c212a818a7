//! What a deployment would change, as far as it can be known before it is done.

use nephos_core::Cx;
use serde_json::{Map, Value};

use crate::CloudFormation;
use crate::engine::{self, replaces};
use crate::error::Error;
use crate::input::Request;
use crate::records::{ChangeRecord, ResourceRecord, StackRecord};
use crate::resources;
use crate::template::intrinsics::{Known, Scope};
use crate::template::{Policy, Resource, Template, order};

/// The changes that a request would make; none if the stack is as the request wants it.
pub fn plan(
    service: &CloudFormation,
    cx: &Cx,
    stack: &StackRecord,
    request: &Request,
) -> Result<Option<Vec<ChangeRecord>>, Error> {
    let mut future = stack.clone();
    future.parameters.clone_from(&request.parameters);
    let changes = changes(service, cx, &future, &request.template)?;
    let exists = !matches!(stack.status.as_str(), "REVIEW_IN_PROGRESS" | "");
    // What failed before is tried again.
    let is_whole = stack.status.ends_with("_COMPLETE");
    let same = stack.tags == request.tags
        && (stack.template == request.text && stack.parameters == request.parameters
            || same_outputs(service, cx, stack, &future, &request.template));
    Ok(if exists && is_whole && same && changes.is_empty() { None } else { Some(changes) })
}

/// Whether the outputs come out the same. The resources are the same where this is asked.
fn same_outputs(
    service: &CloudFormation,
    cx: &Cx,
    stack: &StackRecord,
    future: &StackRecord,
    template: &Template,
) -> bool {
    let Ok(former) = Template::parse(&stack.template).and_then(crate::sam::transform) else { return false };
    let resolved = |record: &StackRecord, template: &Template| -> Option<Value> {
        let mut scope = engine::scope(cx, record, template, service.exports(cx).ok()?).ok()?;
        know(&mut scope, record);
        let mut outputs = Map::new();
        for (name, output) in &template.outputs {
            let condition = output.get("Condition").and_then(Value::as_str);
            if condition.is_none_or(|condition| scope.conditions.get(condition) == Some(&true)) {
                outputs.insert(name.clone(), scope.resolve(output).ok()??);
            }
        }
        Some(Value::Object(outputs))
    };
    let (now, then) = (resolved(stack, &former), resolved(future, template));
    now.is_some() && now == then && former.description == template.description
}

fn know(scope: &mut Scope, stack: &StackRecord) {
    for (name, record) in &stack.resources {
        let known = Known { physical_id: record.physical_id.clone(), attributes: record.attributes.clone() };
        scope.resources.insert(name.clone(), known);
    }
}

fn changes(
    service: &CloudFormation,
    cx: &Cx,
    stack: &StackRecord,
    template: &Template,
) -> Result<Vec<ChangeRecord>, Error> {
    let mut scope = engine::scope(cx, stack, template, service.exports(cx)?)?;
    know(&mut scope, stack);
    let mut changes = Vec::new();
    for name in order::creation_order(template)? {
        let Some(resource) = template.resources.get(&name) else { continue };
        if scope.absent.contains(&name) {
            // Nothing may refer to what will not be there.
            scope.resources.remove(&name);
            continue;
        }
        let Some(former) = stack.resources.get(&name).filter(|former| !former.physical_id.is_empty()) else {
            changes.push(change("Add", &name, &resource.kind, None, None));
            continue;
        };
        let Some(replacement) = modification(former, resource, &scope) else { continue };
        let id = Some(former.physical_id.clone());
        changes.push(change("Modify", &name, &resource.kind, id, Some(replacement)));
        if replacement != "False" {
            // Those that refer to it change, too.
            scope.resources.remove(&name);
        }
    }
    let gone = |name: &String| !template.resources.contains_key(name) || scope.absent.contains(name);
    for (name, former) in stack.resources.iter().filter(|(name, _)| gone(name)) {
        let id = Some(former.physical_id.clone());
        changes.push(change("Remove", name, &former.kind, id, None));
    }
    Ok(changes)
}

fn change(
    action: &str,
    name: &str,
    kind: &str,
    physical_id: Option<String>,
    replacement: Option<&str>,
) -> ChangeRecord {
    ChangeRecord {
        action: action.to_owned(),
        logical_id: name.to_owned(),
        physical_id,
        kind: kind.to_owned(),
        replacement: replacement.map(str::to_owned),
    }
}

/// Whether a resource changes, and whether by a new one: `True`, `False`, or `Conditional` where that depends on
/// what is yet to be made.
fn modification(former: &ResourceRecord, resource: &Resource, scope: &Scope) -> Option<&'static str> {
    let mut resolved = Map::new();
    let mut open = Vec::new();
    for (key, value) in resource.properties.as_object().into_iter().flatten() {
        match scope.resolve(value) {
            Ok(Some(value)) => drop(resolved.insert(key.clone(), value)),
            Ok(None) => {}
            Err(_) => {
                open.push(key.as_str());
                // For the comparison it stays; that it is open says enough.
                resolved.extend(former.properties.get(key).map(|value| (key.clone(), value.clone())));
            }
        }
    }
    let resolved = Value::Object(resolved);
    if replaces(former, &resource.kind, &resolved) {
        return Some("True");
    }
    let replacing = resources::find(&resource.kind).map(|kind| kind.replacing()).unwrap_or_default();
    if open.iter().any(|key| replacing.contains(key)) {
        return Some("Conditional");
    }
    let same = former.properties == resolved
        && open.is_empty()
        && former.status.ends_with("_COMPLETE")
        && former.retain == (resource.deletion_policy != Policy::Delete)
        && former.retain_on_create == (resource.deletion_policy == Policy::Retain)
        && former.retain_replaced == (resource.update_replace_policy == Policy::Retain);
    (!same).then_some("False")
}
