//! Connections, each on a thread of its own, lent out one transaction at a time.
//!
//! The client library waits by running a small runtime, which must not happen on a thread that belongs to another one;
//! and a connection must not be closed there either. So each lives on its own thread, which is handed closures to run.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postgres::Config;

use super::session::{Failure, Session};
use crate::StoreError;

/// How long a transaction waits for a connection.
const LEASE_WAIT: Duration = Duration::from_secs(30);
const CONNECT_WAIT: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// The connections.
pub(super) struct Pool {
    config: Config,
    size: usize,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Sender<Job>>,
    /// How many there are, lent ones included.
    open: usize,
}

impl Pool {
    pub(super) fn new(url: &str, size: usize) -> Result<Pool, StoreError> {
        // The parser's own words may repeat the password.
        let malformed = |_| StoreError::Remote("the connection string cannot be read".into());
        let mut config: Config = url.parse().map_err(malformed)?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WAIT);
        }
        Ok(Pool { config, size: size.max(1), state: Mutex::default(), returned: Condvar::new() })
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a connection, opening one if none is idle and there may be more.
    pub(super) fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let none_free = |state: &mut State| state.idle.is_empty() && state.open >= self.size;
        let waited = self.returned.wait_timeout_while(self.lock(), LEASE_WAIT, none_free);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            let (size, secs) = (self.size, LEASE_WAIT.as_secs());
            return Err(StoreError::Remote(format!("none of {size} connections became free in {secs} s")));
        }
        let worker = match state.idle.pop() {
            Some(worker) => worker,
            None => {
                state.open += 1;
                drop(state);
                self.connect().inspect_err(|_| self.closed())?
            }
        };
        Ok(Lease { pool: self.clone(), worker, state: Cell::new(Health::Sound) })
    }

    fn connect(&self) -> Result<Sender<Job>, StoreError> {
        let (jobs, inbox) = channel();
        let (told, outcome) = sync_channel(1);
        let config = self.config.clone();
        let serve = move || match Session::connect(&config) {
            Ok(session) => {
                drop(told.send(Ok(())));
                serve(session, &inbox);
            }
            Err(error) => drop(told.send(Err(error))),
        };
        std::thread::Builder::new().name("store-postgres".into()).spawn(serve)?;
        outcome.recv().unwrap_or(Err(StoreError::Closed))?;
        Ok(jobs)
    }

    fn closed(&self) {
        self.lock().open -= 1;
        self.returned.notify_one();
    }
}

/// Runs jobs until the last sender is gone.
fn serve(mut session: Session, inbox: &Receiver<Job>) {
    for job in inbox {
        job(&mut session);
    }
}

/// A borrowed connection. Given back, it ends its transaction.
pub(super) struct Lease {
    pool: Arc<Pool>,
    worker: Sender<Job>,
    state: Cell<Health>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    /// The server has ended the transaction because of others.
    Conflict,
    /// The connection is of no more use.
    Broken,
}

impl Lease {
    /// Runs `job` on the connection's thread and waits for it.
    pub(super) fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (told, outcome) = sync_channel(1);
        let job: Job = Box::new(move |session| drop(told.send(job(session))));
        let sent = self.worker.send(job).map_err(|_| Failure::broken("its thread ended"));
        let outcome = sent.and_then(|()| outcome.recv().map_err(|_| Failure::broken("its thread ended")));
        outcome.flatten().map_err(|failure| self.failed(failure))
    }

    fn failed(&self, failure: Failure) -> StoreError {
        match failure {
            Failure::Conflict => self.state.set(Health::Conflict),
            Failure::Broken(_) => self.state.set(Health::Broken),
            Failure::Other(_) => {}
        }
        failure.into()
    }

    pub(super) fn met_conflict(&self) -> bool {
        self.state.get() == Health::Conflict
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state.get() == Health::Broken
    }
}

impl Drop for Lease {
    /// Nobody waits for the end of the transaction: the connection's thread does it before anything else.
    fn drop(&mut self) {
        let ended = self.worker.send(Box::new(Session::end));
        if self.is_broken() || ended.is_err() {
            return self.pool.closed();
        }
        self.pool.lock().idle.push(self.worker.clone());
        self.pool.returned.notify_one();
    }
}
