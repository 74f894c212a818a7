//! What administrators do with users that exist: look, confirm, disable, enable, delete.

use nephos_core::Cx;
use nephos_store::{Read, Tx};

use super::pool_record::PoolRecord;
use super::shapes::{
    AdminConfirmSignUpRequest, AdminConfirmSignUpResponse, AdminDeleteUserRequest, AdminDisableUserRequest,
    AdminDisableUserResponse, AdminEnableUserRequest, AdminEnableUserResponse, AdminGetUserRequest,
    AdminGetUserResponse, Unit,
};
use super::user_record::{self, UserRecord, UserStatus};
use super::{UserPools, need, own_account, own_pool, sign_up, user_view};
use crate::error::Error;

/// The user that an administrator names.
pub(crate) struct Named {
    pool: String,
    user: String,
}

impl Named {
    pub(crate) fn new(pool: Option<String>, user: Option<String>) -> Result<Named, Error> {
        Ok(Named { pool: need(pool, "UserPoolId")?, user: need(user, "Username")? })
    }

    /// Finds pool and user.
    pub(crate) fn find(&self, read: &dyn Read, cx: &Cx) -> Result<(PoolRecord, UserRecord), Error> {
        let pool = own_pool(read, cx, &self.pool)?;
        let user = user_record::find(read, &pool, &self.user)?.ok_or_else(Error::no_user)?;
        Ok((pool, user))
    }
}

/// `AdminGetUser`
pub(crate) async fn get(
    pools: &UserPools,
    cx: &Cx,
    input: AdminGetUserRequest,
) -> Result<AdminGetUserResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let (_, user) = pools.store.read(|view| named.find(view, cx))?;
    Ok(AdminGetUserResponse {
        user_attributes: Some(user_view::attributes(&user, |_| true)),
        username: Some(user.username),
        user_create_date: Some(user.created),
        user_last_modified_date: Some(user.modified),
        enabled: Some(user.enabled),
        user_status: Some(user.status.name().to_owned()),
        mfa_options: None,
        preferred_mfa_setting: None,
        user_mfa_setting_list: None,
    })
}

/// `AdminConfirmSignUp`
pub(crate) async fn confirm(
    pools: &UserPools,
    cx: &Cx,
    input: AdminConfirmSignUpRequest,
) -> Result<AdminConfirmSignUpResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let confirm = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        if user.status != UserStatus::Unconfirmed {
            let status = user.status.name();
            return Err(Error::NotAuthorized(format!(
                "User cannot be confirmed. Current status is {status}"
            )));
        }
        sign_up::confirm(tx, &pool, user, None, false, cx.now())
    };
    pools.store.transact("cognito confirm", confirm).await?;
    Ok(AdminConfirmSignUpResponse::default())
}

/// `AdminDisableUser`
pub(crate) async fn disable(
    pools: &UserPools,
    cx: &Cx,
    input: AdminDisableUserRequest,
) -> Result<AdminDisableUserResponse, Error> {
    set_enabled(pools, cx, Named::new(input.user_pool_id, input.username)?, false).await?;
    Ok(AdminDisableUserResponse::default())
}

/// `AdminEnableUser`
pub(crate) async fn enable(
    pools: &UserPools,
    cx: &Cx,
    input: AdminEnableUserRequest,
) -> Result<AdminEnableUserResponse, Error> {
    set_enabled(pools, cx, Named::new(input.user_pool_id, input.username)?, true).await?;
    Ok(AdminEnableUserResponse::default())
}

/// A user who is disabled is signed out everywhere, and stays so when enabled again.
async fn set_enabled(pools: &UserPools, cx: &Cx, named: Named, enabled: bool) -> Result<(), Error> {
    let now = cx.now();
    let set = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        let signed_out = if enabled { user.signed_out } else { now };
        user_record::put(tx, &pool, &UserRecord { enabled, signed_out, modified: now, ..user })
    };
    pools.store.transact("cognito enable", set).await
}

/// `AdminDeleteUser`
pub(crate) async fn delete(pools: &UserPools, cx: &Cx, input: AdminDeleteUserRequest) -> Result<Unit, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let delete = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        own_account::remove(tx, &pool, &user)
    };
    pools.store.transact("cognito delete user", delete).await?;
    Ok(Unit::default())
}
