//! Whom identity policies belong to: users and roles with their compiled policies, kept in a bounded cache.
//!
//! Every write to an account raises the account's epoch in the same transaction. A cached subject carries the epoch of the
//! snapshot that it was read from, and is good while no later epoch is known; so a hot decision reads no store, and no
//! decision after an acknowledged change uses what was before it. Where several nodes share a store, the epoch is read
//! again after [`Config::freshness`](crate::Config::freshness).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nephos_core::AccountId;
use nephos_store::{Read, Store, StoreError, Tx};

use crate::cache::Cache;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::policy::{Kind, Policy, PolicySet};
use crate::records::Entity;

/// A user or role as decisions need it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Its own policies and, for a user, those of its groups.
    pub identity: PolicySet,
    pub boundary: Option<PolicySet>,
    /// The tags: `aws:principaltag/KEY` in lower case, and the value.
    pub tags: Vec<(String, String)>,
}

/// When something was read: the run of the store since it was wiped last, and the account's epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    era: u64,
    epoch: u64,
}

impl Stamp {
    /// Whether what carries this stamp is still good when `now` is known.
    pub(crate) fn covers(self, now: Stamp) -> bool {
        self.era == now.era && self.epoch >= now.epoch
    }
}

/// The latest known epoch of each account.
pub(crate) struct Epochs {
    known: Cache<AccountId, (u64, Instant)>,
    era: AtomicU64,
    freshness: Option<Duration>,
}

impl Epochs {
    pub(crate) fn new(accounts: usize, freshness: Option<Duration>) -> Epochs {
        Epochs { known: Cache::new(accounts), era: AtomicU64::new(1), freshness }
    }

    /// The run of the store since it was wiped last, from 1.
    pub(crate) fn era(&self) -> u64 {
        self.era.load(Ordering::Acquire)
    }

    /// The stamp that what is cached must cover.
    pub(crate) fn now(&self, store: &Store, account: AccountId) -> Result<Stamp, StoreError> {
        let era = self.era.load(Ordering::Acquire);
        if let Some((epoch, seen)) = self.known.get(&account)
            && self.freshness.is_none_or(|freshness| seen.elapsed() < freshness)
        {
            return Ok(Stamp { era, epoch });
        }
        let epoch = store.read(|view| read(view, account))?;
        Ok(Stamp { era, epoch: self.raise(account, epoch) })
    }

    /// The stamp of what is read from `tx`. Taken before the read begins where `tx` is a fresh snapshot.
    pub(crate) fn of<R: Read>(&self, tx: &R, account: AccountId) -> Result<Stamp, StoreError> {
        Ok(Stamp { era: self.era.load(Ordering::Acquire), epoch: read(tx, account)? })
    }

    /// Learns of an epoch; gives the latest known.
    pub(crate) fn raise(&self, account: AccountId, epoch: u64) -> u64 {
        let mut latest = epoch;
        self.known.update(account, |known| {
            latest = known.map_or(epoch, |(known, _)| known.max(epoch));
            Some((latest, Instant::now()))
        });
        latest
    }

    /// The store was wiped: nothing that was read before is good.
    pub(crate) fn wiped(&self) {
        self.era.fetch_add(1, Ordering::AcqRel);
        self.known.clear();
    }
}

fn read<R: Read>(tx: &R, account: AccountId) -> Result<u64, StoreError> {
    let Some(bytes) = tx.get(&keys::epoch(account))? else { return Ok(0) };
    let bytes = <[u8; 8]>::try_from(&bytes[..]);
    bytes.map(u64::from_be_bytes).map_err(|_| StoreError::Corrupt("expected an epoch of 8 bytes".to_owned()))
}

/// Raises the account's epoch within a transaction that changes the account.
pub(crate) fn raise_epoch(tx: &mut Tx, account: AccountId) -> Result<u64, StoreError> {
    let epoch = read(tx, account)? + 1;
    tx.put(keys::epoch(account), epoch.to_be_bytes().to_vec());
    Ok(epoch)
}

impl Subject {
    /// Reads a user or role by name, if it is still the one with this id.
    pub(crate) fn load<R: Read>(
        tx: &R,
        account: AccountId,
        sort: Sort,
        name: &str,
        id: &str,
    ) -> Result<Option<Subject>, Error> {
        match directory::find(tx, account, sort, name)?.filter(|entity| entity.id == id) {
            Some(entity) => Subject::of(tx, account, &entity).map(Some),
            None => Ok(None),
        }
    }

    /// Compiles an entity's policies.
    fn of<R: Read>(tx: &R, account: AccountId, entity: &Entity) -> Result<Subject, Error> {
        Subject::with(tx, account, entity, Vec::new())
    }

    /// Compiles an entity's policies together with others.
    pub(crate) fn with<R: Read>(
        tx: &R,
        account: AccountId,
        entity: &Entity,
        mut policies: Vec<Sourced>,
    ) -> Result<Subject, Error> {
        collect(tx, account, entity, &mut policies)?;
        for group in &entity.groups {
            if let Some(group) = directory::find(tx, account, Sort::Group, group)? {
                collect(tx, account, &group, &mut policies)?;
            }
        }
        let boundary = entity.boundary.as_deref().map(|arn| boundary(tx, account, arn)).transpose()?;
        let tags = entity.tags.iter();
        Ok(Subject {
            identity: PolicySet::new(policies),
            boundary,
            tags: tags
                .map(|(k, v)| (format!("aws:principaltag/{}", k.to_ascii_lowercase()), v.clone()))
                .collect(),
        })
    }
}

/// A policy with where it comes from.
type Sourced = (Arc<str>, Arc<Policy>);

fn collect<R: Read>(
    tx: &R,
    account: AccountId,
    entity: &Entity,
    out: &mut Vec<Sourced>,
) -> Result<(), Error> {
    let noun = entity.sort.noun();
    for (name, document) in &entity.inline {
        let source = format!("inline policy {name} of {noun} {}", entity.name);
        out.push((source.into(), compiled(document)?));
    }
    for arn in &entity.attached {
        // A policy can't be deleted while it is attached; if it is gone all the same, it allows nothing.
        if let Some(document) = directory::policy_document(tx, account, arn)? {
            out.push((arn.as_str().into(), compiled(&document)?));
        }
    }
    Ok(())
}

/// A boundary whose policy is gone allows nothing.
fn boundary<R: Read>(tx: &R, account: AccountId, arn: &str) -> Result<PolicySet, Error> {
    let document = directory::policy_document(tx, account, arn)?;
    let policies =
        document.map(|document| Ok::<_, Error>((Arc::from(arn), compiled(&document)?))).transpose()?;
    Ok(PolicySet::new(policies))
}

/// Stored documents were checked when they were stored. One that does not compile might hold a Deny, so it must not be
/// passed over: the decision fails, closed.
fn compiled(document: &str) -> Result<Arc<Policy>, Error> {
    match Policy::parse(document, Kind::Identity) {
        Ok(policy) => Ok(Arc::new(policy)),
        Err(malformed) => {
            Err(StoreError::Corrupt(format!("stored policy: {malformed} ({})", malformed.detail)).into())
        }
    }
}
