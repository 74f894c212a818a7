//! Fresh tokens for a refresh token, and its exchange where the client rotates them.

use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, Tx};

use super::auth::{SignIn, Step};
use super::client_record::{ClientRecord, Flow};
use super::pool_record::PoolRecord;
use super::shapes::{GetTokensFromRefreshTokenRequest, GetTokensFromRefreshTokenResponse};
use super::sign_ins::{self, RefreshRecord, SignInRecord};
use super::tokens::Grant;
use super::user_record::UserRecord;
use super::{UserPools, any_client, need, secret_hash};
use crate::error::Error;
use crate::keys;

/// A refresh token that holds.
struct Continued {
    record: RefreshRecord,
    sign_in: SignInRecord,
    user: UserRecord,
}

impl UserPools {
    /// `REFRESH_TOKEN_AUTH`
    pub(crate) fn refresh(&self, sign_in: SignIn<'_>) -> Result<Step, Error> {
        let (pool, client) = (&sign_in.pool, &sign_in.client);
        if !client.allows(Flow::Refresh) {
            return Err(Error::invalid("Auth flow not enabled for this client"));
        }
        if client.rotates().is_some() {
            return Err(Error::UnsupportedOperation(
                "Refresh token rotation is enabled for this client, use GetTokensFromRefreshToken."
                    .to_owned(),
            ));
        }
        let token = sign_in.parameters.required("REFRESH_TOKEN")?;
        let now = sign_in.cx.now();
        let continued = self.store.read(|view| continued(view, pool, client, token, now))?;
        let names = [continued.user.username.as_str(), continued.user.sub.as_str()];
        let hash = sign_in.parameters.optional("SECRET_HASH");
        secret_hash::check(&self.vault, client, hash, &names)
            .or_else(|error| self.refresh_hash_over_alias(&sign_in, &continued.user, error))?;
        let tokens = self.mint(&grant(pool, client, &continued), None, now)?;
        Ok(Step::Done(Box::new(tokens)))
    }

    /// Clients that give `USERNAME` as well may hash that, if it names the same user.
    fn refresh_hash_over_alias(
        &self,
        sign_in: &SignIn<'_>,
        user: &UserRecord,
        refused: Error,
    ) -> Result<(), Error> {
        let Some(name) = sign_in.parameters.optional("USERNAME") else { return Err(refused) };
        let found = self.store.read(|view| super::user_record::find(view, &sign_in.pool, name))?;
        if found.is_none_or(|found| found.sub != user.sub) {
            return Err(refused);
        }
        let hash = sign_in.parameters.optional("SECRET_HASH");
        secret_hash::check(&self.vault, &sign_in.client, hash, &[name])
    }
}

/// `GetTokensFromRefreshToken`
pub(crate) async fn get_tokens(
    pools: &UserPools,
    cx: &Cx,
    input: GetTokensFromRefreshTokenRequest,
) -> Result<GetTokensFromRefreshTokenResponse, Error> {
    let (token, client) = (need(input.refresh_token, "RefreshToken")?, need(input.client_id, "ClientId")?);
    let (pool, client) = pools.store.read(|view| any_client(view, &client))?;
    if !secret_hash::check_plain(&pools.vault, &client, input.client_secret.as_deref())? {
        return Err(Error::NotAuthorized(format!("Unable to verify secret for client {}", client.id)));
    }
    let now = cx.now();
    let (continued, fresh) = match client.rotates() {
        None => (pools.store.read(|view| continued(view, &pool, &client, &token, now))?, None),
        Some(_) => {
            let fresh = sign_ins::refresh_token();
            let exchange = |tx: &mut Tx| exchange(tx, (&pool, &client), (&token, &fresh), now);
            let exchanged = pools.store.transact("cognito refresh", exchange).await?;
            (exchanged.ok_or(Error::RefreshTokenReuse)?, Some(fresh.clone()))
        }
    };
    let tokens = pools.mint(&grant(&pool, &client, &continued), fresh, now)?;
    Ok(GetTokensFromRefreshTokenResponse { authentication_result: Some(tokens) })
}

fn grant<'a>(pool: &'a PoolRecord, client: &'a ClientRecord, continued: &'a Continued) -> Grant<'a> {
    Grant {
        pool,
        client,
        user: &continued.user,
        origin_jti: &continued.record.origin_jti,
        auth_time: continued.sign_in.auth_time,
    }
}

/// The sign-in that a refresh token continues.
fn continued(
    read: &dyn Read,
    pool: &PoolRecord,
    client: &ClientRecord,
    token: &str,
    now: Timestamp,
) -> Result<Continued, Error> {
    let record: Option<RefreshRecord> = (&read).record(&keys::refresh(&sign_ins::digest(token)))?;
    let record = record.filter(|record| record.client == client.id && record.pool == pool.id);
    let record = record.ok_or_else(|| Error::not_authorized("Invalid Refresh Token"))?;
    if now >= record.expires {
        return Err(Error::not_authorized("Refresh Token has expired"));
    }
    let key = keys::session(&pool.id, &record.sub, &record.origin_jti);
    let revoked = || Error::not_authorized("Refresh Token has been revoked");
    let sign_in: SignInRecord = (&read).record(&key)?.ok_or_else(revoked)?;
    let user: Option<UserRecord> = (&read).record(&keys::user(&pool.id, &sign_in.user))?;
    let user = user.filter(|user| user.sub == record.sub).ok_or_else(Error::no_user)?;
    if !user.enabled {
        return Err(Error::not_authorized("User is disabled."));
    }
    if sign_in.revoked || sign_in.auth_time < user.signed_out {
        return Err(revoked());
    }
    Ok(Continued { record, sign_in, user })
}

/// Exchanges a refresh token for `fresh`, which ends when the first one would have. A token that comes again after its
/// grace was stolen or replayed: the whole sign-in ends, and there is no answer.
fn exchange(
    tx: &mut Tx,
    (pool, client): (&PoolRecord, &ClientRecord),
    (token, fresh): (&str, &str),
    now: Timestamp,
) -> Result<Option<Continued>, Error> {
    let mut found = continued(tx, pool, client, token, now)?;
    let grace = client.rotates().unwrap_or_default();
    match found.record.exchanged {
        Some(at) if now > Timestamp::from_millis(at) + grace => {
            let key = keys::session(&pool.id, &found.record.sub, &found.record.origin_jti);
            tx.put_record(key, &SignInRecord { revoked: true, ..found.sign_in })?;
            return Ok(None);
        }
        Some(_) => {}
        None => {
            found.record.exchanged = Some(now.millis());
            tx.put_record(keys::refresh(&sign_ins::digest(token)), &found.record)?;
        }
    }
    let next = RefreshRecord { exchanged: None, ..found.record.clone() };
    sign_ins::put_refresh(tx, fresh, &next)?;
    Ok(Some(found))
}
