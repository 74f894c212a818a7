//! What a template's values are resolved against.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::Cx;
use serde_json::{Value, json};

use crate::error::Error;
use crate::records::{MASK, StackRecord, stack_arn};
use crate::template::intrinsics::{Scope, intrinsic, scalar};
use crate::template::{Template, check, parameter};

/// What values of a template are resolved against before anything is made.
pub fn scope(
    cx: &Cx,
    stack: &StackRecord,
    template: &Template,
    exports: BTreeMap<String, String>,
) -> Result<Scope, Error> {
    let mut parameters: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in &stack.parameters {
        let is_list = template.parameters.get(name).is_some_and(parameter::is_list);
        let value = match is_list {
            true => json!(value.split(',').map(str::trim).collect::<Vec<_>>()),
            false => json!(value),
        };
        parameters.insert(name.clone(), value);
    }
    for (name, value) in [
        ("AWS::AccountId", cx.account.to_string()),
        ("AWS::Partition", "aws".to_owned()),
        ("AWS::Region", cx.region.to_string()),
        ("AWS::StackId", stack_arn(cx.account, &cx.region, &stack.name, &stack.id)),
        ("AWS::StackName", stack.name.clone()),
        ("AWS::URLSuffix", "amazonaws.com".to_owned()),
    ] {
        parameters.insert(name.to_owned(), Value::String(value));
    }
    parameters.insert("AWS::NotificationARNs".to_owned(), json!([]));
    let mut scope = Scope { parameters, mappings: template.mappings.clone(), exports, ..Scope::default() };
    check::conditions(template, &mut scope)?;
    let wanted: BTreeSet<&String> = wanted(template, &scope);
    scope.absent = template.resources.keys().filter(|name| !wanted.contains(name)).cloned().collect();
    Ok(scope)
}

/// The names of the resources that are to exist: those without a condition, or with a true one.
pub fn wanted<'t>(template: &'t Template, scope: &Scope) -> BTreeSet<&'t String> {
    let holds = |condition: &Option<String>| {
        condition.as_ref().is_none_or(|name| scope.conditions.get(name).copied().unwrap_or(false))
    };
    let found = template.resources.iter().filter(|(_, resource)| holds(&resource.condition));
    found.map(|(name, _)| name).collect()
}

/// The same scope as it is shown: without the values of hidden parameters.
pub fn masked(scope: &Scope, hidden: &BTreeSet<String>) -> Scope {
    let mut shown = scope.clone();
    for name in hidden {
        shown.parameters.insert(name.clone(), json!(MASK));
    }
    shown
}

/// The names of the exports that a value takes, as far as they can be told.
pub fn imports(value: &Value, scope: &Scope, into: &mut BTreeSet<String>) {
    if let Some(("Fn::ImportValue", argument)) = intrinsic(value) {
        into.extend(scope.resolve(argument).ok().flatten().as_ref().and_then(scalar));
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| imports(item, scope, into)),
        Value::Object(map) => map.values().for_each(|inner| imports(inner, scope, into)),
        _ => {}
    }
}
