//! Signing keys as they are stored, and a bounded cache of those that are ready to sign.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use nephos_core::Timestamp;
use nephos_store::Record;
use serde::{Deserialize, Serialize};

use crate::crypto::rsa::{NewKey, SigningKey};
use crate::crypto::{base64, from_base64};
use crate::error::Error;
use crate::seal::Vault;
use crate::stamp;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum KeyUse {
    /// Id tokens.
    Id,
    /// Access tokens.
    Access,
    /// Identity pools' OpenID tokens.
    OpenId,
}

/// A signing key as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct SigningKeyRecord {
    /// The key's id.
    pub(crate) kid: String,
    /// Whose it is: a user pool's id, or the service of identity pools.
    pub(crate) owner: String,
    /// What it signs.
    pub(crate) usage: KeyUse,
    /// The public key, PKCS #1 in base64.
    pub(crate) public: String,
    /// The private key, sealed.
    private: String,
    /// When it was made.
    #[serde(with = "stamp")]
    created: Timestamp,
}

impl Record for SigningKeyRecord {
    const VERSION: u16 = 1;
}

impl SigningKeyRecord {
    /// The record of a fresh key.
    pub(crate) fn new(
        vault: &Vault,
        owner: &str,
        usage: KeyUse,
        key: &NewKey,
        now: Timestamp,
    ) -> Result<SigningKeyRecord, Error> {
        Ok(SigningKeyRecord {
            kid: key.kid.clone(),
            owner: owner.to_owned(),
            usage,
            public: base64(&key.public),
            private: vault.seal("signing-key", &[owner, &key.kid], &key.private)?,
            created: now,
        })
    }

    /// The public key, PKCS #1.
    pub(crate) fn public(&self) -> Result<Vec<u8>, Error> {
        from_base64(&self.public)
            .ok_or_else(|| Error::Internal(format!("expected key {} in base64, got other text", self.kid)))
    }
}

/// The most keys that are kept ready.
const CACHED_KEYS: usize = 128;

/// Signing keys that are ready to sign, by key id.
#[derive(Default)]
pub(crate) struct SignerCache {
    ready: Mutex<HashMap<String, Arc<SigningKey>>>,
}

impl SignerCache {
    /// The key of that record, opened and parsed at first use.
    pub(crate) fn ready(&self, vault: &Vault, record: &SigningKeyRecord) -> Result<Arc<SigningKey>, Error> {
        if let Some(key) = self.lock().get(&record.kid) {
            return Ok(Arc::clone(key));
        }
        let private = vault.open("signing-key", &[&record.owner, &record.kid], &record.private)?;
        let key = Arc::new(SigningKey::new(&record.kid, &private)?);
        let mut ready = self.lock();
        if ready.len() >= CACHED_KEYS
            && let Some(any) = ready.keys().next().cloned()
        {
            ready.remove(&any);
        }
        ready.insert(record.kid.clone(), Arc::clone(&key));
        Ok(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<SigningKey>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
