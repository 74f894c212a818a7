//! One execution environment: its sandbox, its Runtime API, its log; from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nephos_core::Timestamp;
use nephos_core::ports::ServingGuard;
use nephos_sandbox::Exit;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;

use super::capture::Capture;
use super::journal::Journal;
use super::outcome::{Failure, Outcome};
use super::runtime_api::{self, Delivery, Event, InvocationResult, Shared};
use super::spec::Call;
use crate::Error;

/// How many of a runtime's requests may wait to be looked at.
const MAX_EVENTS: usize = 16;
/// A long invocation's lines go out this often.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// What a runtime may have said just before it ended is waited for this long.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// A running environment.
pub struct Environment {
    sandbox: nephos_sandbox::Environment,
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    next: Option<oneshot::Sender<Delivery>>,
    /// Its log.
    pub journal: Arc<Journal>,
    capture: Arc<Capture>,
    /// How long its start took, until that is reported.
    pub init: Option<Duration>,
    /// When its credentials end.
    pub expires: Timestamp,
    /// Since when it has nothing to do.
    pub idle_since: Instant,
    frozen: bool,
    runtime_api: AbortHandle,
    _endpoint: Option<ServingGuard>,
    slot: Option<OwnedSemaphorePermit>,
}

/// What an environment is put together from.
pub struct Parts {
    /// The sandbox with its program started.
    pub sandbox: nephos_sandbox::Environment,
    /// Its log.
    pub journal: Arc<Journal>,
    /// Its place among the host's environments.
    pub slot: OwnedSemaphorePermit,
    /// When its credentials end.
    pub expires: Timestamp,
    /// Serves the platform's endpoint inside.
    pub endpoint: Option<Arc<dyn nephos_core::ports::ServeEndpoint>>,
}

impl Environment {
    /// Listens to a program that was just started.
    pub fn new(parts: Parts) -> Result<Environment, Error> {
        let Parts { mut sandbox, journal, slot, expires, endpoint } = parts;
        let mut listeners = std::mem::take(&mut sandbox.listeners).into_iter();
        let (Some(api), Some(platform)) = (listeners.next(), listeners.next()) else {
            return Err(Error::Internal("a sandbox has too few listeners, expected 2".to_owned()));
        };
        let (Some(stdout), Some(stderr)) = (sandbox.stdout.take(), sandbox.stderr.take()) else {
            return Err(Error::Internal("a sandbox has no output, expected two pipes".to_owned()));
        };
        let (events, seen) = mpsc::channel(MAX_EVENTS);
        let shared = Arc::new(Shared::new(events));
        let api = tokio::net::TcpListener::from_std(api)?;
        let runtime_api = tokio::spawn(runtime_api::serve(api, Arc::clone(&shared))).abort_handle();
        let capture = Arc::new(Capture::new(stdout, stderr, Arc::clone(&journal)));
        // Ends by itself when the last process has closed its output.
        tokio::spawn(Arc::clone(&capture).run());
        let _endpoint = endpoint.map(|endpoint| endpoint.serve_endpoint(platform));
        Ok(Environment {
            sandbox,
            shared,
            events: seen,
            next: None,
            journal,
            capture,
            init: None,
            expires,
            idle_since: Instant::now(),
            frozen: false,
            runtime_api,
            _endpoint,
            slot: Some(slot),
        })
    }

    /// The addresses that it listens on inside.
    pub fn addresses() -> Result<Vec<SocketAddr>, Error> {
        let parse = |text: &str| text.parse().map_err(|_| Error::Internal(format!("{text} is no address")));
        [super::variables::RUNTIME_API, super::variables::PLATFORM].into_iter().map(parse).collect()
    }

    /// Waits until the runtime asks for its first invocation.
    pub async fn start(&mut self, started: Instant, limit: Duration) -> Result<(), Failure> {
        let deadline = tokio::time::sleep_until((started + limit).into());
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(Event::Next(next)) => {
                        self.next = Some(next);
                        self.init = Some(started.elapsed());
                        // What was said during the start comes before the first invocation.
                        self.capture.drain();
                        return Ok(());
                    }
                    Some(Event::InitFailed(error)) => return Err(Failure::Init(error)),
                    Some(_) => {}
                    None => return Err(Failure::Exit(self.sandbox.wait().await)),
                },
                exit = self.sandbox.wait() => return Err(self.exited_early(exit).await),
                () = &mut deadline => return Err(Failure::Timeout(limit)),
            }
        }
    }

    async fn exited_early(&mut self, exit: Exit) -> Failure {
        match tokio::time::timeout(LAST_WORDS, self.events.recv()).await {
            Ok(Some(Event::InitFailed(error))) => Failure::Init(error),
            _ => Failure::Exit(exit),
        }
    }

    /// Runs one invocation. Whether the environment can take another is told by [`Environment::is_ready`].
    pub async fn run(
        &mut self,
        call: &Call,
        deadline: (Instant, i64),
        limit: Duration,
    ) -> Result<Outcome, Failure> {
        let delivery = Delivery { head: call.delivery_head(deadline.1), payload: call.payload.clone() };
        self.shared.open(&call.request_id);
        if self.next.take().is_none_or(|next| next.send(delivery).is_err()) {
            return Err(Failure::Exit(self.kill_and_wait().await));
        }
        let result = self.wait_for_result(deadline.0, limit).await;
        self.shared.close();
        if !self.is_ready() {
            self.sandbox.kill();
        }
        result
    }

    /// An invocation ends when its result is there *and* the runtime asks for the next one: so the environment is idle
    /// again before the caller hears of it.
    async fn wait_for_result(&mut self, deadline: Instant, limit: Duration) -> Result<Outcome, Failure> {
        let (deadline, flush) = (tokio::time::sleep_until(deadline.into()), tokio::time::sleep(FLUSH_AFTER));
        tokio::pin!(deadline, flush);
        let mut result = None;
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(Event::Next(next)) => self.next = Some(next),
                    Some(Event::Result(said)) => result = Some(result_of(said)),
                    Some(Event::InitFailed(error)) => result = Some(Ok(Outcome::reported(error))),
                    None => return result.unwrap_or(Err(Failure::Exit(self.sandbox.wait().await))),
                },
                exit = self.sandbox.wait() => {
                    self.next = None;
                    return match tokio::time::timeout(LAST_WORDS, self.events.recv()).await {
                        Ok(Some(Event::Result(said))) => result.unwrap_or(result_of(said)),
                        _ => result.unwrap_or(Err(Failure::Exit(exit))),
                    };
                }
                () = &mut deadline => {
                    self.next = None;
                    return result.unwrap_or(Err(Failure::Timeout(limit)));
                }
                () = &mut flush => {
                    self.journal.flush();
                    flush.set(tokio::time::sleep(FLUSH_AFTER));
                }
            }
            if self.next.is_some()
                && let Some(result) = result.take()
            {
                return result;
            }
        }
    }

    async fn kill_and_wait(&mut self) -> Exit {
        self.sandbox.kill();
        self.sandbox.wait().await
    }

    /// Kills it and waits for its end, so that all of its output is there.
    pub async fn end(&mut self) {
        self.next = None;
        self.kill_and_wait().await;
    }

    /// Gives up its place among the host's environments, for another that takes its place.
    pub fn take_slot(&mut self) -> Option<OwnedSemaphorePermit> {
        self.slot.take()
    }

    /// Whether it waits for an invocation.
    pub fn is_ready(&self) -> bool {
        self.next.as_ref().is_some_and(|next| !next.is_closed()) && !self.sandbox.has_ended()
    }

    /// The most bytes of memory that it has used.
    pub async fn memory_peak(&mut self) -> Option<u64> {
        if self.sandbox.has_ended() {
            return self.sandbox.wait().await.memory_peak_bytes;
        }
        self.sandbox.memory_peak()
    }

    /// Brings all that was written into the log.
    pub fn drain(&self) {
        self.capture.drain();
    }

    /// Stops it where it stands, so that what it left running does not run for free.
    pub fn freeze(&mut self) {
        if self.frozen {
            return;
        }
        match self.sandbox.freeze() {
            Ok(()) => self.frozen = true,
            Err(error) => tracing::debug!(%error, "an idle environment could not be frozen"),
        }
    }

    /// Lets it go on; false if that is not possible.
    pub fn thaw(&mut self) -> bool {
        if self.frozen
            && let Err(error) = self.sandbox.thaw()
        {
            tracing::warn!(%error, "a frozen environment could not be woken");
            return false;
        }
        self.frozen = false;
        true
    }
}

fn result_of(said: InvocationResult) -> Result<Outcome, Failure> {
    match said {
        InvocationResult::Response { body, content_type } => Ok(Outcome::answer(body, content_type)),
        InvocationResult::Failed(error) => Ok(Outcome::reported(error)),
        InvocationResult::TooLarge(bytes) => Err(Failure::TooLarge(bytes)),
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.runtime_api.abort();
    }
}
