//! What signed calls are allowed by: the action on the pool's ARN.

use nephos_core::{Access, Cx};
use nephos_store::Read;

use super::pool_record::{self, PoolRecord};
use super::shapes::*;
use super::{UserPools, need, tags};
use crate::error::Error;
use crate::keys;
use crate::tags::{in_request, on_resource};

/// An input that names a pool.
pub(crate) trait OnPool {
    /// The pool's id.
    fn pool(&self) -> Option<&str>;
}

macro_rules! on_pool {
    ($($input:ident),* $(,)?) => {
        $(impl OnPool for $input {
            fn pool(&self) -> Option<&str> {
                self.user_pool_id.as_deref()
            }
        })*
    };
}

on_pool!(
    AddCustomAttributesRequest,
    AdminAddUserToGroupRequest,
    AdminConfirmSignUpRequest,
    AdminCreateUserRequest,
    AdminDeleteUserAttributesRequest,
    AdminDeleteUserRequest,
    AdminDisableUserRequest,
    AdminEnableUserRequest,
    AdminGetUserRequest,
    AdminInitiateAuthRequest,
    AdminListGroupsForUserRequest,
    AdminRemoveUserFromGroupRequest,
    AdminResetUserPasswordRequest,
    AdminRespondToAuthChallengeRequest,
    AdminSetUserPasswordRequest,
    AdminUpdateUserAttributesRequest,
    AdminUserGlobalSignOutRequest,
    CreateGroupRequest,
    CreateUserPoolClientRequest,
    DeleteGroupRequest,
    DeleteUserPoolClientRequest,
    DeleteUserPoolRequest,
    DescribeUserPoolClientRequest,
    DescribeUserPoolRequest,
    GetGroupRequest,
    GetUserPoolMfaConfigRequest,
    ListGroupsRequest,
    ListUserPoolClientsRequest,
    ListUsersInGroupRequest,
    ListUsersRequest,
    SetUserPoolMfaConfigRequest,
    UpdateGroupRequest,
    UpdateUserPoolClientRequest,
    UpdateUserPoolRequest,
);

/// An action on a pool of the caller's account and region.
fn access(pools: &UserPools, cx: &Cx, action: &'static str, pool: &str) -> Result<Access, Error> {
    let access = Access::on(action, &pool_record::arn(&cx.region, cx.account, pool));
    let known: Option<PoolRecord> =
        pools.store.read(|view| Ok::<_, Error>(view.record(&keys::pool(pool))?))?;
    let own = known.filter(|known| known.account == cx.account.as_str());
    Ok(own.map_or(access.clone(), |own| on_resource(access, &own.settings.tags)))
}

/// An action on the pool that the input names.
pub(crate) fn pool<I: OnPool>(
    action: &'static str,
) -> impl Fn(&UserPools, &Cx, &I) -> Result<Vec<Access>, Error> {
    move |pools, cx, input| Ok(vec![access(pools, cx, action, need(input.pool(), "UserPoolId")?)?])
}

/// An action without a resource.
pub(crate) fn any<I>(action: &'static str) -> impl Fn(&UserPools, &Cx, &I) -> Result<Vec<Access>, Error> {
    move |_, _, _| Ok(vec![Access::any(action)])
}

/// `cognito-idp:CreateUserPool`
pub(crate) fn create_pool(
    _: &UserPools,
    _: &Cx,
    input: &CreateUserPoolRequest,
) -> Result<Vec<Access>, Error> {
    let tags = input.user_pool_tags.clone().unwrap_or_default();
    Ok(vec![in_request(Access::any("cognito-idp:CreateUserPool"), &tags)])
}

/// `cognito-idp:TagResource`
pub(crate) fn tag(pools: &UserPools, cx: &Cx, input: &TagResourceRequest) -> Result<Vec<Access>, Error> {
    let access = tagged(pools, cx, "cognito-idp:TagResource", input.resource_arn.as_deref())?;
    Ok(vec![in_request(access, &input.tags.clone().unwrap_or_default())])
}

/// `cognito-idp:UntagResource`
pub(crate) fn untag(pools: &UserPools, cx: &Cx, input: &UntagResourceRequest) -> Result<Vec<Access>, Error> {
    let access = tagged(pools, cx, "cognito-idp:UntagResource", input.resource_arn.as_deref())?;
    Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone().unwrap_or_default())])
}

/// `cognito-idp:ListTagsForResource`
pub(crate) fn list_tags(
    pools: &UserPools,
    cx: &Cx,
    input: &ListTagsForResourceRequest,
) -> Result<Vec<Access>, Error> {
    Ok(vec![tagged(pools, cx, "cognito-idp:ListTagsForResource", input.resource_arn.as_deref())?])
}

fn tagged(pools: &UserPools, cx: &Cx, action: &'static str, arn: Option<&str>) -> Result<Access, Error> {
    access(pools, cx, action, &tags::pool_of(need(arn, "ResourceArn")?)?)
}
