//! Inline policies of users, groups and roles. What is limited is their length together, white space apart.

use nephos_core::Cx;
use nephos_store::Tx;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Iam;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::pages::{Asked, Page};
use crate::policy::{Kind, Policy};
use crate::records::Entity;
use crate::shapes::{
    DeleteGroupPolicyRequest, DeleteRolePolicyRequest, DeleteUserPolicyRequest, GetGroupPolicyRequest,
    GetGroupPolicyResponse, GetRolePolicyRequest, GetRolePolicyResponse, GetUserPolicyRequest,
    GetUserPolicyResponse, ListGroupPoliciesRequest, ListGroupPoliciesResponse, ListRolePoliciesRequest,
    ListRolePoliciesResponse, ListUserPoliciesRequest, ListUserPoliciesResponse, PutGroupPolicyRequest,
    PutRolePolicyRequest, PutUserPolicyRequest, Unit,
};

/// RFC 3986's unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A document as answers carry it: percent-encoded.
pub(crate) fn encode(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

fn limit(sort: Sort) -> usize {
    match sort {
        Sort::User => 2048,
        Sort::Group => 5120,
        Sort::Role => 10240,
    }
}

/// Puts an inline policy on an entity; the caller stores it.
pub(crate) fn put_in(entity: &mut Entity, policy: &str, document: &str) -> Result<(), Error> {
    Policy::parse(document, Kind::Identity)?;
    entity.inline.insert(policy.to_owned(), document.to_owned());
    let limit = limit(entity.sort);
    if entity.inline_length() > limit {
        return Err(Error::LimitExceeded(format!(
            "Maximum policy size of {limit} bytes exceeded for {} {}",
            entity.sort.noun(),
            entity.name
        )));
    }
    Ok(())
}

async fn change(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    change: impl Fn(&mut Tx, &mut Entity) -> Result<(), Error>,
) -> Result<Unit, Error> {
    let name = name.unwrap_or_default();
    iam.write("iam.inline_policy", cx.account, |tx| {
        let mut entity = directory::get(tx, cx.account, sort, &name)?;
        change(tx, &mut entity)?;
        Ok(tx.put_record(keys::entity(cx.account, sort, &name), &entity)?)
    })
    .await?;
    Ok(Unit {})
}

async fn put(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    policy: Option<String>,
    document: Option<String>,
) -> Result<Unit, Error> {
    let (policy, document) = (policy.unwrap_or_default(), document.unwrap_or_default());
    change(iam, cx, sort, name, |_, entity| put_in(entity, &policy, &document)).await
}

fn missing(sort: Sort, policy: &str) -> Error {
    Error::NoSuchEntity(format!("The {} policy with name {policy} cannot be found.", sort.noun()))
}

async fn delete(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    policy: Option<String>,
) -> Result<Unit, Error> {
    let policy = policy.unwrap_or_default();
    change(iam, cx, sort, name, |_, entity| match entity.inline.remove(&policy) {
        Some(_) => Ok(()),
        None => Err(missing(sort, &policy)),
    })
    .await
}

/// Name, policy name and encoded document.
fn get(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    policy: Option<String>,
) -> Result<(Option<String>, Option<String>, Option<String>), Error> {
    let policy = policy.unwrap_or_default();
    let name = name.unwrap_or_default();
    let entity = iam.store.read(|view| directory::get(view, cx.account, sort, &name))?;
    let document = entity.inline.get(&policy).ok_or_else(|| missing(sort, &policy))?;
    Ok((Some(entity.name.clone()), Some(policy), Some(encode(document))))
}

fn names(iam: &Iam, cx: &Cx, sort: Sort, name: Option<String>, asked: Asked) -> Result<Page<String>, Error> {
    let name = name.unwrap_or_default();
    let entity = iam.store.read(|view| directory::get(view, cx.account, sort, &name))?;
    Ok(asked.of(entity.inline.into_keys().collect(), |name: &String| name))
}

pub(crate) async fn put_user(iam: &Iam, cx: &Cx, input: PutUserPolicyRequest) -> Result<Unit, Error> {
    put(iam, cx, Sort::User, input.user_name, input.policy_name, input.policy_document).await
}

pub(crate) async fn put_group(iam: &Iam, cx: &Cx, input: PutGroupPolicyRequest) -> Result<Unit, Error> {
    put(iam, cx, Sort::Group, input.group_name, input.policy_name, input.policy_document).await
}

pub(crate) async fn put_role(iam: &Iam, cx: &Cx, input: PutRolePolicyRequest) -> Result<Unit, Error> {
    put(iam, cx, Sort::Role, input.role_name, input.policy_name, input.policy_document).await
}

pub(crate) async fn delete_user(iam: &Iam, cx: &Cx, input: DeleteUserPolicyRequest) -> Result<Unit, Error> {
    delete(iam, cx, Sort::User, input.user_name, input.policy_name).await
}

pub(crate) async fn delete_group(iam: &Iam, cx: &Cx, input: DeleteGroupPolicyRequest) -> Result<Unit, Error> {
    delete(iam, cx, Sort::Group, input.group_name, input.policy_name).await
}

pub(crate) async fn delete_role(iam: &Iam, cx: &Cx, input: DeleteRolePolicyRequest) -> Result<Unit, Error> {
    delete(iam, cx, Sort::Role, input.role_name, input.policy_name).await
}

pub(crate) async fn get_user(
    iam: &Iam,
    cx: &Cx,
    input: GetUserPolicyRequest,
) -> Result<GetUserPolicyResponse, Error> {
    let (user_name, policy_name, policy_document) =
        get(iam, cx, Sort::User, input.user_name, input.policy_name)?;
    Ok(GetUserPolicyResponse { user_name, policy_name, policy_document })
}

pub(crate) async fn get_group(
    iam: &Iam,
    cx: &Cx,
    input: GetGroupPolicyRequest,
) -> Result<GetGroupPolicyResponse, Error> {
    let (group_name, policy_name, policy_document) =
        get(iam, cx, Sort::Group, input.group_name, input.policy_name)?;
    Ok(GetGroupPolicyResponse { group_name, policy_name, policy_document })
}

pub(crate) async fn get_role(
    iam: &Iam,
    cx: &Cx,
    input: GetRolePolicyRequest,
) -> Result<GetRolePolicyResponse, Error> {
    let (role_name, policy_name, policy_document) =
        get(iam, cx, Sort::Role, input.role_name, input.policy_name)?;
    Ok(GetRolePolicyResponse { role_name, policy_name, policy_document })
}

pub(crate) async fn list_user(
    iam: &Iam,
    cx: &Cx,
    input: ListUserPoliciesRequest,
) -> Result<ListUserPoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let page = names(iam, cx, Sort::User, input.user_name, asked)?;
    let is_truncated = page.is_truncated();
    Ok(ListUserPoliciesResponse { policy_names: Some(page.items), is_truncated, marker: page.marker })
}

pub(crate) async fn list_group(
    iam: &Iam,
    cx: &Cx,
    input: ListGroupPoliciesRequest,
) -> Result<ListGroupPoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let page = names(iam, cx, Sort::Group, input.group_name, asked)?;
    let is_truncated = page.is_truncated();
    Ok(ListGroupPoliciesResponse { policy_names: Some(page.items), is_truncated, marker: page.marker })
}

pub(crate) async fn list_role(
    iam: &Iam,
    cx: &Cx,
    input: ListRolePoliciesRequest,
) -> Result<ListRolePoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let page = names(iam, cx, Sort::Role, input.role_name, asked)?;
    let is_truncated = page.is_truncated();
    Ok(ListRolePoliciesResponse { policy_names: Some(page.items), is_truncated, marker: page.marker })
}
