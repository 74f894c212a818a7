//! Tags of log groups: the operations of today, which take ARNs, and those before them, which take names.

use std::collections::BTreeMap;

use nephos_core::Cx;

use crate::names::{Owner, group_of_arn};
use crate::records::GroupRecord;
use crate::shapes::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, ListTagsLogGroupRequest,
    ListTagsLogGroupResponse, TagLogGroupRequest, TagResourceRequest, Unit, UntagLogGroupRequest,
    UntagResourceRequest,
};
use crate::{Error, Logs, groups, keys};

const MAX_TAGS: usize = 50;

/// The group whose ARN a caller gave.
pub fn group_named(arn: Option<&str>) -> Result<String, Error> {
    let group = arn.and_then(group_of_arn).map(str::to_owned);
    group.ok_or_else(|| Error::InvalidParameter("The specified resource ARN is invalid.".to_owned()))
}

/// TagResource.
pub async fn tag_resource(logs: &Logs, cx: &Cx, input: TagResourceRequest) -> Result<Unit, Error> {
    let name = group_named(input.resource_arn.as_deref())?;
    add(logs, cx, name, input.tags.unwrap_or_default()).await
}

/// UntagResource.
pub async fn untag_resource(logs: &Logs, cx: &Cx, input: UntagResourceRequest) -> Result<Unit, Error> {
    let name = group_named(input.resource_arn.as_deref())?;
    remove(logs, cx, name, &input.tag_keys.unwrap_or_default()).await
}

/// ListTagsForResource.
pub async fn list_tags_for_resource(
    logs: &Logs,
    cx: &Cx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let name = group_named(input.resource_arn.as_deref())?;
    Ok(ListTagsForResourceResponse { tags: Some(list(logs, cx, &name)?) })
}

/// TagLogGroup.
pub async fn tag_log_group(logs: &Logs, cx: &Cx, input: TagLogGroupRequest) -> Result<Unit, Error> {
    add(logs, cx, input.log_group_name.unwrap_or_default(), input.tags.unwrap_or_default()).await
}

/// UntagLogGroup.
pub async fn untag_log_group(logs: &Logs, cx: &Cx, input: UntagLogGroupRequest) -> Result<Unit, Error> {
    remove(logs, cx, input.log_group_name.unwrap_or_default(), &input.tags.unwrap_or_default()).await
}

/// ListTagsLogGroup.
pub async fn list_tags_log_group(
    logs: &Logs,
    cx: &Cx,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, Error> {
    let tags = list(logs, cx, &input.log_group_name.unwrap_or_default())?;
    Ok(ListTagsLogGroupResponse { tags: Some(tags) })
}

async fn add(logs: &Logs, cx: &Cx, name: String, tags: BTreeMap<String, String>) -> Result<Unit, Error> {
    let owner = Owner::of(cx);
    logs.store
        .transact("logs-tag", |tx| {
            let mut group = groups::find(tx, &owner, &name)?;
            group.tags.extend(tags.clone());
            if group.tags.len() > MAX_TAGS {
                return Err(Error::TooManyTags(owner.group_arn(&name).to_string()));
            }
            Ok(tx.put_record(keys::group(&owner, &name), &group)?)
        })
        .await?;
    Ok(Unit::default())
}

async fn remove(logs: &Logs, cx: &Cx, name: String, tag_keys: &[String]) -> Result<Unit, Error> {
    let drop_tags = |group: &mut GroupRecord| group.tags.retain(|key, _| !tag_keys.contains(key));
    groups::change(logs, cx, Some(name), drop_tags).await?;
    Ok(Unit::default())
}

fn list(logs: &Logs, cx: &Cx, name: &str) -> Result<BTreeMap<String, String>, Error> {
    logs.store.read(|view| groups::find(view, &Owner::of(cx), name)).map(|group| group.tags)
}
