//! `AWS::IAM::Role`.

use std::collections::BTreeSet;

use nephos_core::{BoxFuture, Fault};
use nephos_iam::shapes::{self, op};
use serde_json::Value;

use super::{Call, Kind, Made, Making, gone, missing, text};

/// A role with its policies.
pub struct Role;

impl Kind for Role {
    fn name(&self) -> &'static str {
        "AWS::IAM::Role"
    }

    fn grammar(&self) -> &'static str {
        "AssumeRolePolicyDocument, Description, ManagedPolicyArns, MaxSessionDuration, Path, PermissionsBoundary,
         Policies[PolicyDocument, PolicyName], RoleName, Tags[Key, Value]"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "RoleId"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["Path", "RoleName"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("RoleName", 64);
            let tags = call
                .tags()
                .into_iter()
                .map(|(key, value)| shapes::Tag { key: Some(key), value: Some(value) });
            let tags: Vec<_> = tags.collect();
            let input = shapes::CreateRoleRequest {
                role_name: Some(name.clone()),
                path: call.text("Path"),
                assume_role_policy_document: Some(document(call.property("AssumeRolePolicyDocument"))?),
                description: call.text("Description"),
                max_session_duration: call.property("MaxSessionDuration").map(super::shape).transpose()?,
                permissions_boundary: call.text("PermissionsBoundary"),
                tags: (!tags.is_empty()).then_some(tags),
            };
            let output = call.invoke::<op::CreateRole>(&call.services.iam, input).await?;
            let role = output.role.unwrap_or_default();
            let arn = role.arn.unwrap_or_default();
            let made =
                Made::new(name.clone()).with("Arn", arn).with("RoleId", role.role_id.unwrap_or_default());
            call.made_so_far(&made);
            policies(&call, &name).await?;
            Ok(made)
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.physical_id();
            let iam = &call.services.iam;
            if call.changed("AssumeRolePolicyDocument") {
                let input = shapes::UpdateAssumeRolePolicyRequest {
                    role_name: Some(name.clone()),
                    policy_document: Some(document(call.property("AssumeRolePolicyDocument"))?),
                };
                call.invoke::<op::UpdateAssumeRolePolicy>(iam, input).await?;
            }
            if call.changed("Description") || call.changed("MaxSessionDuration") {
                let input = shapes::UpdateRoleRequest {
                    role_name: Some(name.clone()),
                    description: Some(call.text("Description").unwrap_or_default()),
                    max_session_duration: call
                        .property("MaxSessionDuration")
                        .map(super::shape)
                        .transpose()?,
                };
                call.invoke::<op::UpdateRole>(iam, input).await?;
            }
            boundary(&call, &name).await?;
            retag(&call, &name).await?;
            policies(&call, &name).await?;
            Ok(call.made.cloned().unwrap_or_default())
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { gone(delete(&call, &call.physical_id()).await) })
    }
}

fn document(value: Option<&Value>) -> Result<String, Fault> {
    let value = value.ok_or_else(|| missing("AssumeRolePolicyDocument"))?;
    Ok(text(value).unwrap_or_else(|| value.to_string()))
}

fn managed(properties: Option<&Value>) -> BTreeSet<String> {
    let arns = properties.and_then(|p| p.get("ManagedPolicyArns")).and_then(Value::as_array);
    arns.into_iter().flatten().filter_map(text).collect()
}

fn inline(properties: Option<&Value>) -> Vec<(String, String)> {
    let policies = properties.and_then(|p| p.get("Policies")).and_then(Value::as_array);
    let pair =
        |policy: &Value| Some((text(policy.get("PolicyName")?)?, policy.get("PolicyDocument")?.to_string()));
    policies.into_iter().flatten().filter_map(pair).collect()
}

/// Sets the permissions boundary, or takes it away.
async fn boundary(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let (iam, role_name, property) = (&call.services.iam, Some(name.to_owned()), "PermissionsBoundary");
    if !call.changed(property) {
        return Ok(());
    }
    let Some(arn) = call.text(property) else {
        let input = shapes::DeleteRolePermissionsBoundaryRequest { role_name };
        return gone(call.invoke::<op::DeleteRolePermissionsBoundary>(iam, input).await);
    };
    let input = shapes::PutRolePermissionsBoundaryRequest { role_name, permissions_boundary: Some(arn) };
    call.invoke::<op::PutRolePermissionsBoundary>(iam, input).await.map(drop)
}

/// Sets the tags that the properties name; removes those that they named before.
async fn retag(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    if !call.changed("Tags") {
        return Ok(());
    }
    let iam = &call.services.iam;
    let (wanted, removed) = call.tag_changes("Tags");
    if !removed.is_empty() {
        let input = shapes::UntagRoleRequest { role_name: Some(name.to_owned()), tag_keys: Some(removed) };
        call.invoke::<op::UntagRole>(iam, input).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let tags = wanted.into_iter().map(|(key, value)| shapes::Tag { key: Some(key), value: Some(value) });
    let input = shapes::TagRoleRequest { role_name: Some(name.to_owned()), tags: Some(tags.collect()) };
    call.invoke::<op::TagRole>(iam, input).await.map(drop)
}

/// Puts and attaches what the properties name; removes what they named before.
async fn policies(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let iam = &call.services.iam;
    let role_name = || Some(name.to_owned());
    let (wanted, had) = (managed(Some(call.properties)), managed(call.previous));
    for arn in wanted.difference(&had) {
        let input = shapes::AttachRolePolicyRequest { role_name: role_name(), policy_arn: Some(arn.clone()) };
        call.invoke::<op::AttachRolePolicy>(iam, input).await?;
    }
    for arn in had.difference(&wanted) {
        let input = shapes::DetachRolePolicyRequest { role_name: role_name(), policy_arn: Some(arn.clone()) };
        call.invoke::<op::DetachRolePolicy>(iam, input).await?;
    }
    let (wanted, had) = (inline(Some(call.properties)), inline(call.previous));
    for (policy, document) in wanted.iter().filter(|policy| !had.contains(policy)) {
        let input = shapes::PutRolePolicyRequest {
            role_name: role_name(),
            policy_name: Some(policy.clone()),
            policy_document: Some(document.clone()),
        };
        call.invoke::<op::PutRolePolicy>(iam, input).await?;
    }
    for (policy, _) in had.iter().filter(|(had, _)| !wanted.iter().any(|(wanted, _)| wanted == had)) {
        let input =
            shapes::DeleteRolePolicyRequest { role_name: role_name(), policy_name: Some(policy.clone()) };
        call.invoke::<op::DeleteRolePolicy>(iam, input).await?;
    }
    Ok(())
}

async fn delete(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let iam = &call.services.iam;
    let role_name = || Some(name.to_owned());
    for arn in managed(Some(call.properties)) {
        let input = shapes::DetachRolePolicyRequest { role_name: role_name(), policy_arn: Some(arn) };
        gone(call.invoke::<op::DetachRolePolicy>(iam, input).await)?;
    }
    for (policy, _) in inline(Some(call.properties)) {
        let input = shapes::DeleteRolePolicyRequest { role_name: role_name(), policy_name: Some(policy) };
        gone(call.invoke::<op::DeleteRolePolicy>(iam, input).await)?;
    }
    let input = shapes::DeleteRoleRequest { role_name: role_name() };
    call.invoke::<op::DeleteRole>(iam, input).await.map(drop)
}
