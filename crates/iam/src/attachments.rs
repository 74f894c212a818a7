//! Managed policies on users, groups and roles: attached, or as boundary. Both are indexed by policy, so that a policy
//! knows where it is used.

use nephos_core::{AccountId, Cx};
use nephos_store::{KeyReader, Range, Read, Tx};

use crate::Iam;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort, Use};
use crate::managed;
use crate::pages::{Asked, Page};
use crate::records::Entity;
use crate::shapes::{
    AttachGroupPolicyRequest, AttachRolePolicyRequest, AttachUserPolicyRequest, AttachedPermissionsBoundary,
    AttachedPolicy, DetachGroupPolicyRequest, DetachRolePolicyRequest, DetachUserPolicyRequest,
    ListAttachedGroupPoliciesRequest, ListAttachedGroupPoliciesResponse, ListAttachedRolePoliciesRequest,
    ListAttachedRolePoliciesResponse, ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse,
    Unit,
};

const MAX_ATTACHED: usize = 10;

/// A boundary as answers show it.
pub(crate) fn boundary_shape(arn: Option<&str>) -> Option<AttachedPermissionsBoundary> {
    arn.map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some("PermissionsBoundaryPolicy".to_owned()),
        permissions_boundary_arn: Some(arn.to_owned()),
    })
}

/// Checks that a managed policy exists and may be attached.
pub(crate) fn check_attachable<R: Read>(tx: &R, account: AccountId, arn: &str) -> Result<(), Error> {
    match directory::policy_document(tx, account, arn)? {
        Some(_) => Ok(()),
        None => Err(Error::NoSuchEntity(format!("Policy {arn} does not exist or is not attachable."))),
    }
}

/// Indexes an entity's boundary, which must exist.
pub(crate) fn use_boundary(tx: &mut Tx, account: AccountId, entity: &Entity) -> Result<(), Error> {
    let Some(arn) = &entity.boundary else { return Ok(()) };
    if directory::policy_document(tx, account, arn)?.is_none() {
        let text = format!("Scope ARN: {arn} does not exist or is not attachable.");
        return Err(Error::NoSuchEntity(text));
    }
    tx.put(keys::used_by(account, arn, Use::Boundary, entity.sort, &entity.name), Vec::new());
    Ok(())
}

/// Takes an entity's boundary out of the index.
pub(crate) fn drop_boundary(tx: &mut Tx, account: AccountId, entity: &Entity) {
    if let Some(arn) = &entity.boundary {
        tx.delete(keys::used_by(account, arn, Use::Boundary, entity.sort, &entity.name));
    }
}

/// Who uses a policy in one way: sort and lower-case name.
pub(crate) fn users_of<R: Read>(
    tx: &R,
    account: AccountId,
    arn: &str,
    kind: Use,
) -> Result<Vec<(Sort, String)>, Error> {
    let prefix = keys::uses(account, arn, kind);
    let mut found = Vec::new();
    for (key, _) in tx.range(&Range::prefix(&prefix))? {
        let mut reader = KeyReader::new(&key.as_bytes()[prefix.as_bytes().len()..]);
        if let Some(sort) = Sort::from_byte(reader.u8()?) {
            found.push((sort, reader.text()?));
        }
    }
    Ok(found)
}

/// Attaches within a transaction; attaching twice is once.
pub(crate) fn attach_in(
    tx: &mut Tx,
    account: AccountId,
    entity: &mut Entity,
    arn: &str,
) -> Result<(), Error> {
    check_attachable(tx, account, arn)?;
    if entity.attached.iter().any(|known| known == arn) {
        return Ok(());
    }
    if entity.attached.len() >= MAX_ATTACHED {
        let kind = match entity.sort {
            Sort::User => "PoliciesPerUser",
            Sort::Group => "PoliciesPerGroup",
            Sort::Role => "PoliciesPerRole",
        };
        return Err(Error::LimitExceeded(format!("Cannot exceed quota for {kind}: {MAX_ATTACHED}")));
    }
    entity.attached.push(arn.to_owned());
    tx.put(keys::used_by(account, arn, Use::Attached, entity.sort, &entity.name), Vec::new());
    Ok(())
}

async fn attach(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    arn: Option<String>,
) -> Result<Unit, Error> {
    let (name, arn) = (name.unwrap_or_default(), arn.unwrap_or_default());
    iam.write("iam.attach_policy", cx.account, |tx| {
        let mut entity = directory::get(tx, cx.account, sort, &name)?;
        attach_in(tx, cx.account, &mut entity, &arn)?;
        Ok(tx.put_record(keys::entity(cx.account, sort, &name), &entity)?)
    })
    .await?;
    Ok(Unit {})
}

async fn detach(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    arn: Option<String>,
) -> Result<Unit, Error> {
    let (name, arn) = (name.unwrap_or_default(), arn.unwrap_or_default());
    iam.write("iam.detach_policy", cx.account, |tx| {
        let mut entity = directory::get(tx, cx.account, sort, &name)?;
        if !entity.attached.contains(&arn) {
            return Err(Error::NoSuchEntity(format!("Policy {arn} was not found.")));
        }
        entity.attached.retain(|known| *known != arn);
        tx.delete(keys::used_by(cx.account, &arn, Use::Attached, sort, &name));
        Ok(tx.put_record(keys::entity(cx.account, sort, &name), &entity)?)
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn attach_user(iam: &Iam, cx: &Cx, input: AttachUserPolicyRequest) -> Result<Unit, Error> {
    attach(iam, cx, Sort::User, input.user_name, input.policy_arn).await
}

pub(crate) async fn attach_group(iam: &Iam, cx: &Cx, input: AttachGroupPolicyRequest) -> Result<Unit, Error> {
    attach(iam, cx, Sort::Group, input.group_name, input.policy_arn).await
}

pub(crate) async fn attach_role(iam: &Iam, cx: &Cx, input: AttachRolePolicyRequest) -> Result<Unit, Error> {
    attach(iam, cx, Sort::Role, input.role_name, input.policy_arn).await
}

pub(crate) async fn detach_user(iam: &Iam, cx: &Cx, input: DetachUserPolicyRequest) -> Result<Unit, Error> {
    detach(iam, cx, Sort::User, input.user_name, input.policy_arn).await
}

pub(crate) async fn detach_group(iam: &Iam, cx: &Cx, input: DetachGroupPolicyRequest) -> Result<Unit, Error> {
    detach(iam, cx, Sort::Group, input.group_name, input.policy_arn).await
}

pub(crate) async fn detach_role(iam: &Iam, cx: &Cx, input: DetachRolePolicyRequest) -> Result<Unit, Error> {
    detach(iam, cx, Sort::Role, input.role_name, input.policy_arn).await
}

/// The path in a policy's ARN.
fn path_of(arn: &str) -> &str {
    let resource = arn.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix("policy"));
    resource.map_or("/", |rest| rest.rfind('/').map_or("/", |at| &rest[..=at]))
}

fn page(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    prefix: Option<String>,
    asked: Asked,
) -> Result<Page<AttachedPolicy>, Error> {
    let name = name.unwrap_or_default();
    let entity = iam.store.read(|view| directory::get(view, cx.account, sort, &name))?;
    let prefix = prefix.unwrap_or_else(|| "/".to_owned());
    let attached = entity.attached.into_iter().filter(|arn| path_of(arn).starts_with(&prefix));
    let page = asked.of(attached.collect(), |arn: &String| arn);
    let shape = |arn: String| AttachedPolicy {
        policy_name: arn.rsplit('/').next().map(str::to_owned),
        policy_arn: Some(arn),
    };
    Ok(Page { items: page.items.into_iter().map(shape).collect(), marker: page.marker })
}

pub(crate) async fn list_user(
    iam: &Iam,
    cx: &Cx,
    input: ListAttachedUserPoliciesRequest,
) -> Result<ListAttachedUserPoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let page = page(iam, cx, Sort::User, input.user_name, input.path_prefix, asked)?;
    let is_truncated = page.is_truncated();
    Ok(ListAttachedUserPoliciesResponse {
        attached_policies: Some(page.items),
        is_truncated,
        marker: page.marker,
    })
}

pub(crate) async fn list_group(
    iam: &Iam,
    cx: &Cx,
    input: ListAttachedGroupPoliciesRequest,
) -> Result<ListAttachedGroupPoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let page = page(iam, cx, Sort::Group, input.group_name, input.path_prefix, asked)?;
    let is_truncated = page.is_truncated();
    Ok(ListAttachedGroupPoliciesResponse {
        attached_policies: Some(page.items),
        is_truncated,
        marker: page.marker,
    })
}

pub(crate) async fn list_role(
    iam: &Iam,
    cx: &Cx,
    input: ListAttachedRolePoliciesRequest,
) -> Result<ListAttachedRolePoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let page = page(iam, cx, Sort::Role, input.role_name, input.path_prefix, asked)?;
    let is_truncated = page.is_truncated();
    Ok(ListAttachedRolePoliciesResponse {
        attached_policies: Some(page.items),
        is_truncated,
        marker: page.marker,
    })
}

/// Whether the ARN is AWS's own policy.
pub(crate) fn is_aws_managed(arn: &str) -> bool {
    managed::find(arn).is_some()
}
