//! What users do with their own account: look at it, change the password, delete it.

use nephos_core::Cx;
use nephos_store::{Range, Read, Tx};

use super::access_token::Bearer;
use super::attempts::{self, Limited, Subject};
use super::credentials::{self, Owner};
use super::pool_record::PoolRecord;
use super::shapes::{
    ChangePasswordRequest, ChangePasswordResponse, DeleteUserRequest, GetUserRequest, GetUserResponse, Unit,
};
use super::user_record::{PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, aliases, codes, need, user_view};
use crate::crypto::password::Check;
use crate::error::Error;
use crate::keys;

/// `GetUser`
pub(crate) async fn get_user(
    pools: &UserPools,
    cx: &Cx,
    input: GetUserRequest,
) -> Result<GetUserResponse, Error> {
    let token = need(input.access_token, "AccessToken")?;
    let bearer = pools.store.read(|view| pools.bearer(view, &token, cx.now()))?;
    let shown = user_view::attributes(&bearer.user, |name| bearer.client.reads(name));
    Ok(GetUserResponse {
        username: Some(bearer.user.username),
        user_attributes: Some(shown),
        mfa_options: None,
        preferred_mfa_setting: None,
        user_mfa_setting_list: None,
    })
}

/// `ChangePassword`
pub(crate) async fn change_password(
    pools: &UserPools,
    cx: &Cx,
    input: ChangePasswordRequest,
) -> Result<ChangePasswordResponse, Error> {
    let token = need(input.access_token, "AccessToken")?;
    let previous = need(input.previous_password.filter(|text| !text.is_empty()), "PreviousPassword")?;
    let proposed = need(input.proposed_password, "ProposedPassword")?;
    let now = cx.now();
    let count = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, now)?;
        let subject = Subject::user(&bearer.canonical);
        if !attempts::admit(tx, &bearer.pool, &subject, Limited::ChangePassword, now)? {
            return Err(Error::AttemptLimit);
        }
        let password = tx.record::<PasswordRecord>(&keys::password(&bearer.pool.id, &bearer.canonical))?;
        Ok((bearer, password))
    };
    let (bearer, password) = pools.store.transact("cognito count", count).await?;
    if credentials::check(&pools.workers, password.as_ref(), &previous).await? == Check::Wrong {
        return Err(Error::wrong_password());
    }
    bearer.pool.settings.password.check(&proposed)?;
    let owner = Owner::of(&bearer.pool, &bearer.user);
    let renewed = credentials::make(&pools.workers, &pools.vault, owner, &proposed, None).await?;
    let change = |tx: &mut Tx| replace(tx, &bearer, password.as_ref(), &renewed);
    pools.store.transact("cognito change password", change).await?;
    Ok(ChangePasswordResponse::default())
}

/// Puts a password in the place of the one that was checked.
fn replace(
    tx: &mut Tx,
    bearer: &Bearer,
    checked: Option<&PasswordRecord>,
    renewed: &PasswordRecord,
) -> Result<(), Error> {
    let row = keys::password(&bearer.pool.id, &bearer.canonical);
    let current = tx.record::<PasswordRecord>(&row)?;
    let same =
        current.zip(checked).is_some_and(|(current, checked)| current.generation == checked.generation);
    if !same {
        return Err(Error::wrong_password());
    }
    let user: Option<UserRecord> = tx.record(&keys::user(&bearer.pool.id, &bearer.canonical))?;
    match user.map(|user| user.status) {
        None => Err(Error::no_user()),
        Some(UserStatus::ResetRequired) => Err(Error::PasswordResetRequired),
        Some(_) => Ok(tx.put_record(row, renewed)?),
    }
}

/// `DeleteUser`
pub(crate) async fn delete_user(pools: &UserPools, cx: &Cx, input: DeleteUserRequest) -> Result<Unit, Error> {
    let token = need(input.access_token, "AccessToken")?;
    let delete = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, cx.now())?;
        remove(tx, &bearer.pool, &bearer.user)
    };
    pools.store.transact("cognito delete user", delete).await?;
    Ok(Unit::default())
}

/// The most rows of one kind that a user's removal takes along; sign-ins beyond that end by themselves.
const MAX_ROWS: usize = 10_000;

/// Removes a user with all that belongs to it.
pub(crate) fn remove(tx: &mut Tx, pool: &PoolRecord, user: &UserRecord) -> Result<(), Error> {
    let canonical = pool.canonical(&user.username);
    aliases::remove(tx, pool, user)?;
    let memberships = tx.range(&Range::prefix(&keys::memberships(&pool.id, &canonical)).limit(MAX_ROWS))?;
    for (key, _) in memberships {
        let mut reader = key.reader();
        for _ in 0..4 {
            reader.bytes()?;
        }
        tx.delete(keys::members(&pool.id, &reader.text()?).text(&canonical));
        tx.delete(key);
    }
    codes::remove_all(tx, pool, &canonical)?;
    attempts::remove_all(tx, pool, &Subject::user(&canonical))?;
    for (key, _) in tx.range(&Range::prefix(&keys::user_sessions(&pool.id, &user.sub)).limit(MAX_ROWS))? {
        tx.delete(key);
    }
    tx.delete(keys::password(&pool.id, &canonical));
    tx.delete(keys::sub(&pool.id, &user.sub));
    tx.delete(keys::user(&pool.id, &canonical));
    Ok(())
}
