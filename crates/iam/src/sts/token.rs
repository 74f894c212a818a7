//! Session tokens: everything about a session, encrypted and authenticated (AES-256-GCM), so that a session needs no row in
//! the store, survives a restart and is known to every node that has the token keys.
//!
//! A token is `base64(version, key id, nonce, ciphertext, tag)`. The access key id is authenticated along with it: a token
//! with another access key does not open.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::aead::LessSafeKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nephos_core::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::records::{Tags, millis};
use crate::seal::{aead_key, decrypt, encrypt};

const VERSION: u8 = 1;
/// The longest token that is looked at: what 10 policy ARNs, 50 tags and a full session policy come to, and some room.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// What a token carries.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub access_key_id: String,
    pub secret_access_key: String,
    #[serde(with = "millis")]
    pub issued_at: Timestamp,
    #[serde(with = "millis")]
    pub expires_at: Timestamp,
    pub account: String,
    pub holder: Holder,
    /// The inline session policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Session policies by ARN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    #[serde(default)]
    pub mfa: bool,
    /// Condition keys of the web identity that the session began with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<(String, Vec<String>)>,
}

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Holder {
    Root,
    User {
        path: String,
        name: String,
        id: String,
    },
    Role {
        path: String,
        name: String,
        id: String,
        session: String,
    },
    /// `issuer` is the user who asked for it; the root user where absent.
    Federated {
        name: String,
        issuer: Option<Issuer>,
    },
}

/// A user who federates another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Issuer {
    pub path: String,
    pub name: String,
    pub id: String,
}

/// Why a token does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Malformed, forged, or of another access key.
    Invalid,
    /// Sealed under a key that is not loaded; another node may have made it meanwhile.
    UnknownKey,
}

/// The token keys in memory.
#[derive(Default)]
pub(crate) struct TokenKeys(RwLock<Loaded>);

#[derive(Default)]
struct Loaded {
    keys: HashMap<u32, LessSafeKey>,
    active: Option<u32>,
}

impl TokenKeys {
    /// Takes over the keys; the last one seals.
    pub(crate) fn load(&self, keys: &[(u32, [u8; 32])]) {
        let loaded = Loaded {
            keys: keys.iter().filter_map(|(id, bytes)| Some((*id, aead_key(bytes)?))).collect(),
            active: keys.last().map(|(id, _)| *id),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    /// Whether no key is loaded.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).active.is_none()
    }

    /// Makes the token of a session. `None` only where no key is loaded.
    pub(crate) fn seal(&self, claims: &Claims) -> Option<String> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let id = loaded.active?;
        let body = zeroize::Zeroizing::new(serde_json::to_vec(claims).ok()?);
        let sealed = encrypt(loaded.keys.get(&id)?, &context(id, &claims.access_key_id), &body)?;
        let mut token = vec![VERSION];
        token.extend_from_slice(&id.to_be_bytes());
        token.extend_from_slice(&sealed);
        Some(STANDARD.encode(token))
    }

    /// Opens the token that came with an access key.
    pub(crate) fn open(&self, token: &str, access_key_id: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let bytes = STANDARD.decode(token).map_err(|_| TokenError::Invalid)?;
        let Some((&[VERSION, a, b, c, d], sealed)) = bytes.split_first_chunk() else {
            return Err(TokenError::Invalid);
        };
        let id = u32::from_be_bytes([a, b, c, d]);
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = loaded.keys.get(&id).ok_or(TokenError::UnknownKey)?;
        let body = decrypt(key, &context(id, access_key_id), sealed.to_vec()).ok_or(TokenError::Invalid)?;
        let claims: Claims = serde_json::from_slice(&body).map_err(|_| TokenError::Invalid)?;
        if claims.access_key_id == access_key_id { Ok(claims) } else { Err(TokenError::Invalid) }
    }
}

/// What is authenticated but not hidden.
fn context(key: u32, access_key_id: &str) -> Vec<u8> {
    [b"nephos session token", &[VERSION][..], &key.to_be_bytes(), access_key_id.as_bytes()].concat()
}

impl Claims {
    /// The account; tokens hold only well-formed ones.
    pub(crate) fn account(&self) -> AccountId {
        self.account.parse().unwrap_or(AccountId::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claims() -> Claims {
        Claims {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "hush".into(),
            issued_at: Timestamp::from_secs(1),
            expires_at: Timestamp::from_secs(2),
            account: "123456789012".into(),
            holder: Holder::Role {
                path: "/".into(),
                name: "r".into(),
                id: "AROA".into(),
                session: "s".into(),
            },
            policy: Some("{}".into()),
            policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
            tags: vec![("team".into(), "a".into())],
            transitive_tag_keys: vec!["team".into()],
            source_identity: Some("ada".into()),
            mfa: true,
            keys: vec![("cognito-identity.amazonaws.com:amr".into(), vec!["authenticated".into()])],
        }
    }

    fn keys(loaded: &[(u32, u8)]) -> TokenKeys {
        let keys = TokenKeys::default();
        keys.load(&loaded.iter().map(|(id, byte)| (*id, [*byte; 32])).collect::<Vec<_>>());
        keys
    }

    #[test]
    fn a_token_opens_with_its_own_access_key_alone() {
        let keys = keys(&[(1, 1)]);
        let token = keys.seal(&claims()).unwrap();
        assert!(keys.open(&token, "ASIAEXAMPLE") == Ok(claims()));
        assert!(keys.open(&token, "ASIAEXAMPLF") == Err(TokenError::Invalid));
        assert!(!String::from_utf8_lossy(&STANDARD.decode(&token).unwrap()).contains("hush"));
    }

    #[test]
    fn keys_overlap_when_they_change() {
        let token = keys(&[(1, 1)]).seal(&claims()).unwrap();
        assert!(keys(&[(1, 1), (2, 2)]).open(&token, "ASIAEXAMPLE").is_ok());
        assert!(keys(&[(2, 2)]).open(&token, "ASIAEXAMPLE") == Err(TokenError::UnknownKey));
        assert!(keys(&[(1, 9)]).open(&token, "ASIAEXAMPLE") == Err(TokenError::Invalid));
    }

    proptest! {
        #[test]
        fn no_changed_token_opens(at in 0usize..200, flip in 1u8..=255) {
            let keys = keys(&[(1, 1)]);
            let mut bytes = STANDARD.decode(keys.seal(&claims()).unwrap()).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert!(keys.open(&STANDARD.encode(bytes), "ASIAEXAMPLE").is_err());
        }

        #[test]
        fn nonsense_is_no_token(token in "\\PC{0,80}") {
            prop_assert!(keys(&[(1, 1)]).open(&token, "ASIAEXAMPLE") == Err(TokenError::Invalid));
        }
    }
}
