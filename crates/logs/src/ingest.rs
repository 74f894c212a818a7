//! The way in for functions' logs: a bounded queue in memory, and one writer that stores what has gathered in as few
//! transactions as it takes. Lines are in the store some milliseconds after they were written; reads wait for what was
//! queued before them, so that a line that was written can be found at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nephos_core::ports::{LogLine, LogTarget, WriteLogs};
use nephos_core::{Clock, Timestamp};
use nephos_store::{Read, Store, StoreError, Tx};
use tokio::sync::{Notify, watch};

use crate::names::Owner;
use crate::records::{GroupRecord, StoredEvent, StreamRecord};
use crate::{Config, keys};

/// The bytes that the service counts for an event beside its text.
pub const EVENT_OVERHEAD_BYTES: usize = 26;

/// How long a read waits for what was queued before it.
const SETTLE_AT_MOST: Duration = Duration::from_millis(500);

/// Gives events their order of arrival; never the same number twice, also after a restart.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Sequence {
    /// The next number: the time with 20 bits of room below the millisecond.
    pub fn next(&self, now: Timestamp) -> u64 {
        let floor = keys::millis(now) << 20;
        let step = |last: u64| Some(floor.max(last + 1));
        let last =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|last| last);
        floor.max(last + 1)
    }
}

/// The bounded queue before the store.
pub struct Ingest {
    queue: Mutex<Queue>,
    filled: Notify,
    /// Somebody waits for what is queued.
    urgent: Notify,
    written: watch::Sender<u64>,
    config: Config,
    clock: Clock,
}

#[derive(Default)]
struct Queue {
    batches: Vec<(LogTarget, Vec<LogLine>)>,
    bytes: usize,
    taken: u64,
    dropped_lines: u64,
}

impl Ingest {
    /// An empty queue.
    pub fn new(config: Config, clock: Clock) -> Ingest {
        let (written, _) = watch::channel(0);
        Ingest {
            queue: Mutex::default(),
            filled: Notify::new(),
            urgent: Notify::new(),
            written,
            config,
            clock,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines did not fit the queue since the start.
    pub fn dropped_lines(&self) -> u64 {
        self.queue().dropped_lines
    }

    /// Waits until what was queued before is stored, or half a second.
    pub async fn settle(&self) {
        let ticket = self.queue().taken;
        let mut written = self.written.subscribe();
        if *written.borrow() >= ticket {
            return;
        }
        self.urgent.notify_one();
        let stored = written.wait_for(|written| *written >= ticket);
        let _ = tokio::time::timeout(SETTLE_AT_MOST, stored).await;
    }

    /// Stores what is queued, for ever.
    pub async fn run(self: Arc<Self>, store: Store, sequence: Arc<Sequence>) {
        loop {
            let (batches, ticket) = self.take();
            if batches.is_empty() {
                self.filled.notified().await;
                // A moment's patience makes one transaction of what several invocations say.
                let _ = tokio::time::timeout(self.config.linger, self.urgent.notified()).await;
                continue;
            }
            for part in parts(batches, self.config.transaction_bytes) {
                self.store_part(&store, &sequence, &part).await;
            }
            self.written.send_replace(ticket);
        }
    }

    fn take(&self) -> (Vec<(LogTarget, Vec<LogLine>)>, u64) {
        let mut queue = self.queue();
        queue.bytes = 0;
        (std::mem::take(&mut queue.batches), queue.taken)
    }

    async fn store_part(&self, store: &Store, sequence: &Sequence, part: &[(LogTarget, Vec<LogLine>)]) {
        let now = self.clock.now();
        let written = store.transact("logs-ingest", |tx| write_batches(tx, sequence, now, part)).await;
        if let Err(error) = written {
            let lines: usize = part.iter().map(|(_, lines)| lines.len()).sum();
            self.queue().dropped_lines += lines as u64;
            tracing::error!(%error, lines, "log lines could not be stored");
        }
    }
}

impl WriteLogs for Ingest {
    fn write_logs(&self, target: &LogTarget, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let bytes: usize = lines.iter().map(|line| line.message.len() + EVENT_OVERHEAD_BYTES).sum();
        let mut queue = self.queue();
        if queue.bytes + bytes > self.config.queue_bytes {
            queue.dropped_lines += lines.len() as u64;
            return;
        }
        queue.bytes += bytes;
        queue.taken += 1;
        match queue.batches.last_mut() {
            Some((last, gathered)) if last == target => gathered.extend(lines),
            _ => queue.batches.push((target.clone(), lines)),
        }
        drop(queue);
        self.filled.notify_one();
    }
}

/// Cuts batches into parts that fit one transaction each.
fn parts(batches: Vec<(LogTarget, Vec<LogLine>)>, limit_bytes: usize) -> Vec<Vec<(LogTarget, Vec<LogLine>)>> {
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::<(LogTarget, Vec<LogLine>)>::new(), 0);
    for (target, lines) in batches {
        part.push((target.clone(), Vec::new()));
        for line in lines {
            // Beside its text, an event costs its key and its share of the stream's record.
            let size = line.message.len() + 128;
            if bytes > 0 && bytes + size > limit_bytes {
                parts.push(std::mem::replace(&mut part, vec![(target.clone(), Vec::new())]));
                bytes = 0;
            }
            bytes += size;
            if let Some((_, gathered)) = part.last_mut() {
                gathered.push(line);
            }
        }
    }
    parts.push(part);
    parts
}

fn write_batches(
    tx: &mut Tx,
    sequence: &Sequence,
    now: Timestamp,
    batches: &[(LogTarget, Vec<LogLine>)],
) -> Result<(), StoreError> {
    let mut stored: HashMap<u64, u64> = HashMap::new();
    for (target, lines) in batches {
        let owner = Owner { account: target.account, region: target.region.clone() };
        let group = group_or_new(tx, &owner, &target.group, now)?;
        let mut stream = stream_or_new(tx, group.id, &target.stream, now)?;
        for line in lines {
            put_event(tx, sequence, now, (group.id, &mut stream), line);
        }
        tx.put_record(keys::stream(group.id, &target.stream), &stream)?;
        *stored.entry(group.id).or_default() += counted_bytes(lines);
    }
    stored.into_iter().try_for_each(|(group, bytes)| add_stored(tx, group, bytes))
}

/// The bytes that the service counts for events.
pub fn counted_bytes(lines: &[LogLine]) -> u64 {
    lines.iter().map(|line| (line.message.len() + EVENT_OVERHEAD_BYTES) as u64).sum()
}

/// Writes one event, and notes it in its stream's record.
pub fn put_event(
    tx: &mut Tx,
    sequence: &Sequence,
    now: Timestamp,
    (group, stream): (u64, &mut StreamRecord),
    line: &LogLine,
) {
    let at =
        keys::Position { at_millis: keys::millis(line.at), sequence: sequence.next(now), stream: stream.id };
    let event = StoredEvent { ingested_millis: now.millis(), message: &line.message };
    tx.put(keys::event(group, &at), event.encode());
    stream.note(line.at, now);
}

/// Adds to what a group holds.
pub fn add_stored(tx: &mut Tx, group: u64, bytes: u64) -> Result<(), StoreError> {
    let total = stored_bytes(tx, group)? + bytes;
    tx.put(keys::stored(group), total.to_be_bytes().to_vec());
    Ok(())
}

/// How many bytes a group holds.
pub fn stored_bytes(read: &dyn Read, group: u64) -> Result<u64, StoreError> {
    let value = read.get(&keys::stored(group))?;
    Ok(value.and_then(|bytes| bytes.as_ref().try_into().ok().map(u64::from_be_bytes)).unwrap_or(0))
}

fn group_or_new(tx: &mut Tx, owner: &Owner, name: &str, now: Timestamp) -> Result<GroupRecord, StoreError> {
    let key = keys::group(owner, name);
    if let Some(group) = tx.record(&key)? {
        return Ok(group);
    }
    let group = GroupRecord::new(now);
    tx.put_record(key, &group)?;
    Ok(group)
}

fn stream_or_new(tx: &mut Tx, group: u64, name: &str, now: Timestamp) -> Result<StreamRecord, StoreError> {
    match tx.record(&keys::stream(group, name))? {
        Some(stream) => Ok(stream),
        None => new_stream(tx, group, name, now),
    }
}

/// Writes a new stream.
pub fn new_stream(tx: &mut Tx, group: u64, name: &str, now: Timestamp) -> Result<StreamRecord, StoreError> {
    let stream = StreamRecord::new(now);
    tx.put_record(keys::stream(group, name), &stream)?;
    tx.put(keys::stream_name(group, stream.id), name.as_bytes().to_vec());
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(stream: &str) -> LogTarget {
        LogTarget {
            account: nephos_core::AccountId::DEFAULT,
            region: Default::default(),
            group: "g".to_owned(),
            stream: stream.to_owned(),
        }
    }

    fn line(message: &str) -> LogLine {
        LogLine { at: Timestamp::from_secs(1), message: message.to_owned() }
    }

    #[test]
    fn sequence_numbers_never_repeat() {
        let sequence = Sequence::default();
        let numbers: Vec<u64> = (0..5).map(|_| sequence.next(Timestamp::from_millis(7))).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(sequence.next(Timestamp::from_millis(1)) > numbers[4]);
        assert_eq!(sequence.next(Timestamp::from_millis(9)), 9 << 20);
    }

    #[test]
    fn batches_are_cut_to_the_size_of_a_transaction() {
        let big = line(&"x".repeat(900));
        let batches =
            vec![(target("a"), vec![big.clone(), big.clone(), big.clone()]), (target("b"), vec![big])];
        let cut = parts(batches, 2100);
        let sizes: Vec<Vec<usize>> =
            cut.iter().map(|part| part.iter().map(|(_, lines)| lines.len()).collect()).collect();
        assert_eq!(sizes, [vec![2], vec![1, 1]]);
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let config = Config { queue_bytes: 100, ..Config::default() };
        let ingest = Ingest::new(config, Clock::system());
        ingest.write_logs(&target("a"), vec![line("short")]);
        ingest.write_logs(&target("a"), vec![line(&"x".repeat(90)), line("y")]);
        assert_eq!(ingest.dropped_lines(), 2);
        assert_eq!(ingest.take().0.len(), 1);
    }
}
