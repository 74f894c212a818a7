//! `GetOpenIdToken`: the basic flow, in which the caller takes on the role itself with a token of the identity; and the
//! verification of such tokens for `sts:AssumeRoleWithWebIdentity`.

use std::time::Duration;

use nephos_core::ports::{VerifiedWebIdentity, VerifyWebIdentity, WebIdentity, WebIdentityError};
use nephos_core::{BoxFuture, Cx, Timestamp};
use nephos_store::{Range, Read, Tx};
use serde_json::{Value, json};

use super::credentials::{PROVIDER, amr, condition_keys};
use super::identity_record::IdentityRecord;
use super::shapes::{GetOpenIdTokenInput, GetOpenIdTokenResponse};
use super::{IdentityPools, any_pool, get_id, linking, need, no_identity};
use crate::crypto::jwt::{self, Claims, Unverified};
use crate::error::Error;
use crate::keys;
use crate::signing::{KeyUse, SigningKeyRecord};

/// The `iss` of the tokens.
pub(crate) const ISSUER: &str = "https://cognito-identity.amazonaws.com";

/// How long a token lasts.
const LIFE: Duration = Duration::from_secs(600);

/// `GetOpenIdToken`
pub(crate) async fn get(
    pools: &IdentityPools,
    cx: &Cx,
    input: GetOpenIdTokenInput,
) -> Result<GetOpenIdTokenResponse, Error> {
    let id = need(input.identity_id, "IdentityId")?;
    let (given, now) = (input.logins.unwrap_or_default(), cx.now());
    let enter = |tx: &mut Tx| {
        let identity = linking::read_identity(tx, &id)?;
        let pool = any_pool(tx, &identity.pool).map_err(|_| no_identity(&id))?;
        if pool.settings.classic != Some(true) {
            return Err(Error::invalid("Basic (classic) flow is not enabled, please use enhanced flow."));
        }
        let logins = pools.logins(tx, &pool, &given, now)?;
        if logins.is_empty() {
            get_id::refuse_guests(&pool)?;
        }
        Ok((linking::enter(tx, identity, &logins, now)?, amr(&logins)))
    };
    let (identity, amr) = pools.store.transact("cognito open id token", enter).await?;
    let token = pools.token(&identity, &amr, now).await?;
    Ok(GetOpenIdTokenResponse { identity_id: Some(identity.id), token: Some(token) })
}

impl IdentityPools {
    async fn token(
        &self,
        identity: &IdentityRecord,
        amr: &[String],
        now: Timestamp,
    ) -> Result<String, Error> {
        let record = self.signing_key(now).await?;
        let key = self.signers.ready(&self.vault, &record)?;
        let claims = json!({
            "iss": ISSUER,
            "sub": identity.id,
            "aud": identity.pool,
            "amr": amr,
            "iat": now.secs(),
            "exp": (now + LIFE).secs(),
        });
        let claims: Claims = claims.as_object().cloned().unwrap_or_default();
        Ok(jwt::sign(&key, &claims)?)
    }

    /// The key that signs; made when the first token is.
    async fn signing_key(&self, now: Timestamp) -> Result<SigningKeyRecord, Error> {
        let known = self.store.read(|read| keys_of(read))?.pop();
        if let Some(known) = known {
            return Ok(known);
        }
        let fresh = self.forge.take().await?;
        let fresh = SigningKeyRecord::new(&self.vault, "identity-pools", KeyUse::OpenId, &fresh, now)?;
        let put = |tx: &mut Tx| {
            if let Some(known) = keys_of(tx)?.pop() {
                return Ok(Some(known));
            }
            tx.put_record(keys::open_id_keys().text(&fresh.kid), &fresh)?;
            Ok::<_, Error>(None)
        };
        let known = self.store.transact("cognito open id key", put).await?;
        Ok(known.unwrap_or(fresh))
    }

    /// The key set of [`ISSUER`], as JSON.
    pub fn open_id_key_set(&self) -> Result<String, Error> {
        let records = self.store.read(|read| keys_of(read))?;
        let mut set = Vec::new();
        for record in records {
            set.extend(jwt::public_jwk(&record.kid, &record.public()?));
        }
        Ok(json!({ "keys": set }).to_string())
    }

    fn verify_token(&self, token: &str, now: Timestamp) -> Result<VerifiedWebIdentity, WebIdentityError> {
        let invalid = |text: &str| WebIdentityError::Invalid(text.to_owned());
        let unverified = Unverified::parse(token).ok_or_else(|| invalid("it is no signed token"))?;
        if unverified.claimed_issuer().as_deref() != Some(ISSUER) {
            return Err(WebIdentityError::Foreign);
        }
        let key = keys::open_id_keys().text(unverified.kid());
        let record = self.store.read(|read| Ok::<_, Error>((&read).record::<SigningKeyRecord>(&key)?));
        let public = record.and_then(|record| record.map(|record| record.public()).transpose());
        let public = public.map_err(|error| {
            tracing::error!(%error, "the keys of OpenID tokens could not be read");
            WebIdentityError::Unavailable
        })?;
        let claims = public.and_then(|public| unverified.verify(&public));
        let claims = claims.ok_or_else(|| invalid("its signature does not verify"))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(subject), Some(audience)) = (text("sub"), text("aud")) else {
            return Err(invalid("it names no identity"));
        };
        let ends = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_secs);
        if ends.is_none_or(|ends| now >= ends) {
            return Err(WebIdentityError::Expired);
        }
        let amr = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
        let amr = amr.filter_map(Value::as_str).map(str::to_owned).collect();
        let keys = condition_keys(&audience, &subject, amr);
        let identity = WebIdentity { provider: PROVIDER.to_owned(), keys };
        Ok(VerifiedWebIdentity { identity, issuer: ISSUER.to_owned(), subject, audience })
    }
}

/// The stored keys, a few at most.
fn keys_of(read: &dyn Read) -> Result<Vec<SigningKeyRecord>, Error> {
    let range = Range::prefix(&keys::open_id_keys()).limit(16);
    Ok((&read).records::<SigningKeyRecord>(&range)?.into_iter().map(|(_, record)| record).collect())
}

impl VerifyWebIdentity for IdentityPools {
    fn verify_web_identity<'a>(
        &'a self,
        cx: &'a Cx,
        token: &'a str,
    ) -> BoxFuture<'a, Result<VerifiedWebIdentity, WebIdentityError>> {
        Box::pin(async move { self.verify_token(token, cx.now()) })
    }
}
