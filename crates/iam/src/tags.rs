//! Tags of users, roles and policies: up to 50, keys unique whatever their case.

use nephos_core::Cx;

use crate::Iam;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::pages::Asked;
use crate::records::Tags;
use crate::shapes::{
    ListPolicyTagsRequest, ListPolicyTagsResponse, ListRoleTagsRequest, ListRoleTagsResponse,
    ListUserTagsRequest, ListUserTagsResponse, Tag, TagPolicyRequest, TagRoleRequest, TagUserRequest, Unit,
    UntagPolicyRequest, UntagRoleRequest, UntagUserRequest,
};

const MAX_TAGS: usize = 50;

/// Reads tags as they come in; no key may occur twice.
pub(crate) fn read(given: Option<&[Tag]>) -> Result<Tags, Error> {
    let mut tags = Tags::new();
    for tag in given.unwrap_or_default() {
        let (key, value) = (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
        if tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            return Err(Error::InvalidInput(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.".to_owned(),
            ));
        }
        tags.push((key, value));
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &Tags) -> Result<(), Error> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    Err(Error::LimitExceeded(format!("The number of tags has reached the maximum limit of {MAX_TAGS}.")))
}

/// Tags as they go out; none are left out altogether.
pub(crate) fn write(tags: &Tags) -> Option<Vec<Tag>> {
    let tag = |(key, value): &(String, String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

/// Lays `new` over `tags`.
fn merge(tags: &mut Tags, new: &Tags) -> Result<(), Error> {
    for (key, value) in new {
        match tags.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some(tag) => *tag = (key.clone(), value.clone()),
            None => tags.push((key.clone(), value.clone())),
        }
    }
    check_count(tags)
}

fn remove(tags: &mut Tags, keys: &[String]) {
    tags.retain(|(known, _)| !keys.iter().any(|key| known.eq_ignore_ascii_case(key)));
}

async fn change_entity(
    iam: &Iam,
    cx: &Cx,
    sort: Sort,
    name: Option<String>,
    change: impl Fn(&mut Tags) -> Result<(), Error>,
) -> Result<Unit, Error> {
    let name = name.unwrap_or_default();
    iam.write("iam.tags", cx.account, |tx| {
        let mut entity = directory::get(tx, cx.account, sort, &name)?;
        change(&mut entity.tags)?;
        Ok(tx.put_record(keys::entity(cx.account, sort, &name), &entity)?)
    })
    .await?;
    Ok(Unit {})
}

async fn change_policy(
    iam: &Iam,
    cx: &Cx,
    arn: Option<String>,
    change: impl Fn(&mut Tags) -> Result<(), Error>,
) -> Result<Unit, Error> {
    let arn = arn.unwrap_or_default();
    iam.write("iam.policy_tags", cx.account, |tx| {
        let mut policy = crate::policies::changeable(tx, cx.account, &arn)?;
        change(&mut policy.tags)?;
        Ok(tx.put_record(keys::policy(cx.account, &policy.name), &policy)?)
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn tag_user(iam: &Iam, cx: &Cx, input: TagUserRequest) -> Result<Unit, Error> {
    let new = read(input.tags.as_deref())?;
    change_entity(iam, cx, Sort::User, input.user_name, |tags| merge(tags, &new)).await
}

pub(crate) async fn tag_role(iam: &Iam, cx: &Cx, input: TagRoleRequest) -> Result<Unit, Error> {
    let new = read(input.tags.as_deref())?;
    change_entity(iam, cx, Sort::Role, input.role_name, |tags| merge(tags, &new)).await
}

pub(crate) async fn tag_policy(iam: &Iam, cx: &Cx, input: TagPolicyRequest) -> Result<Unit, Error> {
    let new = read(input.tags.as_deref())?;
    change_policy(iam, cx, input.policy_arn, |tags| merge(tags, &new)).await
}

pub(crate) async fn untag_user(iam: &Iam, cx: &Cx, input: UntagUserRequest) -> Result<Unit, Error> {
    let gone = input.tag_keys.unwrap_or_default();
    let change = |tags: &mut Tags| {
        remove(tags, &gone);
        Ok(())
    };
    change_entity(iam, cx, Sort::User, input.user_name, change).await
}

pub(crate) async fn untag_role(iam: &Iam, cx: &Cx, input: UntagRoleRequest) -> Result<Unit, Error> {
    let gone = input.tag_keys.unwrap_or_default();
    let change = |tags: &mut Tags| {
        remove(tags, &gone);
        Ok(())
    };
    change_entity(iam, cx, Sort::Role, input.role_name, change).await
}

pub(crate) async fn untag_policy(iam: &Iam, cx: &Cx, input: UntagPolicyRequest) -> Result<Unit, Error> {
    let gone = input.tag_keys.unwrap_or_default();
    let change = |tags: &mut Tags| {
        remove(tags, &gone);
        Ok(())
    };
    change_policy(iam, cx, input.policy_arn, change).await
}

fn entity_tags(iam: &Iam, cx: &Cx, sort: Sort, name: Option<&str>) -> Result<Tags, Error> {
    iam.store.read(|view| Ok(directory::get(view, cx.account, sort, name.unwrap_or_default())?.tags))
}

pub(crate) async fn list_user_tags(
    iam: &Iam,
    cx: &Cx,
    input: ListUserTagsRequest,
) -> Result<ListUserTagsResponse, Error> {
    let tags = entity_tags(iam, cx, Sort::User, input.user_name.as_deref())?;
    let page = Asked::read(input.marker.as_deref(), input.max_items)?.of(tags, |(key, _)| key);
    let is_truncated = page.is_truncated();
    let tags = Some(write(&page.items).unwrap_or_default());
    Ok(ListUserTagsResponse { tags, is_truncated, marker: page.marker })
}

pub(crate) async fn list_role_tags(
    iam: &Iam,
    cx: &Cx,
    input: ListRoleTagsRequest,
) -> Result<ListRoleTagsResponse, Error> {
    let tags = entity_tags(iam, cx, Sort::Role, input.role_name.as_deref())?;
    let page = Asked::read(input.marker.as_deref(), input.max_items)?.of(tags, |(key, _)| key);
    let is_truncated = page.is_truncated();
    let tags = Some(write(&page.items).unwrap_or_default());
    Ok(ListRoleTagsResponse { tags, is_truncated, marker: page.marker })
}

pub(crate) async fn list_policy_tags(
    iam: &Iam,
    cx: &Cx,
    input: ListPolicyTagsRequest,
) -> Result<ListPolicyTagsResponse, Error> {
    let arn = input.policy_arn.as_deref().unwrap_or_default();
    let tags = iam.store.read(|view| crate::policies::describe(view, cx.account, arn))?.tags.clone();
    let page = Asked::read(input.marker.as_deref(), input.max_items)?.of(tags, |(key, _)| key);
    let is_truncated = page.is_truncated();
    let tags = Some(write(&page.items).unwrap_or_default());
    Ok(ListPolicyTagsResponse { tags, is_truncated, marker: page.marker })
}
