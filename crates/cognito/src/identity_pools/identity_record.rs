//! An identity as it is stored.

use std::collections::BTreeMap;

use nephos_core::{Timestamp, random};
use nephos_store::{Record, Tx};
use serde::{Deserialize, Serialize};

use super::pool_record::IdentityPoolRecord;
use crate::error::Error;
use crate::{keys, stamp};

/// An identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    /// `region:uuid`
    pub(crate) id: String,
    /// The identity pool.
    pub(crate) pool: String,
    /// The user at each provider; a guest has none.
    pub(crate) logins: BTreeMap<String, String>,
    /// Whether it was merged into another and gives nothing any more.
    pub(crate) disabled: bool,
    /// When it was made.
    #[serde(with = "stamp")]
    pub(crate) created: Timestamp,
    /// When its logins last changed.
    #[serde(with = "stamp")]
    pub(crate) modified: Timestamp,
}

impl Record for IdentityRecord {
    const VERSION: u16 = 1;
}

impl IdentityRecord {
    /// A fresh identity without logins.
    pub(crate) fn new(pool: &IdentityPoolRecord, now: Timestamp) -> IdentityRecord {
        IdentityRecord {
            id: format!("{}:{}", pool.region, random::uuid()),
            pool: pool.id.clone(),
            logins: BTreeMap::new(),
            disabled: false,
            created: now,
            modified: now,
        }
    }

    /// Stores the identity with its place in the pool's list and the ways to it from its logins.
    pub(crate) fn put(&self, tx: &mut Tx) -> Result<(), Error> {
        tx.put_record(keys::identity(&self.id), self)?;
        tx.put(keys::pool_identities(&self.pool).text(&self.id), Vec::new());
        for (provider, subject) in &self.logins {
            tx.put(keys::login(&self.pool, provider, subject), self.id.clone().into_bytes());
        }
        Ok(())
    }

    /// Removes the identity.
    pub(crate) fn remove(&self, tx: &mut Tx) {
        for (provider, subject) in &self.logins {
            tx.delete(keys::login(&self.pool, provider, subject));
        }
        tx.delete(keys::pool_identities(&self.pool).text(&self.id));
        tx.delete(keys::identity(&self.id));
    }
}
