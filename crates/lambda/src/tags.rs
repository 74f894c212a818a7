//! Tags of functions.

use std::collections::BTreeMap;

use nephos_core::Cx;

use crate::names::{FunctionId, Reference};
use crate::shapes::{ListTagsRequest, ListTagsResponse, TagResourceRequest, Unit, UntagResourceRequest};
use crate::{Error, Lambda, keys, resolve};

const MAX_TAGS: usize = 50;

/// The function whose ARN a caller gave.
pub fn function_of(cx: &Cx, arn: Option<&str>) -> Result<FunctionId, Error> {
    let arn = arn.unwrap_or_default();
    if !arn.contains(":function:") {
        return Err(Error::unsupported("tags of resources other than functions"));
    }
    let reference = Reference::parse(cx, Some(arn), None)?;
    match reference.qualifier {
        None => Ok(reference.function),
        Some(_) => Err(Error::InvalidParameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
                .to_owned(),
        )),
    }
}

async fn change(
    lambda: &Lambda,
    function: &FunctionId,
    change: impl Fn(&mut BTreeMap<String, String>),
) -> Result<Unit, Error> {
    let changed = lambda.deps.store.transact("lambda-tag", |tx| {
        let mut record = resolve::function(tx, function)?;
        change(&mut record.tags);
        if record.tags.len() > MAX_TAGS {
            return Err(Error::InvalidParameter(format!(
                "The number of tags exceeds the limit of {MAX_TAGS}."
            )));
        }
        Ok(tx.put_record(keys::function(function), &record)?)
    });
    changed.await?;
    Ok(Unit::default())
}

/// TagResource.
pub async fn tag_resource(lambda: &Lambda, cx: &Cx, input: TagResourceRequest) -> Result<Unit, Error> {
    let function = function_of(cx, input.resource.as_deref())?;
    let tags = input.tags.unwrap_or_default();
    change(lambda, &function, |kept| kept.extend(tags.clone())).await
}

/// UntagResource.
pub async fn untag_resource(lambda: &Lambda, cx: &Cx, input: UntagResourceRequest) -> Result<Unit, Error> {
    let function = function_of(cx, input.resource.as_deref())?;
    let gone = input.tag_keys.unwrap_or_default();
    change(lambda, &function, |kept| kept.retain(|key, _| !gone.contains(key))).await
}

/// ListTags.
pub async fn list_tags(lambda: &Lambda, cx: &Cx, input: ListTagsRequest) -> Result<ListTagsResponse, Error> {
    let function = function_of(cx, input.resource.as_deref())?;
    let record = lambda.deps.store.read(|view| resolve::function(view, &function))?;
    Ok(ListTagsResponse { tags: Some(record.tags) })
}
