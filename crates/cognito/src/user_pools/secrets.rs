//! A pool's secrets: one root from which its purposes' keys are derived, and its two signing keys.
//!
//! Id and access tokens are signed by different keys, so that neither passes for the other where only the signature
//! is looked at.

use nephos_core::{Timestamp, random};
use nephos_store::{Range, Read, Record, Tx};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::hmac;
use crate::crypto::rsa::NewKey;
use crate::error::Error;
use crate::keys;
use crate::seal::Vault;
use crate::signing::{KeyUse, SigningKeyRecord};

/// The keys derived from a pool's root.
pub(crate) struct PoolSecrets {
    root: Zeroizing<[u8; 32]>,
}

impl PoolSecrets {
    /// The key that codes are stored under.
    pub(crate) fn codes(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"codes")
    }

    /// The key that sessions and secret blocks are sealed with.
    pub(crate) fn strings(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"strings")
    }

    /// The key from which answers about users who don't exist are made, so that they stay the same.
    pub(crate) fn decoys(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"decoys")
    }

    fn derive(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hmac(&*self.root, &[label]))
    }
}

/// A pool's sealed root.
#[derive(Serialize, Deserialize)]
struct RootRecord {
    sealed: String,
}

impl Record for RootRecord {
    const VERSION: u16 = 1;
}

/// The secrets of a pool that is being made, ready to be stored.
pub(crate) struct NewSecrets {
    root: RootRecord,
    keys: [SigningKeyRecord; 2],
}

impl NewSecrets {
    /// Fresh secrets for `pool`.
    pub(crate) fn new(
        vault: &Vault,
        pool: &str,
        (id, access): (&NewKey, &NewKey),
        now: Timestamp,
    ) -> Result<NewSecrets, Error> {
        let root = Zeroizing::new(random::bytes::<32>());
        Ok(NewSecrets {
            root: RootRecord { sealed: vault.seal("pool-root", &[pool], &*root)? },
            keys: [
                SigningKeyRecord::new(vault, pool, KeyUse::Id, id, now)?,
                SigningKeyRecord::new(vault, pool, KeyUse::Access, access, now)?,
            ],
        })
    }

    /// Stores them.
    pub(crate) fn put(&self, tx: &mut Tx, pool: &str) -> Result<(), Error> {
        tx.put_record(keys::pool_secrets(pool), &self.root)?;
        for key in &self.keys {
            tx.put_record(keys::signing_key(&key.kid), key)?;
            tx.put(keys::pool_keys(pool).text(&key.kid), Vec::new());
        }
        Ok(())
    }
}

/// Reads a pool's secrets.
pub(crate) fn read(read: &dyn Read, vault: &Vault, pool: &str) -> Result<PoolSecrets, Error> {
    let record = (&read).record::<RootRecord>(&keys::pool_secrets(pool))?;
    let record = record.ok_or_else(|| Error::no_pool(pool))?;
    let opened = vault.open("pool-root", &[pool], &record.sealed)?;
    let root = <[u8; 32]>::try_from(opened.as_slice())
        .map_err(|_| Error::Internal("expected a pool's root of 32 bytes, got another length".to_owned()))?;
    Ok(PoolSecrets { root: Zeroizing::new(root) })
}

/// A pool's signing keys as stored.
pub(crate) fn signing_keys(read: &dyn Read, pool: &str) -> Result<Vec<SigningKeyRecord>, Error> {
    let mut found = Vec::new();
    for (key, _) in read.range(&Range::prefix(&keys::pool_keys(pool)).limit(16))? {
        let mut reader = key.reader();
        reader.text()?;
        reader.text()?;
        reader.text()?;
        found.extend((&read).record::<SigningKeyRecord>(&keys::signing_key(&reader.text()?))?);
    }
    Ok(found)
}

/// Removes a pool's secrets.
pub(crate) fn remove(tx: &mut Tx, pool: &str) -> Result<(), Error> {
    for record in signing_keys(tx, pool)? {
        tx.delete(keys::signing_key(&record.kid));
        tx.delete(keys::pool_keys(pool).text(&record.kid));
    }
    tx.delete(keys::pool_secrets(pool));
    Ok(())
}
