//! Events that are written in the transaction that made the change, and delivered afterwards, at least once.
//!
//! A claim leases an event: until the lease ends nobody else gets it, and if its worker dies it is claimed again. An
//! event has three rows: its body, written once; its state; and its place in the order of due times.
//! In a log-structured engine a scan walks over all that was deleted in its way, and a queue deletes at its front. So the
//! process remembers from which due time on there can be rows at all, and looks no further back.
//! What is deliberately absent: an order between events, and a limit of attempts, which is the worker's to decide.

use std::fmt;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nephos_core::{Timestamp, random};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{Key, Range, Read, Record, Store, StoreError, Tx, View};

/// Names one event.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventId {
    id: [u8; 16],
    /// The claim that this id came from: an answer to an earlier claim moves nothing.
    claim: u32,
}

/// A claimed event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name, for the answer.
    pub id: EventId,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// What was put.
    pub payload: Bytes,
    /// When it was first due.
    pub created: Timestamp,
}

/// One topic's events, seen by those who deliver them.
#[derive(Clone)]
pub struct Outbox {
    store: Store,
    topic: &'static str,
    bell: Arc<Notify>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    due: i64,
    created: i64,
    attempts: u32,
}

impl Record for State {
    const VERSION: u16 = 1;
}

/// Adds an event to `topic` as a part of `tx`, to be delivered at `due` or later.
pub fn put(tx: &mut Tx, topic: &'static str, due: Timestamp, payload: &[u8]) -> Result<EventId, StoreError> {
    let id = random::bytes();
    let state = State { due: due.millis(), created: due.millis(), attempts: 0 };
    tx.announce(topic, state.due, true);
    tx.put(body_key(topic, &id), Bytes::copy_from_slice(payload));
    tx.put_record(state_key(topic, &id), &state)?;
    tx.put(due_key(topic, state.due, &id), Bytes::new());
    Ok(EventId { id, claim: 0 })
}

impl Outbox {
    /// The events of `topic` in `store`.
    pub fn new(store: Store, topic: &'static str) -> Outbox {
        let bell = store.topics().bell(topic);
        Outbox { store, topic, bell }
    }

    /// Leases up to `limit` events that are due at `now`, the longest due first.
    pub async fn claim(
        &self,
        now: Timestamp,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<Event>, StoreError> {
        let topic = self.topic;
        let Some(from) = self.first_due(now)? else { return Ok(Vec::new()) };
        let claim = move |tx: &mut Tx| {
            let ids = due_ids(tx, &due_between(topic, from, now).limit(limit))?;
            ids.into_iter().map(|(_, id)| lease_event(tx, topic, id, now + lease)).collect()
        };
        self.store.transact("outbox claim", claim).await
    }

    /// The earliest due time up to `now`, noted as the one from which to look the next time.
    fn first_due(&self, now: Timestamp) -> Result<Option<i64>, StoreError> {
        // Marked before the snapshot is taken: what is announced after the mark may be missing from it.
        let mark = self.store.topics().mark(self.topic);
        let range = due_between(self.topic, mark.floor(), now).limit(1);
        let first = self.store.read(|view| due_ids(view, &range))?.first().map(|(due, _)| *due);
        self.store.topics().raise(self.topic, &mark, first.unwrap_or(now.millis().saturating_add(1)));
        Ok(first)
    }

    /// Removes a delivered event. Doing so twice is no error.
    pub async fn complete(&self, id: &EventId) -> Result<(), StoreError> {
        let topic = self.topic;
        let complete = |tx: &mut Tx| {
            let Some(state) = tx.record::<State>(&state_key(topic, &id.id))? else { return Ok(()) };
            tx.delete(due_key(topic, state.due, &id.id));
            tx.delete(state_key(topic, &id.id));
            tx.delete(body_key(topic, &id.id));
            Ok(())
        };
        self.store.transact("outbox complete", complete).await
    }

    /// Ends the lease early: the event is due again at `due`. Nothing happens if somebody else has claimed it since.
    pub async fn retry(&self, id: &EventId, due: Timestamp) -> Result<(), StoreError> {
        let topic = self.topic;
        let retry = |tx: &mut Tx| {
            let state = tx.record::<State>(&state_key(topic, &id.id))?;
            let Some(state) = state.filter(|state| state.attempts == id.claim) else { return Ok(()) };
            tx.announce(topic, due.millis(), true);
            move_due(tx, topic, &id.id, &State { due: due.millis(), ..state }, state.due)
        };
        self.store.transact("outbox retry", retry).await
    }

    /// When the next event is due; it may be past.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let from = self.store.topics().mark(self.topic).floor();
        let range = due_between(self.topic, from, Timestamp::from_millis(i64::MAX)).limit(1);
        let first = self.store.read(|view| due_ids(view, &range))?;
        Ok(first.first().map(|(due, _)| Timestamp::from_millis(*due)))
    }

    /// Returns when an event of this topic was committed in this process since the last call, or after `at_most`.
    /// One call returns for one commit, so a worker claims until nothing is due before it waits again.
    pub async fn wait(&self, at_most: Duration) {
        // The time being up is as good a reason to look again.
        drop(tokio::time::timeout(at_most, self.bell.notified()).await);
    }
}

type Id = [u8; 16];

/// The events that are due from `from` up to and with `to`.
fn due_between(topic: &'static str, from: i64, to: Timestamp) -> Range {
    let end = match to.millis().checked_add(1) {
        Some(after) => Bound::Excluded(due_key(topic, after, &[0; 16])),
        None => Range::prefix(&due_keys(topic)).end,
    };
    Range::between(Bound::Included(due_key(topic, from, &[0; 16])), end)
}

fn due_ids(view: &dyn Read, range: &Range) -> Result<Vec<(i64, Id)>, StoreError> {
    let mut found = Vec::new();
    view.scan(range, &mut |key, _| {
        found.push(split_due_key(key));
        ControlFlow::Continue(())
    })?;
    found.into_iter().collect()
}

fn lease_event(tx: &mut Tx, topic: &'static str, id: Id, until: Timestamp) -> Result<Event, StoreError> {
    let state = tx.record::<State>(&state_key(topic, &id))?.ok_or_else(|| lost("state"))?;
    let payload = tx.get(&body_key(topic, &id))?.ok_or_else(|| lost("body"))?;
    let attempts = state.attempts.saturating_add(1);
    let created = Timestamp::from_millis(state.created);
    tx.announce(topic, until.millis(), false);
    move_due(tx, topic, &id, &State { due: until.millis(), attempts, ..state }, state.due)?;
    Ok(Event { id: EventId { id, claim: attempts }, attempts, payload, created })
}

fn move_due(tx: &mut Tx, topic: &'static str, id: &Id, state: &State, from: i64) -> Result<(), StoreError> {
    tx.delete(due_key(topic, from, id));
    tx.put(due_key(topic, state.due, id), Bytes::new());
    tx.put_record(state_key(topic, id), state)
}

fn lost(part: &str) -> StoreError {
    StoreError::Corrupt(format!("an event of the outbox has no {part}"))
}

fn topic_key(topic: &'static str) -> Key {
    Key::new("outbox").text(topic)
}

fn body_key(topic: &'static str, id: &Id) -> Key {
    topic_key(topic).u8(b'b').raw(id)
}

fn state_key(topic: &'static str, id: &Id) -> Key {
    topic_key(topic).u8(b's').raw(id)
}

fn due_keys(topic: &'static str) -> Key {
    topic_key(topic).u8(b'd')
}

/// The sign bit is turned, so that the order of the bytes is that of the numbers.
fn due_key(topic: &'static str, millis: i64, id: &Id) -> Key {
    due_keys(topic).u64(millis.cast_unsigned() ^ (1 << 63)).raw(id)
}

fn split_due_key(key: &[u8]) -> Result<(i64, Id), StoreError> {
    let (head, id) = key.split_last_chunk().ok_or_else(|| lost("id"))?;
    let (_, due) = head.split_last_chunk().ok_or_else(|| lost("due time"))?;
    Ok(((u64::from_be_bytes(*due) ^ (1 << 63)).cast_signed(), *id))
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({} #{})", random::hex(&self.id), self.claim)
    }
}

/// The event's random part; the same for each claim.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&random::hex(&self.id))
    }
}

/// How many events of `topic` there are, leased ones included, counted up to `limit`.
pub fn count(view: &View, topic: &'static str, limit: usize) -> Result<usize, StoreError> {
    let mut count = 0;
    view.scan(&Range::prefix(&due_keys(topic)).limit(limit), &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(30);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    async fn put_event(store: &Store, due: Timestamp, payload: &'static [u8]) -> EventId {
        store.transact("test", |tx| put(tx, "topic", due, payload)).await.unwrap()
    }

    async fn claimed(outbox: &Outbox, now: Timestamp) -> Vec<Bytes> {
        let events = outbox.claim(now, 10, LEASE).await.unwrap();
        events.into_iter().map(|event| event.payload).collect()
    }

    #[tokio::test]
    async fn events_come_when_due_and_stay_away_while_leased() {
        let store = Store::memory();
        let outbox = Outbox::new(store.clone(), "topic");
        put_event(&store, at(20), b"late").await;
        put_event(&store, at(-10), b"early").await;
        assert_eq!(outbox.next_due().unwrap(), Some(at(-10)));
        assert_eq!(claimed(&outbox, at(10)).await, ["early"]);
        assert_eq!(claimed(&outbox, at(10)).await, [""; 0]);
        assert_eq!(claimed(&outbox, at(20)).await, ["late"]);
        assert_eq!(claimed(&outbox, at(45)).await, ["early"], "its lease has run out");
    }

    #[tokio::test]
    async fn a_completed_event_is_gone_and_leaves_no_row() {
        let store = Store::memory();
        let outbox = Outbox::new(store.clone(), "topic");
        let id = put_event(&store, at(0), b"x").await;
        outbox.claim(at(0), 1, LEASE).await.unwrap();
        outbox.complete(&id).await.unwrap();
        outbox.complete(&id).await.unwrap();
        assert_eq!(store.read(|view| view.range(&Range::all())).unwrap(), []);
    }

    #[tokio::test]
    async fn a_retry_of_a_claim_that_was_overtaken_moves_nothing() {
        let store = Store::memory();
        let outbox = Outbox::new(store.clone(), "topic");
        put_event(&store, at(0), b"x").await;
        let first = outbox.claim(at(0), 1, LEASE).await.unwrap().remove(0);
        let second = outbox.claim(at(100), 1, LEASE).await.unwrap().remove(0);
        assert_eq!((first.attempts, second.attempts, first.created), (1, 2, at(0)));
        outbox.retry(&first.id, at(101)).await.unwrap();
        assert_eq!(claimed(&outbox, at(101)).await, [""; 0]);
        outbox.retry(&second.id, at(102)).await.unwrap();
        assert_eq!(claimed(&outbox, at(102)).await, ["x"]);
    }

    #[tokio::test]
    async fn an_event_that_is_due_earlier_than_those_before_is_found() {
        let store = Store::memory();
        let outbox = Outbox::new(store.clone(), "topic");
        put_event(&store, at(100), b"first").await;
        assert_eq!(claimed(&outbox, at(200)).await, ["first"]);
        assert_eq!(claimed(&outbox, at(200)).await, [""; 0]);
        put_event(&store, at(5), b"earlier").await;
        assert_eq!(claimed(&outbox, at(200)).await, ["earlier"]);
    }

    #[tokio::test]
    async fn topics_are_apart_and_an_aborted_put_leaves_nothing() {
        let store = Store::memory();
        put_event(&store, at(0), b"x").await;
        let aborted = store.transact("test", |tx| {
            put(tx, "other", at(0), b"y")?;
            Err::<(), _>(StoreError::Closed)
        });
        assert!(aborted.await.is_err());
        assert!(claimed(&Outbox::new(store.clone(), "other"), at(5)).await.is_empty());
        assert_eq!(store.read(|view| count(view, "topic", 10)).unwrap(), 1);
    }

    #[tokio::test]
    async fn waiting_ends_with_a_commit_or_with_the_time() {
        let store = Store::memory();
        let outbox = Outbox::new(store.clone(), "topic");
        outbox.wait(Duration::from_millis(10)).await;
        put_event(&store, at(0), b"x").await;
        let waiting = outbox.wait(Duration::from_secs(3600));
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
    }
}
