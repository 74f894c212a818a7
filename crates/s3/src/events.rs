//! Events: noted in the transaction of the change, delivered to functions afterwards, at least once.

use std::sync::Arc;
use std::time::Duration;

use nephos_core::ports::{Invoke, InvokeFunction, InvokeMode};
use nephos_core::{AccountId, Cx, Fault, Platform, Region, Timestamp};
use nephos_store::outbox::{self, Event, Outbox};
use nephos_store::{StoreError, Tx};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::error::Error;
use crate::event_json::event;
use crate::objects::Change;
use crate::records::{Object, text};

/// The outbox's topic.
pub const TOPIC: &str = "s3-events";

/// Who calls the functions.
const SERVICE: &str = "s3.amazonaws.com";

/// For how long a claimed event is ours.
const LEASE: Duration = Duration::from_secs(60);

/// The longest pause between two attempts.
const LONGEST_PAUSE_SECS: u64 = 300;

/// How often a function that is not there, or not for us to call, is tried.
const ATTEMPTS_WHEN_REFUSED: u32 = 5;

/// An event on its way to one function.
#[derive(Debug, Serialize, Deserialize)]
struct Delivery {
    function: String,
    bucket_arn: String,
    #[serde(with = "text")]
    account: AccountId,
    #[serde(with = "text")]
    region: Region,
    event: String,
}

/// Notes what a change causes, one event a target that hears of it.
pub fn note(tx: &mut Tx, change: &Change<'_>, sequence: u64, object: Option<&Object>) -> Result<(), Error> {
    let bucket = change.bucket;
    for target in bucket.notifications.iter().filter(|it| it.hears(change.happening, change.key)) {
        let unwritable = |error| StoreError::Corrupt(format!("an event cannot be written: {error}"));
        let delivery = Delivery {
            function: target.function.clone(),
            bucket_arn: format!("arn:aws:s3:::{}", bucket.name),
            account: bucket.owner,
            region: bucket.region.clone(),
            event: event(change, &target.id, sequence, object).map_err(unwritable)?,
        };
        let payload = serde_json::to_vec(&delivery).map_err(unwritable)?;
        outbox::put(tx, TOPIC, change.now, &payload)?;
    }
    Ok(())
}

/// Delivers events.
pub struct Courier {
    /// The events.
    pub outbox: Outbox,
    /// What a delivery needs.
    pub platform: Arc<Platform>,
    /// The functions.
    pub invoke: Arc<dyn Invoke>,
    /// How many events are under way at a time.
    pub concurrency: usize,
    /// After how long an event is given up.
    pub max_age: Duration,
}

impl Courier {
    /// Delivers for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            match self.round().await {
                Ok(0) => self.outbox.wait(self.pause()).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "s3 events could not be claimed");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Delivers what is due now; tells how many events that were.
    pub async fn round(self: &Arc<Self>) -> Result<usize, StoreError> {
        let events = self.outbox.claim(self.platform.clock.now(), self.concurrency, LEASE).await?;
        let count = events.len();
        let mut under_way = JoinSet::new();
        for event in events {
            let courier = Arc::clone(self);
            under_way.spawn(async move { courier.deliver(event).await });
        }
        while let Some(done) = under_way.join_next().await {
            if let Ok(Err(error)) = done {
                tracing::error!(%error, "an s3 event's outcome could not be stored, it will be delivered again");
            }
        }
        Ok(count)
    }

    /// How long to wait for a new event: shortly if an old one is to be tried again, by a clock that tests move.
    fn pause(&self) -> Duration {
        match self.outbox.next_due() {
            Ok(Some(_)) => Duration::from_millis(500),
            _ => Duration::from_secs(30),
        }
    }

    async fn deliver(&self, event: Event) -> Result<(), StoreError> {
        let Ok(delivery) = serde_json::from_slice::<Delivery>(&event.payload) else {
            tracing::error!(id = %event.id, "an s3 event is unreadable and is dropped");
            return self.outbox.complete(&event.id).await;
        };
        let function = delivery.function.clone();
        let Err(fault) = self.call(delivery).await else { return self.outbox.complete(&event.id).await };
        let now = self.platform.clock.now();
        if self.is_hopeless(&event, &fault, now) {
            tracing::warn!(function, attempts = event.attempts, %fault, "an s3 event could not be delivered and is dropped");
            return self.outbox.complete(&event.id).await;
        }
        tracing::info!(function, attempts = event.attempts, %fault, "an s3 event is to be delivered again");
        self.outbox.retry(&event.id, now + backoff(event.attempts)).await
    }

    fn is_hopeless(&self, event: &Event, fault: &Fault, now: Timestamp) -> bool {
        let refused = matches!(fault.status, 400..=428 | 430..=499);
        let too_often = refused && event.attempts >= ATTEMPTS_WHEN_REFUSED;
        too_often || now - event.created > self.max_age
    }

    async fn call(&self, delivery: Delivery) -> Result<(), Fault> {
        let Delivery { function, bucket_arn, account, region, event } = delivery;
        let cx = Cx::for_service(&self.platform, SERVICE, account, region).as_service(SERVICE, &bucket_arn);
        let call = InvokeFunction { function, payload: event.into(), mode: InvokeMode::Event };
        self.invoke.invoke(&cx, call).await.map(drop)
    }
}

/// The pause before the next attempt: a second, doubled each time.
fn backoff(attempts: u32) -> Duration {
    let doubled = 1u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_secs(doubled.clamp(1, LONGEST_PAUSE_SECS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let secs: Vec<_> = [1, 2, 3, 9, 10, 70, u32::MAX].map(|n| backoff(n).as_secs()).to_vec();
        assert_eq!(secs, [1, 2, 4, 256, 300, 300, 300]);
    }
}
