//! One invocation from its acceptance to its report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::environment::Environment;
use super::journal::{Journal, Report, init_report};
use super::outcome::{Failure, Outcome, timeout_text};
use super::pool::Pool;
use super::spec::{Call, FunctionSpec};
use super::start::StartError;
use super::{Plane, Waiting};
use crate::Error;
use crate::error::Throttle;

/// What an invocation gets to run in.
enum Found {
    /// An environment that waited.
    Warm(Box<Environment>),
    /// The right to start one: its place among the host's environments, and among those that are starting.
    Cold(OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// How a start ended.
enum Started {
    /// The runtime waits for its invocation, which has this long.
    Ready(Box<Environment>, Duration),
    /// It failed, and so does the invocation.
    Failed(Outcome),
}

impl Plane {
    pub(super) async fn run(&self, spec: &FunctionSpec, call: &Call) -> Result<Outcome, Error> {
        let pool = self.pools.of(spec);
        let (environment, limit) = match self.find(&pool, spec).await? {
            Found::Warm(environment) => (environment, spec.timeout()),
            Found::Cold(slot, starting) => match self.start_for(spec, &pool, (slot, starting), call).await? {
                Started::Ready(environment, limit) => (environment, limit),
                Started::Failed(outcome) => return Ok(outcome),
            },
        };
        Ok(self.run_in((*environment, limit), &pool, spec, call).await)
    }

    /// An environment that waits, one that comes back, or the right to start one: whichever is first.
    async fn find(&self, pool: &Pool, spec: &FunctionSpec) -> Result<Found, Error> {
        let clock = &self.deps.platform.clock;
        let needed_until = || clock.now() + spec.timeout() + Duration::from_secs(5);
        if let Some(environment) = pool.take(needed_until()) {
            return Ok(Found::Warm(Box::new(environment)));
        }
        let _waiting = Waiting::enter(self)?;
        let give_up = tokio::time::sleep(self.config.wait_at_most);
        tokio::pin!(give_up);
        loop {
            // Registered before the look, so that nothing that comes back in between is missed.
            let released = pool.released.notified();
            if let Some(environment) = pool.take(needed_until()) {
                return Ok(Found::Warm(Box::new(environment)));
            }
            if self.slots.available_permits() == 0 {
                self.pools.end_oldest();
            }
            tokio::select! {
                right = self.right_to_start() => return right,
                () = released => {}
                () = &mut give_up => return Err(Error::Throttled(Throttle::Host)),
                // An environment of another function may have become idle.
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
    }

    async fn right_to_start(&self) -> Result<Found, Error> {
        let closed = |_| Error::Internal("the data plane is closed".to_owned());
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(closed)?;
        let starting = Arc::clone(&self.starting).acquire_owned().await.map_err(closed)?;
        Ok(Found::Cold(slot, starting))
    }

    /// Starts an environment. A start that fails is tried once more, within the invocation's own time.
    async fn start_for(
        &self,
        spec: &FunctionSpec,
        pool: &Pool,
        (slot, starting): (OwnedSemaphorePermit, OwnedSemaphorePermit),
        call: &Call,
    ) -> Result<Started, Error> {
        let first = self.try_start(spec, pool, slot, self.config.init_limit).await;
        drop(starting);
        let mut ended = match first {
            Ok(environment) => return Ok(Started::Ready(environment, spec.timeout())),
            Err(Unstarted::Platform(error)) => return Err(error),
            Err(Unstarted::Ended(ended)) => ended,
        };
        ended.report("init");
        // A program that can't be started can't be started a second time either.
        let Some(slot) = ended.slot.take() else {
            return Ok(Started::Failed(ended.fail(spec, call, Duration::ZERO)));
        };
        let began = Instant::now();
        match self.try_start(spec, pool, slot, spec.timeout()).await {
            Ok(mut environment) => {
                // This start counts as a part of the invocation.
                environment.init = None;
                Ok(Started::Ready(environment, spec.timeout().saturating_sub(began.elapsed())))
            }
            Err(Unstarted::Platform(error)) => Err(error),
            Err(Unstarted::Ended(ended)) => {
                ended.report("invoke");
                Ok(Started::Failed(ended.fail(spec, call, began.elapsed())))
            }
        }
    }

    async fn try_start(
        &self,
        spec: &FunctionSpec,
        pool: &Pool,
        slot: OwnedSemaphorePermit,
        limit: Duration,
    ) -> Result<Box<Environment>, Unstarted> {
        let (mut environment, started) = match self.start(spec, pool, slot).await {
            Ok((environment, started)) => (Box::new(environment), started),
            Err(StartError::Function(failure, journal)) => {
                let (slot, peak_bytes, took) = (None, None, Duration::ZERO);
                return Err(Unstarted::Ended(Ended { journal, slot, peak_bytes, failure, took }));
            }
            Err(StartError::Platform(error)) => return Err(Unstarted::Platform(error)),
        };
        match environment.start(started, limit).await {
            Ok(()) => Ok(environment),
            Err(failure) => {
                let took = started.elapsed();
                environment.end().await;
                environment.drain();
                let (journal, slot) = (Arc::clone(&environment.journal), environment.take_slot());
                let peak_bytes = environment.memory_peak().await;
                Err(Unstarted::Ended(Ended { journal, slot, peak_bytes, failure, took }))
            }
        }
    }

    async fn run_in(
        &self,
        (mut environment, limit): (Environment, Duration),
        pool: &Pool,
        spec: &FunctionSpec,
        call: &Call,
    ) -> Outcome {
        let journal = environment.journal.clone();
        if call.wants_tail {
            journal.start_tail();
        }
        journal.line(start_line(spec, call));
        let began = Instant::now();
        let deadline = (began + limit, self.deadline_millis(limit));
        let result = environment.run(call, deadline, spec.timeout()).await;
        let duration = began.elapsed();
        if !environment.is_ready() {
            environment.end().await;
        }
        environment.drain();
        let (init, failure) = (environment.init.take(), result.as_ref().err());
        if let Some(failure) = failure {
            self.log_failure(&environment, failure, call);
        }
        let report = Report {
            request_id: &call.request_id,
            duration: if matches!(failure, Some(Failure::Timeout(_))) { limit } else { duration },
            init,
            memory_mb: spec.version.memory_mb,
            memory_peak_bytes: environment.memory_peak().await,
            status: failure.map(Failure::status),
        };
        journal.line(format!("END RequestId: {}", call.request_id));
        journal.line(report.line());
        let log_tail = journal.take_tail();
        journal.flush();
        pool.give(environment);
        let outcome = result.unwrap_or_else(|failure| failure.outcome(&call.request_id));
        Outcome { log_tail, ..outcome }
    }

    /// When the invocation ends, by the clock that the function sees: the host's own, however the platform's is moved.
    fn deadline_millis(&self, limit: Duration) -> i64 {
        let clock = &self.deps.platform.clock;
        (clock.now() - clock.offset() + limit).millis()
    }

    fn log_failure(&self, environment: &Environment, failure: &Failure, call: &Call) {
        match failure {
            Failure::Timeout(limit) => {
                let now = self.deps.platform.clock.now().iso8601_millis();
                environment.journal.line(format!("{now} {} {}", call.request_id, timeout_text(*limit)));
            }
            Failure::TooLarge(_) => environment.journal.line(failure.message(&call.request_id)),
            failure => log_exit(&environment.journal, failure, call),
        }
    }
}

fn log_exit(journal: &Journal, failure: &Failure, call: &Call) {
    journal.line(format!("{}\n{}", failure.message(&call.request_id), failure.error_type()));
}

fn start_line(spec: &FunctionSpec, call: &Call) -> String {
    format!("START RequestId: {} Version: {}", call.request_id, spec.label())
}

/// Why there is no environment that could be used.
enum Unstarted {
    /// It ended before its first invocation, or could not even be started.
    Ended(Ended),
    /// The platform failed.
    Platform(Error),
}

/// What is left of an environment whose start failed.
struct Ended {
    journal: Arc<Journal>,
    /// Its place among the host's environments, for the next try; none if there is no point in one.
    slot: Option<OwnedSemaphorePermit>,
    peak_bytes: Option<u64>,
    failure: Failure,
    took: Duration,
}

impl Ended {
    fn report(&self, phase: &str) {
        let (status, error_type) = self.failure.status();
        self.journal.line(init_report(self.took, phase, status, error_type));
        self.journal.flush();
    }

    /// Ends the invocation that it was started for.
    fn fail(self, spec: &FunctionSpec, call: &Call, duration: Duration) -> Outcome {
        let journal = &self.journal;
        if call.wants_tail {
            journal.start_tail();
        }
        journal.line(start_line(spec, call));
        match &self.failure {
            Failure::Init(_) => {}
            Failure::Timeout(limit) => journal.line(format!("{} {}", call.request_id, timeout_text(*limit))),
            failure => log_exit(journal, failure, call),
        }
        let report = Report {
            request_id: &call.request_id,
            duration,
            init: None,
            memory_mb: spec.version.memory_mb,
            memory_peak_bytes: self.peak_bytes,
            status: Some(self.failure.status()),
        };
        journal.line(format!("END RequestId: {}", call.request_id));
        journal.line(report.line());
        let log_tail = journal.take_tail();
        journal.flush();
        Outcome { log_tail, ..self.failure.outcome(&call.request_id) }
    }
}
