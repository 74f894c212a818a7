//! Asynchronous invocations: a durable queue in the store's outbox, and the worker that delivers from it.
//!
//! An event that was acknowledged is delivered at least once. A failed function is tried again after one and after two
//! minutes by the platform's clock; throttled or interrupted invocations again and again until the event is too old.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_core::{Cx, Region, Timestamp};
use nephos_store::outbox::{self, Outbox};
use nephos_store::{Read, Record, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::names::{FunctionId, LATEST, Owner, Reference};
use crate::plane::SERVICE;
use crate::records::EventConfigRecord;
use crate::{Error, Lambda, invoke, keys};

const TOPIC: &str = "lambda-async";
const DEFAULT_RETRIES: u32 = 2;
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// The delay before a failed function's next try is this long, times the number of failures.
const RETRY_DELAY: Duration = Duration::from_secs(60);
/// Interrupted invocations wait from one second, doubling, to five minutes.
const MAX_BACKOFF: Duration = Duration::from_secs(300);
/// A claim is renewed while its invocation runs, so that after a crash another takes over soon.
const LEASE: Duration = Duration::from_secs(60);
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Events that become due by the platform's clock alone are noticed this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An event on its way to a function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QueuedEvent {
    account: String,
    region: String,
    function: String,
    qualifier: Option<String>,
    /// In base64.
    payload: String,
    request_id: String,
    client_context: Option<String>,
    /// When it was accepted, in milliseconds since 1970.
    accepted_millis: i64,
    /// How often the function has failed it.
    failures: u32,
    /// How often it could not even be tried.
    interruptions: u32,
}

impl Record for QueuedEvent {
    const VERSION: u16 = 1;
}

impl QueuedEvent {
    /// A new event.
    pub fn new(
        reference: &Reference,
        payload: &Bytes,
        now: Timestamp,
        request_id: String,
        client_context: Option<String>,
    ) -> QueuedEvent {
        QueuedEvent {
            account: reference.function.owner.account.to_string(),
            region: reference.function.owner.region.to_string(),
            function: reference.function.name.clone(),
            qualifier: reference.qualifier.clone(),
            payload: STANDARD.encode(payload),
            request_id,
            client_context,
            accepted_millis: now.millis(),
            failures: 0,
            interruptions: 0,
        }
    }

    fn reference(&self) -> Option<Reference> {
        let region: Region = self.region.parse().ok()?;
        let owner = Owner { account: self.account.parse().ok()?, region };
        let function = FunctionId { owner, name: self.function.clone() };
        Some(Reference { function, qualifier: self.qualifier.clone() })
    }
}

/// Puts an event into the queue, durably.
pub async fn put(lambda: &Lambda, event: &QueuedEvent, due: Timestamp) -> Result<(), Error> {
    let payload = nephos_store::record::encode(event)?;
    let put = lambda.deps.store.transact("lambda-async-put", |tx| {
        outbox::put(tx, TOPIC, due, &payload)?;
        Ok::<_, Error>(())
    });
    put.await
}

/// Delivers events for ever.
pub async fn work(lambda: Arc<Lambda>) {
    let outbox = Outbox::new(lambda.deps.store.clone(), TOPIC);
    let places = Arc::new(Semaphore::new(lambda.config.async_concurrency));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let now = lambda.deps.platform.clock.now();
        // One at a time: what is claimed is delivered at once, and never waits for a place with its lease running.
        match outbox.claim(now, 1, LEASE).await {
            Ok(events) => match events.into_iter().next() {
                Some(event) => {
                    let (lambda, outbox) = (Arc::clone(&lambda), outbox.clone());
                    tokio::spawn(async move {
                        deliver(&lambda, &outbox, event).await;
                        drop(place);
                    });
                }
                None => outbox.wait(LOOK_EVERY).await,
            },
            Err(error) => {
                tracing::error!(%error, "asynchronous invocations could not be claimed");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

async fn deliver(lambda: &Lambda, outbox: &Outbox, event: outbox::Event) {
    let queued = match nephos_store::record::decode::<QueuedEvent>(&event.payload) {
        Ok(queued) => queued,
        Err(error) => {
            tracing::error!(%error, "an asynchronous invocation is unreadable and is dropped");
            return finish(outbox, &event, Ok(())).await;
        }
    };
    let renewal = renew(lambda, outbox, &event);
    let next = tokio::select! {
        next = attempt(lambda, &queued) => next,
        () = renewal => return,
    };
    let put_back = match next {
        Some((again, due)) => put(lambda, &again, due).await,
        None => Ok(()),
    };
    finish(outbox, &event, put_back).await;
}

/// Forgets a delivered event; one whose next try could not be written stays, and is due again when its lease ends.
async fn finish(outbox: &Outbox, event: &outbox::Event, put_back: Result<(), Error>) {
    let done = match put_back {
        Ok(()) => outbox.complete(&event.id).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::error!(%error, "an asynchronous invocation could not be settled and will be delivered again");
    }
}

/// Keeps the claim alive, for ever.
async fn renew(lambda: &Lambda, outbox: &Outbox, event: &outbox::Event) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let until = lambda.deps.platform.clock.now() + LEASE;
        if let Err(error) = outbox.retry(&event.id, until).await {
            tracing::warn!(%error, "the claim on an asynchronous invocation could not be renewed");
        }
    }
}

/// Tries an event once; what is to be tried again, and when.
async fn attempt(lambda: &Lambda, queued: &QueuedEvent) -> Option<(QueuedEvent, Timestamp)> {
    let reference = queued.reference()?;
    let config = match config(lambda, &reference) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!(%error, "an asynchronous invocation's settings could not be read");
            EventConfigRecord::default()
        }
    };
    let max_age = config.max_age_seconds.map_or(DEFAULT_MAX_AGE, |age| Duration::from_secs(age.into()));
    let accepted = Timestamp::from_millis(queued.accepted_millis);
    let too_old = || lambda.deps.platform.clock.now() - accepted > max_age;
    if too_old() {
        dropped(queued, "it is too old");
        return None;
    }
    let mut again = queued.clone();
    let delay = match run(lambda, &reference, queued).await {
        Ok(false) => return None,
        Ok(true) => {
            again.failures += 1;
            if again.failures > config.retries.unwrap_or(DEFAULT_RETRIES) {
                dropped(queued, "the function failed it too often");
                return None;
            }
            RETRY_DELAY * again.failures
        }
        Err(Error::NotFound(text)) => {
            dropped(queued, &text);
            return None;
        }
        Err(error) => {
            tracing::warn!(%error, function = queued.function, "an asynchronous invocation is put off");
            again.interruptions += 1;
            Duration::from_secs(1 << again.interruptions.min(9)).min(MAX_BACKOFF)
        }
    };
    Some((again, lambda.deps.platform.clock.now() + delay))
}

fn dropped(queued: &QueuedEvent, reason: &str) {
    let (function, request_id) = (&queued.function, &queued.request_id);
    tracing::warn!(function, request_id, reason, "an asynchronous invocation is dropped");
}

fn config(lambda: &Lambda, reference: &Reference) -> Result<EventConfigRecord, StoreError> {
    let qualifier = reference.qualifier.as_deref().filter(|qualifier| *qualifier != LATEST);
    let key = keys::event_config(&reference.function, qualifier);
    Ok(lambda.deps.store.read(|view| view.record(&key))?.unwrap_or_default())
}

/// Whether the function failed.
async fn run(lambda: &Lambda, reference: &Reference, queued: &QueuedEvent) -> Result<bool, Error> {
    let payload = STANDARD.decode(&queued.payload);
    let payload = payload.map_err(|_| Error::Internal("a queued payload is no base64".to_owned()))?;
    let owner = &reference.function.owner;
    let cx = Cx::for_service(&lambda.deps.platform, SERVICE, owner.account, owner.region.clone());
    let request = invoke::Request {
        payload: payload.into(),
        client_context: queued.client_context.clone(),
        request_id: queued.request_id.clone(),
        wants_tail: false,
    };
    let (outcome, _) = invoke::run(lambda, &cx, reference, request).await?;
    Ok(outcome.failed)
}
