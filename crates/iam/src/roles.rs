//! Roles and their trust policies.

use nephos_core::{AccountId, Arn, Cx};
use nephos_store::{Read, Tx};
use serde_json::Value;

use crate::Iam;
use crate::attachments::{self, boundary_shape};
use crate::directory;
use crate::error::Error;
use crate::inline::encode;
use crate::keys::{self, Sort};
use crate::pages::Asked;
use crate::policy::{Kind, Policy, counted_length};
use crate::records::{Entity, RoleFacts};
use crate::shapes::{
    CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest, GetRoleRequest, GetRoleResponse,
    ListInstanceProfilesForRoleRequest, ListInstanceProfilesForRoleResponse, ListRolesRequest,
    ListRolesResponse, Role, RoleLastUsed, Unit, UpdateAssumeRolePolicyRequest, UpdateRoleDescriptionRequest,
    UpdateRoleDescriptionResponse, UpdateRoleRequest,
};
use crate::tags;
use crate::users::{check_bare, check_new};

const MAX_ROLES: usize = 1000;
const MAX_TRUST_CHARS: usize = 2048;
/// One hour, unless the role says otherwise.
pub(crate) const DEFAULT_SESSION_SECONDS: i32 = 3600;

/// A role with everything.
fn shape(account: AccountId, role: &Entity) -> Role {
    Role {
        permissions_boundary: boundary_shape(role.boundary.as_deref()),
        tags: tags::write(&role.tags),
        role_last_used: Some(RoleLastUsed::default()),
        ..brief(account, role)
    }
}

/// A role as lists show it.
fn brief(account: AccountId, role: &Entity) -> Role {
    let facts = role.role.as_ref();
    Role {
        path: Some(role.path.clone()),
        role_name: Some(role.name.clone()),
        role_id: Some(role.id.clone()),
        arn: Some(role.arn(account).to_string()),
        create_date: Some(role.created),
        assume_role_policy_document: facts.map(|facts| encode(&facts.trust)),
        description: facts.and_then(|facts| facts.description.clone()),
        max_session_duration: facts.map(|facts| facts.max_session_seconds),
        ..Role::default()
    }
}

/// Checks a trust policy: its language, its length, and that the users and roles it names exist. Gives it with their ids in
/// place of their ARNs.
pub(crate) fn bind_trust<R: Read>(tx: &R, document: &str) -> Result<String, Error> {
    Policy::parse(document, Kind::Trust)?;
    if counted_length(document) > MAX_TRUST_CHARS {
        return Err(Error::LimitExceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_CHARS}"
        )));
    }
    let mut json: Value = serde_json::from_str(document)
        .map_err(|_| Error::MalformedPolicyDocument("Syntax errors in policy.".to_owned()))?;
    if let Some(statements) = json.get_mut("Statement") {
        for statement in one_or_many(statements) {
            for element in ["Principal", "NotPrincipal"] {
                let Some(listed) = statement.get_mut(element).and_then(|p| p.get_mut("AWS")) else {
                    continue;
                };
                for principal in one_or_many(listed) {
                    bind_principal(tx, principal)?;
                }
            }
        }
    }
    Ok(json.to_string())
}

fn one_or_many(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_mut(one),
    }
}

fn bind_principal<R: Read>(tx: &R, principal: &mut Value) -> Result<(), Error> {
    let Some(arn) = principal.as_str().filter(|name| name.starts_with("arn:")) else { return Ok(()) };
    match named_by(tx, arn)? {
        Named::Id(id) => *principal = Value::String(id),
        Named::AsIs => {}
        Named::Nobody => {
            let text = format!("Invalid principal in policy: \"AWS\":\"{arn}\"");
            return Err(Error::MalformedPolicyDocument(text));
        }
    }
    Ok(())
}

/// Whom an ARN in a trust policy names.
enum Named {
    /// A user or role that exists.
    Id(String),
    /// An account or a session, which have no ids.
    AsIs,
    Nobody,
}

fn named_by<R: Read>(tx: &R, arn: &str) -> Result<Named, Error> {
    for (noun, sort) in [("user", Sort::User), ("role", Sort::Role)] {
        if let Some((account, path, name)) = directory::named(arn, noun) {
            let found = directory::find(tx, account, sort, &name)?.filter(|entity| entity.path == path);
            return Ok(found.map_or(Named::Nobody, |entity| Named::Id(entity.id)));
        }
    }
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(Named::Nobody) };
    Ok(match (parsed.account_id(), parsed.resource.split('/').collect::<Vec<_>>().as_slice()) {
        (Some(account), ["assumed-role", role, _]) => match directory::find(tx, account, Sort::Role, role)? {
            Some(_) => Named::AsIs,
            None => Named::Nobody,
        },
        // A federated user exists only while it has a session.
        (Some(_), ["federated-user", _] | ["root"]) => Named::AsIs,
        _ => Named::Nobody,
    })
}

/// Creates a role within a transaction.
fn create_in(tx: &mut Tx, account: AccountId, mut role: Entity) -> Result<(), Error> {
    check_new(tx, account, Sort::Role, &role.name, ("RolesPerAccount", MAX_ROLES))?;
    if let Some(facts) = &mut role.role {
        facts.bound_trust = bind_trust(tx, &facts.trust)?;
    }
    attachments::use_boundary(tx, account, &role)?;
    Ok(tx.put_record(keys::entity(account, Sort::Role, &role.name), &role)?)
}

pub(crate) async fn create(
    iam: &Iam,
    cx: &Cx,
    input: CreateRoleRequest,
) -> Result<CreateRoleResponse, Error> {
    let name = input.role_name.unwrap_or_default();
    let mut role = Entity::new(Sort::Role, &name, input.path.as_deref().unwrap_or("/"), cx.now());
    role.tags = tags::read(input.tags.as_deref())?;
    role.boundary = input.permissions_boundary;
    role.role = Some(RoleFacts {
        trust: input.assume_role_policy_document.unwrap_or_default(),
        bound_trust: String::new(),
        description: input.description,
        max_session_seconds: input.max_session_duration.unwrap_or(DEFAULT_SESSION_SECONDS),
    });
    iam.write("iam.create_role", cx.account, |tx| create_in(tx, cx.account, role.clone())).await?;
    let created = Role { role_last_used: None, ..shape(cx.account, &role) };
    Ok(CreateRoleResponse { role: Some(created) })
}

pub(crate) async fn get(iam: &Iam, cx: &Cx, input: GetRoleRequest) -> Result<GetRoleResponse, Error> {
    let name = input.role_name.unwrap_or_default();
    let role = iam.store.read(|view| directory::get(view, cx.account, Sort::Role, &name))?;
    Ok(GetRoleResponse { role: Some(shape(cx.account, &role)) })
}

pub(crate) async fn list(iam: &Iam, cx: &Cx, input: ListRolesRequest) -> Result<ListRolesResponse, Error> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let all = keys::entities(cx.account, Sort::Role);
    let page = iam.store.read(|view| {
        asked.records(view, &all, |role: &Entity| &role.name, |role| role.path.starts_with(&prefix))
    })?;
    let is_truncated = page.is_truncated();
    let roles = page.items.iter().map(|role| brief(cx.account, role)).collect();
    Ok(ListRolesResponse { roles: Some(roles), is_truncated, marker: page.marker })
}

async fn change(
    iam: &Iam,
    cx: &Cx,
    name: Option<String>,
    change: impl Fn(&mut Tx, &mut RoleFacts) -> Result<(), Error>,
) -> Result<Entity, Error> {
    let name = name.unwrap_or_default();
    iam.write("iam.update_role", cx.account, |tx| {
        let mut role = directory::get(tx, cx.account, Sort::Role, &name)?;
        if let Some(facts) = &mut role.role {
            change(tx, facts)?;
        }
        tx.put_record(keys::entity(cx.account, Sort::Role, &name), &role)?;
        Ok(role)
    })
    .await
}

pub(crate) async fn update_trust(
    iam: &Iam,
    cx: &Cx,
    input: UpdateAssumeRolePolicyRequest,
) -> Result<Unit, Error> {
    let document = input.policy_document.unwrap_or_default();
    change(iam, cx, input.role_name, |tx, facts| {
        facts.bound_trust = bind_trust(tx, &document)?;
        facts.trust.clone_from(&document);
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn update(
    iam: &Iam,
    cx: &Cx,
    input: UpdateRoleRequest,
) -> Result<crate::shapes::UpdateRoleResponse, Error> {
    change(iam, cx, input.role_name, |_, facts| {
        if let Some(description) = &input.description {
            facts.description = Some(description.clone());
        }
        facts.max_session_seconds = input.max_session_duration.unwrap_or(facts.max_session_seconds);
        Ok(())
    })
    .await?;
    Ok(crate::shapes::UpdateRoleResponse {})
}

pub(crate) async fn update_description(
    iam: &Iam,
    cx: &Cx,
    input: UpdateRoleDescriptionRequest,
) -> Result<UpdateRoleDescriptionResponse, Error> {
    let role = change(iam, cx, input.role_name, |_, facts| {
        facts.description.clone_from(&input.description);
        Ok(())
    })
    .await?;
    Ok(UpdateRoleDescriptionResponse { role: Some(shape(cx.account, &role)) })
}

pub(crate) async fn delete(iam: &Iam, cx: &Cx, input: DeleteRoleRequest) -> Result<Unit, Error> {
    let name = input.role_name.unwrap_or_default();
    iam.write("iam.delete_role", cx.account, |tx| {
        let role = directory::get(tx, cx.account, Sort::Role, &name)?;
        check_bare(&role)?;
        attachments::drop_boundary(tx, cx.account, &role);
        tx.delete(keys::entity(cx.account, Sort::Role, &name));
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

/// There are no instance profiles; tools ask for a role's before they delete it.
pub(crate) async fn list_instance_profiles(
    iam: &Iam,
    cx: &Cx,
    input: ListInstanceProfilesForRoleRequest,
) -> Result<ListInstanceProfilesForRoleResponse, Error> {
    let name = input.role_name.unwrap_or_default();
    iam.store.read(|view| directory::get(view, cx.account, Sort::Role, &name))?;
    Ok(ListInstanceProfilesForRoleResponse {
        instance_profiles: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    })
}
