//! What signed calls are allowed by.

use nephos_core::{Access, Cx};

use super::pool_record;
use super::shapes::*;
use super::{IdentityPools, any_pool, need, tags};
use crate::error::Error;
use crate::tags::{in_request, on_resource};

/// An input that names an identity pool.
pub(crate) trait OnPool {
    /// The pool's id.
    fn pool(&self) -> Option<&str>;
}

macro_rules! on_pool {
    ($($input:ident),* $(,)?) => {
        $(impl OnPool for $input {
            fn pool(&self) -> Option<&str> {
                self.identity_pool_id.as_deref()
            }
        })*
    };
}

on_pool!(
    DeleteIdentityPoolInput,
    DescribeIdentityPoolInput,
    GetIdentityPoolRolesInput,
    IdentityPool,
    ListIdentitiesInput,
    SetIdentityPoolRolesInput,
);

/// An action on a pool of the caller's account and region.
fn access(pools: &IdentityPools, cx: &Cx, action: &'static str, id: &str) -> Result<Access, Error> {
    let access = Access::on(action, &pool_record::arn(&cx.region, cx.account, id));
    match pools.store.read(|read| any_pool(read, id)) {
        Ok(pool) if pool.account == cx.account.as_str() => Ok(on_resource(access, &pool.tags)),
        Ok(_) | Err(Error::ResourceNotFound(_)) => Ok(access),
        Err(error) => Err(error),
    }
}

/// An action on the pool that the input names.
pub(crate) fn pool<I: OnPool>(
    action: &'static str,
) -> impl Fn(&IdentityPools, &Cx, &I) -> Result<Vec<Access>, Error> {
    move |pools, cx, input| Ok(vec![access(pools, cx, action, need(input.pool(), "IdentityPoolId")?)?])
}

/// An action without a resource.
pub(crate) fn any<I>(action: &'static str) -> impl Fn(&IdentityPools, &Cx, &I) -> Result<Vec<Access>, Error> {
    move |_, _, _| Ok(vec![Access::any(action)])
}

/// `cognito-identity:CreateIdentityPool`
pub(crate) fn create_pool(
    _: &IdentityPools,
    _: &Cx,
    input: &CreateIdentityPoolInput,
) -> Result<Vec<Access>, Error> {
    let tags = input.identity_pool_tags.clone().unwrap_or_default();
    Ok(vec![in_request(Access::any("cognito-identity:CreateIdentityPool"), &tags)])
}

/// `cognito-identity:SetIdentityPoolRoles`, and `iam:PassRole` for every role that is set.
pub(crate) fn set_roles(
    pools: &IdentityPools,
    cx: &Cx,
    input: &SetIdentityPoolRolesInput,
) -> Result<Vec<Access>, Error> {
    let id = need(input.pool(), "IdentityPoolId")?;
    let mut all = vec![access(pools, cx, "cognito-identity:SetIdentityPoolRoles", id)?];
    let rules = input.role_mappings.iter().flatten().flat_map(|(_, mapping)| {
        mapping.rules_configuration.iter().flat_map(|configuration| configuration.rules.iter().flatten())
    });
    let mapped = rules.filter_map(|rule| rule.role_arn.as_ref());
    for role in input.roles.iter().flatten().map(|(_, role)| role).chain(mapped) {
        let arn = role.parse().map_err(|_| Error::invalid(format!("Invalid role ARN: {role}")))?;
        all.push(
            Access::on("iam:PassRole", &arn).key("iam:PassedToService", "cognito-identity.amazonaws.com"),
        );
    }
    Ok(all)
}

/// `cognito-identity:TagResource`
pub(crate) fn tag(pools: &IdentityPools, cx: &Cx, input: &TagResourceInput) -> Result<Vec<Access>, Error> {
    let access = tagged(pools, cx, "cognito-identity:TagResource", input.resource_arn.as_deref())?;
    Ok(vec![in_request(access, &input.tags.clone().unwrap_or_default())])
}

/// `cognito-identity:UntagResource`
pub(crate) fn untag(
    pools: &IdentityPools,
    cx: &Cx,
    input: &UntagResourceInput,
) -> Result<Vec<Access>, Error> {
    let access = tagged(pools, cx, "cognito-identity:UntagResource", input.resource_arn.as_deref())?;
    Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone().unwrap_or_default())])
}

/// `cognito-identity:ListTagsForResource`
pub(crate) fn list_tags(
    pools: &IdentityPools,
    cx: &Cx,
    input: &ListTagsForResourceInput,
) -> Result<Vec<Access>, Error> {
    let arn = input.resource_arn.as_deref();
    Ok(vec![tagged(pools, cx, "cognito-identity:ListTagsForResource", arn)?])
}

fn tagged(pools: &IdentityPools, cx: &Cx, action: &'static str, arn: Option<&str>) -> Result<Access, Error> {
    access(pools, cx, action, &tags::pool_of(need(arn, "ResourceArn")?)?)
}
