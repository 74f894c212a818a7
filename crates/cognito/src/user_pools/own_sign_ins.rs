//! Ending sign-ins: one (`RevokeToken`), or all (`GlobalSignOut`, `AdminUserGlobalSignOut`).

use std::time::Duration;

use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, Tx};

use super::UserPools;
use super::pool_record::PoolRecord;
use super::shapes::{
    AdminUserGlobalSignOutRequest, AdminUserGlobalSignOutResponse, GlobalSignOutRequest,
    GlobalSignOutResponse, RevokeTokenRequest, RevokeTokenResponse,
};
use super::sign_ins::{self, RefreshRecord, SignInRecord};
use super::user_record::{self, UserRecord};
use super::{any_client, need, own_pool, secret_hash};
use crate::error::Error;
use crate::keys;

/// `RevokeToken`
pub(crate) async fn revoke_token(
    pools: &UserPools,
    _cx: &Cx,
    input: RevokeTokenRequest,
) -> Result<RevokeTokenResponse, Error> {
    let (token, client) = (need(input.token, "Token")?, need(input.client_id, "ClientId")?);
    let known = pools.store.read(|view| any_client(view, &client));
    let (pool, client) = known.map_err(|error| match error {
        Error::ResourceNotFound(text) => Error::Unauthorized(text),
        other => other,
    })?;
    if !secret_hash::check_plain(&pools.vault, &client, input.client_secret.as_deref())? {
        return Err(Error::Unauthorized(format!("Unable to verify secret for client {}", client.id)));
    }
    if !client.settings.revocation {
        return Err(Error::UnsupportedOperation(
            "Token revocation is not enabled for the client.".to_owned(),
        ));
    }
    if token.split('.').count() == 3 {
        return Err(Error::UnsupportedTokenType("Unsupported token type.".to_owned()));
    }
    let revoke = |tx: &mut Tx| {
        let record: Option<RefreshRecord> = tx.record(&keys::refresh(&sign_ins::digest(&token)))?;
        // A token that does not exist is as good as revoked (RFC 7009).
        let Some(record) = record else { return Ok(()) };
        if record.client != client.id {
            return Err(Error::Unauthorized("The token was not issued to this client.".to_owned()));
        }
        let key = keys::session(&pool.id, &record.sub, &record.origin_jti);
        if let Some(sign_in) = tx.record::<SignInRecord>(&key)? {
            tx.put_record(key, &SignInRecord { revoked: true, ..sign_in })?;
        }
        Ok(())
    };
    pools.store.transact("cognito revoke", revoke).await?;
    Ok(RevokeTokenResponse::default())
}

/// `GlobalSignOut`
pub(crate) async fn global_sign_out(
    pools: &UserPools,
    cx: &Cx,
    input: GlobalSignOutRequest,
) -> Result<GlobalSignOutResponse, Error> {
    let (token, now) = (need(input.access_token, "AccessToken")?, cx.now());
    let sign_out = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, now)?;
        end_all(tx, &bearer.pool, bearer.user, now)
    };
    pools.store.transact("cognito sign-out", sign_out).await?;
    Ok(GlobalSignOutResponse::default())
}

/// `AdminUserGlobalSignOut`
pub(crate) async fn admin_global_sign_out(
    pools: &UserPools,
    cx: &Cx,
    input: AdminUserGlobalSignOutRequest,
) -> Result<AdminUserGlobalSignOutResponse, Error> {
    let (pool, name) = (need(input.user_pool_id, "UserPoolId")?, need(input.username, "Username")?);
    let sign_out = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &pool)?;
        let user = user_record::find(tx, &pool, &name)?.ok_or_else(Error::no_user)?;
        end_all(tx, &pool, user, cx.now())
    };
    pools.store.transact("cognito sign-out", sign_out).await?;
    Ok(AdminUserGlobalSignOutResponse::default())
}

/// Ends all sign-ins up to and including now.
fn end_all(tx: &mut Tx, pool: &PoolRecord, user: UserRecord, now: Timestamp) -> Result<(), Error> {
    let signed_out = now + Duration::from_millis(1);
    user_record::put(tx, pool, &UserRecord { signed_out, ..user })
}
