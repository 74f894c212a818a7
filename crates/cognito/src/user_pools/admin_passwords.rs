//! Passwords that administrators set or take away.

use nephos_core::Cx;
use nephos_store::{Read, Tx};

use super::admin_create::temporary_end;
use super::admin_users::Named;
use super::attempts::{self, Subject};
use super::codes::Purpose;
use super::credentials::{self, Owner};
use super::delivery::Occasion;
use super::recovery::recovery_target;
use super::shapes::{
    AdminResetUserPasswordRequest, AdminResetUserPasswordResponse, AdminSetUserPasswordRequest,
    AdminSetUserPasswordResponse,
};
use super::user_record::{self, UserRecord, UserStatus};
use super::{UserPools, aliases, need};
use crate::crypto::codes::six_digits;
use crate::error::Error;
use crate::keys;

/// `AdminSetUserPassword`
pub(crate) async fn set(
    pools: &UserPools,
    cx: &Cx,
    input: AdminSetUserPasswordRequest,
) -> Result<AdminSetUserPasswordResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let password = need(input.password, "Password")?;
    let permanent = input.permanent.unwrap_or(false);
    let (pool, user) = pools.store.read(|view| named.find(view, cx))?;
    pool.settings.password.check(&password)?;
    let now = cx.now();
    let expires = (!permanent).then(|| temporary_end(&pool, now));
    let owner = Owner::of(&pool, &user);
    let record = credentials::make(&pools.workers, &pools.vault, owner, &password, expires).await?;
    let canonical = pool.canonical(&user.username);
    let status = if permanent { UserStatus::Confirmed } else { UserStatus::ForceChangePassword };
    let store = |tx: &mut Tx| {
        let before: Option<UserRecord> = tx.record(&keys::user(&pool.id, &canonical))?;
        let before = before.filter(|before| before.sub == user.sub).ok_or_else(Error::no_user)?;
        let after = UserRecord { status, modified: now, ..before.clone() };
        aliases::update(tx, &pool, Some(&before), &after, false)?;
        user_record::put(tx, &pool, &after)?;
        attempts::succeeded(tx, &pool, &Subject::user(&canonical))?;
        tx.put_record(keys::password(&pool.id, &canonical), &record)?;
        Ok::<(), Error>(())
    };
    pools.store.transact("cognito set password", store).await?;
    Ok(AdminSetUserPasswordResponse::default())
}

/// `AdminResetUserPassword`
pub(crate) async fn reset(
    pools: &UserPools,
    cx: &Cx,
    input: AdminResetUserPasswordRequest,
) -> Result<AdminResetUserPasswordResponse, Error> {
    let named = Named::new(input.user_pool_id, input.username)?;
    let code = six_digits();
    let reset = |tx: &mut Tx| {
        let (pool, user) = named.find(tx, cx)?;
        if !matches!(user.status, UserStatus::Confirmed | UserStatus::ResetRequired) {
            return Err(Error::not_authorized("User password cannot be reset in the current state."));
        }
        let (contact, address) = recovery_target(&pool, &user)?;
        let address = address.to_owned();
        let after = UserRecord { status: UserStatus::ResetRequired, modified: cx.now(), ..user.clone() };
        user_record::put(tx, &pool, &after)?;
        let sent = Some((contact, address.as_str()));
        pools.put_code(tx, (&pool, &after), Purpose::Recovery, (&code, sent), cx.now())?;
        Ok((pool, after, contact, address))
    };
    let (pool, user, contact, address) = pools.store.transact("cognito reset password", reset).await?;
    let sent = Some((contact, address.as_str()));
    pools.send(cx, &pool, &user, (&code, sent), Occasion::ForgotPassword).await?;
    Ok(AdminResetUserPasswordResponse::default())
}
