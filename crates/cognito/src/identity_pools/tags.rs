//! Tags of identity pools.

use nephos_core::{Arn, Cx};
use nephos_store::{Read, Tx};

use super::pool_record::{self, IdentityPoolRecord};
use super::shapes::{
    ListTagsForResourceInput, ListTagsForResourceResponse, TagResourceInput, TagResourceResponse,
    UntagResourceInput, UntagResourceResponse,
};
use super::{IdentityPools, need, no_pool, own_pool};
use crate::error::Error;
use crate::keys;

/// The pool's id in its ARN.
pub(crate) fn pool_of(arn: &str) -> Result<String, Error> {
    let parsed: Option<Arn> = arn.parse().ok().filter(|arn: &Arn| arn.service == "cognito-identity");
    let id = parsed.as_ref().and_then(|arn| arn.resource.strip_prefix("identitypool/"));
    id.map(str::to_owned).ok_or_else(|| Error::invalid(format!("Invalid resource ARN: {arn}")))
}

/// The pool of an ARN of the caller's.
fn tagged(read: &dyn Read, cx: &Cx, arn: &str) -> Result<IdentityPoolRecord, Error> {
    let pool = own_pool(read, cx, &pool_of(arn)?)?;
    let own = pool_record::arn(&cx.region, cx.account, &pool.id);
    if own.to_string() == arn { Ok(pool) } else { Err(no_pool(&pool.id)) }
}

/// `TagResource`
pub(crate) async fn tag(
    pools: &IdentityPools,
    cx: &Cx,
    input: TagResourceInput,
) -> Result<TagResourceResponse, Error> {
    let (arn, tags) = (need(input.resource_arn, "ResourceArn")?, need(input.tags, "Tags")?);
    let tag = |tx: &mut Tx| {
        let mut pool = tagged(tx, cx, &arn)?;
        pool.tags.extend(tags.clone());
        crate::tags::check(&pool.tags)?;
        Ok::<(), Error>(tx.put_record(keys::identity_pool(&pool.id), &pool)?)
    };
    pools.store.transact("cognito tag", tag).await?;
    Ok(TagResourceResponse::default())
}

/// `UntagResource`
pub(crate) async fn untag(
    pools: &IdentityPools,
    cx: &Cx,
    input: UntagResourceInput,
) -> Result<UntagResourceResponse, Error> {
    let (arn, names) = (need(input.resource_arn, "ResourceArn")?, need(input.tag_keys, "TagKeys")?);
    let untag = |tx: &mut Tx| {
        let mut pool = tagged(tx, cx, &arn)?;
        pool.tags.retain(|name, _| !names.contains(name));
        Ok::<(), Error>(tx.put_record(keys::identity_pool(&pool.id), &pool)?)
    };
    pools.store.transact("cognito untag", untag).await?;
    Ok(UntagResourceResponse::default())
}

/// `ListTagsForResource`
pub(crate) async fn list(
    pools: &IdentityPools,
    cx: &Cx,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceResponse, Error> {
    let arn = need(input.resource_arn, "ResourceArn")?;
    let pool = pools.store.read(|read| tagged(read, cx, &arn))?;
    Ok(ListTagsForResourceResponse { tags: Some(pool.tags) })
}
