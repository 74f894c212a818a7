//! Calls about oneself: who the access token says the caller is, and whether it still holds.

use nephos_core::Timestamp;
use nephos_store::Read;

use super::UserPools;
use super::client_record::ClientRecord;
use super::pool_client;
use super::pool_record::PoolRecord;
use super::sign_ins::SignInRecord;
use super::tokens::{SELF_SCOPE, Verified};
use super::user_record::UserRecord;
use crate::error::Error;
use crate::keys;

/// The user that an access token stands for.
pub(crate) struct Bearer {
    /// The pool.
    pub(crate) pool: PoolRecord,
    /// The client through which the user signed in.
    pub(crate) client: ClientRecord,
    /// The user.
    pub(crate) user: UserRecord,
    /// The canonical username.
    pub(crate) canonical: String,
}

impl UserPools {
    /// Verifies an access token down to its user, who must still be there and signed in.
    pub(crate) fn bearer(&self, read: &dyn Read, token: &str, now: Timestamp) -> Result<Bearer, Error> {
        let invalid = || Error::not_authorized("Invalid Access Token");
        let verified = self.verify(read, token)?.filter(Verified::is_access).ok_or_else(invalid)?;
        if verified.moment("exp").is_none_or(|exp| now >= exp) {
            return Err(Error::not_authorized("Access Token has expired"));
        }
        let scope = verified.text("scope").unwrap_or_default();
        if !scope.split(' ').any(|scope| scope == SELF_SCOPE) {
            return Err(Error::not_authorized("Access Token does not have required scopes"));
        }
        let client = pool_client(read, &verified.pool, verified.text("client_id").unwrap_or_default())?;
        let canonical = verified.pool.canonical(verified.text("username").ok_or_else(invalid)?);
        let user: Option<UserRecord> = (&read).record(&keys::user(&verified.pool.id, &canonical))?;
        let user = user.filter(|user| verified.text("sub") == Some(&user.sub)).ok_or_else(Error::no_user)?;
        if !user.enabled {
            return Err(Error::not_authorized("User is disabled."));
        }
        if !holds(read, &verified, &user)? {
            return Err(Error::not_authorized("Access Token has been revoked"));
        }
        Ok(Bearer { pool: verified.pool, client, user, canonical })
    }
}

/// Whether neither the token's sign-in was revoked nor the user signed out everywhere since.
pub(crate) fn holds(read: &dyn Read, token: &Verified, user: &UserRecord) -> Result<bool, Error> {
    let Some(origin_jti) = token.text("origin_jti") else {
        // Tokens of clients without revocation carry no sign-in: their time of issue, in seconds, must do.
        return Ok(token.moment("iat").is_some_and(|iat| user.signed_out.secs() <= iat.secs()));
    };
    let key = keys::session(&token.pool.id, &user.sub, origin_jti);
    let sign_in: Option<SignInRecord> = (&read).record(&key)?;
    Ok(sign_in.is_some_and(|sign_in| !sign_in.revoked && sign_in.auth_time >= user.signed_out))
}
