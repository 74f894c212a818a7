//! Tags of user pools.

use nephos_core::{Arn, Cx};
use nephos_store::{Read, Tx};

use super::pool_record::PoolRecord;
use super::shapes::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};
use super::{UserPools, need, own_pool};
use crate::error::Error;
use crate::keys;

/// The pool's id in its ARN.
pub(crate) fn pool_of(arn: &str) -> Result<String, Error> {
    let parsed: Option<Arn> = arn.parse().ok().filter(|arn: &Arn| arn.service == "cognito-idp");
    let id = parsed.as_ref().and_then(|arn| arn.resource.strip_prefix("userpool/"));
    id.map(str::to_owned).ok_or_else(|| Error::invalid(format!("Invalid resource ARN: {arn}")))
}

/// The pool of an ARN of the caller's.
fn tagged(read: &dyn Read, cx: &Cx, arn: &str) -> Result<PoolRecord, Error> {
    let pool = own_pool(read, cx, &pool_of(arn)?)?;
    if pool.arn()?.to_string() == arn { Ok(pool) } else { Err(Error::no_pool(&pool.id)) }
}

/// `TagResource`
pub(crate) async fn tag(
    pools: &UserPools,
    cx: &Cx,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, Error> {
    let (arn, tags) = (need(input.resource_arn, "ResourceArn")?, need(input.tags, "Tags")?);
    let tag = |tx: &mut Tx| {
        let mut pool = tagged(tx, cx, &arn)?;
        pool.settings.tags.extend(tags.clone());
        crate::tags::check(&pool.settings.tags)?;
        Ok::<(), Error>(tx.put_record(keys::pool(&pool.id), &pool)?)
    };
    pools.store.transact("cognito tag", tag).await?;
    Ok(TagResourceResponse::default())
}

/// `UntagResource`
pub(crate) async fn untag(
    pools: &UserPools,
    cx: &Cx,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Error> {
    let (arn, names) = (need(input.resource_arn, "ResourceArn")?, need(input.tag_keys, "TagKeys")?);
    let untag = |tx: &mut Tx| {
        let mut pool = tagged(tx, cx, &arn)?;
        pool.settings.tags.retain(|name, _| !names.contains(name));
        Ok::<(), Error>(tx.put_record(keys::pool(&pool.id), &pool)?)
    };
    pools.store.transact("cognito untag", untag).await?;
    Ok(UntagResourceResponse::default())
}

/// `ListTagsForResource`
pub(crate) async fn list(
    pools: &UserPools,
    cx: &Cx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let arn = need(input.resource_arn, "ResourceArn")?;
    let pool = pools.store.read(|view| tagged(view, cx, &arn))?;
    Ok(ListTagsForResourceResponse { tags: Some(pool.settings.tags) })
}
