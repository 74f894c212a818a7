//! Sign-ins that last: each has an `origin_jti` that its tokens carry and a refresh token that continues it.
//!
//! Only a refresh token's SHA-256 is stored. A revoked sign-in keeps its row until its last token has ended, since a
//! missing row means revoked, too.

use std::time::Duration;

use nephos_core::{Timestamp, random};
use nephos_store::{Record, Tx};
use serde::{Deserialize, Serialize};

use super::client_record::ClientRecord;
use super::user_record::UserRecord;
use crate::crypto::{base64url, sha256};
use crate::error::Error;
use crate::{expiry, keys, stamp};

/// The longest that an access token can outlive the refresh token that it came from.
const LONGEST_ACCESS: Duration = Duration::from_secs(24 * 3600);

/// The header of a JWE; clients that look at a refresh token's shape find what AWS gives them.
const HEADER: &[u8] = br#"{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}"#;

/// A sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignInRecord {
    /// The client that it was made through.
    pub(crate) client: String,
    /// The canonical username.
    pub(crate) user: String,
    /// When the user showed the password.
    #[serde(with = "stamp")]
    pub(crate) auth_time: Timestamp,
    /// When its refresh tokens end.
    #[serde(with = "stamp")]
    pub(crate) expires: Timestamp,
    /// Whether it was revoked.
    pub(crate) revoked: bool,
}

impl Record for SignInRecord {
    const VERSION: u16 = 1;
}

/// What a refresh token stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefreshRecord {
    /// The pool.
    pub(crate) pool: String,
    /// The client.
    pub(crate) client: String,
    /// The user's `sub`.
    pub(crate) sub: String,
    /// The sign-in.
    pub(crate) origin_jti: String,
    /// When it ends.
    #[serde(with = "stamp")]
    pub(crate) expires: Timestamp,
    /// When it was exchanged for another.
    pub(crate) exchanged: Option<i64>,
}

impl Record for RefreshRecord {
    const VERSION: u16 = 1;
}

/// A sign-in that is being made.
pub(crate) struct NewSignIn {
    /// Its id.
    pub(crate) origin_jti: String,
    /// Its refresh token.
    pub(crate) refresh_token: String,
}

impl NewSignIn {
    /// A fresh one.
    pub(crate) fn new() -> NewSignIn {
        NewSignIn { origin_jti: random::uuid(), refresh_token: refresh_token() }
    }

    /// Stores it. `user` is the canonical username.
    pub(crate) fn put(
        &self,
        tx: &mut Tx,
        client: &ClientRecord,
        user: &UserRecord,
        canonical: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let expires = now + client.refresh_life();
        let record = SignInRecord {
            client: client.id.clone(),
            user: canonical.to_owned(),
            auth_time: now,
            expires,
            revoked: false,
        };
        let key = keys::session(&client.pool, &user.sub, &self.origin_jti);
        expiry::set(tx, &key, None, expires + LONGEST_ACCESS);
        tx.put_record(key, &record)?;
        let refresh = RefreshRecord {
            pool: client.pool.clone(),
            client: client.id.clone(),
            sub: user.sub.clone(),
            origin_jti: self.origin_jti.clone(),
            expires,
            exchanged: None,
        };
        put_refresh(tx, &self.refresh_token, &refresh)
    }
}

/// Stores a refresh token.
pub(crate) fn put_refresh(tx: &mut Tx, token: &str, record: &RefreshRecord) -> Result<(), Error> {
    let key = keys::refresh(&digest(token));
    expiry::set(tx, &key, None, record.expires);
    tx.put_record(key, record)?;
    Ok(())
}

/// What a refresh token is stored under.
pub(crate) fn digest(token: &str) -> [u8; 32] {
    sha256(&[token.as_bytes()])
}

/// A fresh refresh token: 256 random bits in the shape of a JWE.
pub(crate) fn refresh_token() -> String {
    let (key, nonce, text, tag): ([u8; 32], [u8; 12], [u8; 32], [u8; 16]) =
        (random::bytes(), random::bytes(), random::bytes(), random::bytes());
    [HEADER, &key, &nonce, &text, &tag].map(base64url).join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_tokens_have_awss_shape_and_differ() {
        let (one, two) = (refresh_token(), refresh_token());
        assert_ne!(one, two);
        assert!(one.starts_with("eyJjdHki"), "{one}");
        assert_eq!(one.split('.').count(), 5);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=.".contains(&b)));
    }
}
