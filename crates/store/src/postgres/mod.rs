//! The engine over a database server that speaks PostgreSQL's protocol, for several nodes over one store.
//!
//! One table of keys and values, plain SQL, and the server's own `SERIALIZABLE`; a conflict that it reports runs the
//! closure again. After the first conflict a transaction waits for its turn among those of this process that conflict
//! too, so that a hot row is worked on in turn and the number of attempts stays small.
//!
//! Deliberately absent: TLS. Use a local socket, or a tunnel.

mod pool;
mod session;

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use nephos_core::random;

use crate::backlog::Backlog;
use crate::counts::{Counters, Counts};
use crate::engine::{Body, Engine, Limits, Receipt, Verdict};
use crate::snapshot::{Entries, Snapshot};
use crate::topics::{Announcement, Topics};
use crate::{Options, Range, StoreError, Tx, View};

use pool::{Lease, Pool};
use session::{Isolation, Page};

/// How often a transaction is tried.
const MAX_ATTEMPTS: u32 = 40;
/// An index entry of PostgreSQL must fit three times into a page of 8 KiB.
const MAX_KEY_BYTES: usize = 2600;

/// The engine.
pub(crate) struct Postgres {
    pool: Arc<Pool>,
    limits: Limits,
    topics: Arc<Topics>,
    counters: Counters,
    /// Held by a transaction that met a conflict, until it is done.
    turn: Mutex<()>,
}

impl Postgres {
    /// Connects, and makes the table if it is not there.
    pub(crate) fn connect(url: &str, options: &Options, topics: Arc<Topics>) -> Result<Postgres, StoreError> {
        let pool = Arc::new(Pool::new(url, options.connections)?);
        let limits = Limits { key_bytes: MAX_KEY_BYTES, transaction_bytes: options.max_batch_bytes };
        blocking(|| pool.lease()?.call(session::Session::set_up))?;
        Ok(Postgres { pool, limits, topics, counters: Counters::default(), turn: Mutex::new(()) })
    }

    /// A connection on which a transaction has begun. One that broke while it lay idle is replaced.
    fn begin(&self, isolation: Isolation) -> Result<Rc<Lease>, StoreError> {
        let mut tries = 0;
        loop {
            let lease = self.pool.lease()?;
            match lease.call(move |session| session.begin(isolation)) {
                Ok(()) => return Ok(Rc::new(lease)),
                Err(_) if lease.is_broken() && tries <= self.pool.size() => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// One run; none if it met a conflict.
    fn attempt(&self, body: Body<'_>) -> Result<Option<()>, StoreError> {
        let lease = self.begin(Isolation::Serializable)?;
        // The server keeps the record of reads.
        let mut tx = Tx::untracked(Box::new(Remote { lease: lease.clone() }), &self.topics);
        let changes = match body(&mut tx) {
            Verdict::Commit => tx.finish(&self.limits).map(|(_, changes)| changes),
            Verdict::Abort => Ok(Default::default()),
        };
        if lease.met_conflict() {
            return Ok(None);
        }
        let changes = changes?;
        let writes = changes.writes;
        let commits = u64::from(!writes.is_empty());
        // Even without writes: only a commit tells that what was read fits some order.
        let outcome = lease.call(move |session| session.commit(&writes));
        if lease.met_conflict() {
            return Ok(None);
        }
        outcome?;
        self.counters.commits.fetch_add(commits, Ordering::Relaxed);
        changes.announced.iter().for_each(Announcement::ring);
        Ok(Some(()))
    }
}

impl Engine for Postgres {
    fn read(&self, body: &mut dyn FnMut(&View)) -> Result<(), StoreError> {
        blocking(|| {
            let lease = self.begin(Isolation::Snapshot)?;
            body(&View::new(Box::new(Remote { lease })));
            Ok(())
        })
    }

    fn transact(&self, name: &'static str, body: Body<'_>) -> Result<Option<Receipt>, StoreError> {
        blocking(|| {
            if self.attempt(&mut *body)?.is_some() {
                return Ok(None);
            }
            self.counters.conflicts.fetch_add(1, Ordering::Relaxed);
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            for tried in 1..MAX_ATTEMPTS {
                std::thread::sleep(pause(tried));
                if self.attempt(&mut *body)?.is_some() {
                    return Ok(None);
                }
            }
            Err(StoreError::Conflict { name, attempts: MAX_ATTEMPTS })
        })
    }

    fn backlog(&self) -> Option<&Backlog> {
        None
    }

    fn counts(&self) -> Counts {
        self.counters.read(0)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn clear(&self) -> Result<(), StoreError> {
        blocking(|| self.pool.lease()?.call(session::Session::clear))
    }
}

/// A random pause that grows with the attempts, up to 32 ms.
fn pause(tried: u32) -> Duration {
    let bound = 250_u32 << tried.min(7);
    let part = u32::from(u16::from_be_bytes(random::bytes()));
    Duration::from_micros(u64::from(bound) * u64::from(part) / 65_536)
}

/// Runs work that waits for the server, letting other tasks of a runtime with several threads move on.
fn blocking<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let flavor = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
    match flavor {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// What a transaction on the server sees.
struct Remote {
    lease: Rc<Lease>,
}

impl Snapshot for Remote {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let key = key.to_vec();
        self.lease.call(move |session| session.get(&key))
    }

    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
        self.lease.call(move |session| session.get_many(&keys))
    }

    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        let Some(mut page) = Page::first(range) else { return Ok(()) };
        loop {
            let wanted = page.clone();
            let rows = self.lease.call(move |session| session.page(&wanted))?;
            let next = page.next(&rows);
            for (key, value) in rows {
                if visit(key, value).is_break() {
                    return Ok(());
                }
            }
            match next {
                Some(next) => page = next,
                None => return Ok(()),
            }
        }
    }
}
