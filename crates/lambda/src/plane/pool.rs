//! Environments between invocations: which wait, which are woken, which end.
//!
//! The one that was used last is used first, so that the others grow old and end. A version that changed leaves a closed
//! pool behind: what comes back to it ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nephos_core::Timestamp;
use nephos_core::ports::AssumedRole;
use tokio::sync::Notify;

use super::environment::Environment;
use super::spec::{FunctionSpec, PoolKey};
use crate::names::FunctionId;

/// The environments of one version of a function.
pub struct Pool {
    idle: Mutex<Vec<Environment>>,
    /// One came back.
    pub released: Notify,
    closed: AtomicBool,
    /// The role's credentials, shared by environments that start close together.
    pub credentials: tokio::sync::Mutex<Option<AssumedRole>>,
}

impl Pool {
    fn new() -> Pool {
        Pool {
            idle: Mutex::default(),
            released: Notify::new(),
            closed: AtomicBool::new(false),
            credentials: tokio::sync::Mutex::const_new(None),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the environment that was used last. Those that can't be used any more end on the way.
    pub fn take(&self, needed_until: Timestamp) -> Option<Environment> {
        loop {
            let mut environment = self.idle().pop()?;
            if environment.is_ready() && environment.expires > needed_until && environment.thaw() {
                return Some(environment);
            }
        }
    }

    /// Takes an environment back, unless it is of no more use.
    pub fn give(&self, mut environment: Environment) {
        environment.idle_since = Instant::now();
        if !self.closed.load(Ordering::Acquire) && environment.is_ready() {
            self.idle().push(environment);
        }
        self.released.notify_one();
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let ended = std::mem::take(&mut *self.idle());
        drop(ended);
        self.released.notify_waiters();
    }

    fn is_idle_forever(&self) -> bool {
        self.idle().is_empty()
    }
}

/// The pools of all functions.
#[derive(Default)]
pub struct Pools {
    pools: Mutex<HashMap<PoolKey, Arc<Pool>>>,
}

impl Pools {
    fn pools(&self) -> MutexGuard<'_, HashMap<PoolKey, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool of a version.
    pub fn of(&self, spec: &FunctionSpec) -> Arc<Pool> {
        let key = spec.pool_key();
        let mut pools = self.pools();
        if let Some(pool) = pools.get(&key) {
            return Arc::clone(pool);
        }
        let pool = Arc::new(Pool::new());
        pools.insert(key, Arc::clone(&pool));
        pool
    }

    /// Ends the environments of a function's version that are of an older revision; of all versions if none is named.
    pub fn retire(&self, function: &FunctionId, kept: Option<(u64, &str)>) {
        let stale = |key: &PoolKey| {
            key.function == *function
                && kept.is_none_or(|(number, revision)| key.number == number && key.revision != revision)
        };
        let retired: Vec<Arc<Pool>> =
            self.pools().extract_if(|key, _| stale(key)).map(|(_, pool)| pool).collect();
        retired.iter().for_each(|pool| pool.close());
    }

    /// Ends everything.
    pub fn clear(&self) {
        let all: Vec<Arc<Pool>> = self.pools().drain().map(|(_, pool)| pool).collect();
        all.iter().for_each(|pool| pool.close());
    }

    /// Ends what has been idle for longer than `expiry`, and freezes what has been for longer than `freeze`.
    pub fn tend(&self, expiry: Duration, freeze: Option<Duration>) {
        let pools: Vec<Arc<Pool>> = self.pools().values().map(Arc::clone).collect();
        let mut ended = Vec::new();
        for pool in &pools {
            let mut idle = pool.idle();
            ended.extend(idle.extract_if(.., |e| e.idle_since.elapsed() > expiry || !e.is_ready()));
            if let Some(freeze) = freeze {
                idle.iter_mut().filter(|e| e.idle_since.elapsed() > freeze).for_each(Environment::freeze);
            }
        }
        drop(ended);
        drop(pools);
        // A pool that nobody holds and that holds nothing is let go.
        self.pools().retain(|_, pool| Arc::strong_count(pool) > 1 || !pool.is_idle_forever());
    }

    /// Ends the environment that has been idle for longest; false if none is idle.
    pub fn end_oldest(&self) -> bool {
        let pools: Vec<Arc<Pool>> = self.pools().values().map(Arc::clone).collect();
        let oldest = pools.iter().filter_map(|pool| {
            let idle = pool.idle();
            idle.iter().map(|e| e.idle_since).min().map(|since| (since, pool))
        });
        let Some((since, pool)) = oldest.min_by_key(|(since, _)| *since) else { return false };
        let mut idle = pool.idle();
        let ended = idle.iter().position(|e| e.idle_since == since).map(|at| idle.remove(at));
        drop(idle);
        ended.is_some()
    }

    /// How many environments are idle.
    pub fn idle_count(&self) -> usize {
        self.pools().values().map(|pool| pool.idle().len()).sum()
    }
}
