//! Roles and their trust policies.

use nephos_core::{AccountId, Arn, Cx};
use nephos_store::{Read, Tx};

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

/// Checks a trust policy: its language, its length, and that the users and roles it names exist.
pub(crate) fn check_trust<R: Read>(tx: &R, document: &str) -> Result<(), Error> {
    let policy = Policy::parse(document, Kind::Trust)?;
    if counted_length(document) > MAX_TRUST_CHARS {
        return Err(Error::LimitExceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_CHARS}"
        )));
    }
    for arn in policy.principal_arns() {
        if !principal_exists(tx, arn)? {
            return Err(Error::MalformedPolicyDocument(format!(
                "Invalid principal in policy: \"AWS\":\"{arn}\""
            )));
        }
    }
    Ok(())
}

fn principal_exists<R: Read>(tx: &R, arn: &str) -> Result<bool, Error> {
    for (noun, sort) in [("user", Sort::User), ("role", Sort::Role)] {
        if let Some((account, path, name)) = directory::named(arn, noun) {
            let found = directory::find(tx, account, sort, &name)?;
            return Ok(found.is_some_and(|entity| entity.path == path));
        }
    }
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(false) };
    match (parsed.account_id(), parsed.resource.split('/').collect::<Vec<_>>().as_slice()) {
        (Some(account), ["assumed-role", role, _]) => {
            Ok(directory::find(tx, account, Sort::Role, role)?.is_some())
        }
        // A federated user exists only while it has a session.
        (Some(_), ["federated-user", _]) => Ok(true),
        _ => Ok(false),
    }
}

/// Creates a role within a transaction.
pub(crate) fn create_in(tx: &mut Tx, account: AccountId, role: &Entity) -> Result<(), Error> {
    check_new(tx, account, Sort::Role, &role.name, ("RolesPerAccount", MAX_ROLES))?;
    check_trust(tx, role.role.as_ref().map_or("", |facts| &facts.trust))?;
    attachments::use_boundary(tx, account, role)?;
    Ok(tx.put_record(keys::entity(account, Sort::Role, &role.name), role)?)
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
        description: input.description,
        max_session_seconds: input.max_session_duration.unwrap_or(DEFAULT_SESSION_SECONDS),
    });
    iam.write("iam.create_role", cx.account, |tx| create_in(tx, cx.account, &role)).await?;
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
        check_trust(tx, &document)?;
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
