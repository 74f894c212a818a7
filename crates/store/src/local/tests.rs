//! The gate and the commit thread over a backend that can be held up and made to fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{Backend, Bounds, Local};
use crate::memory::Memory;
use crate::snapshot::{Snapshot, Writes};
use crate::topics::Topics;
use crate::{Key, Options, Range, Read, Store, StoreError, Tx};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Obeys,
    Holds,
    Fails,
    Panics,
}

#[derive(Clone)]
struct Moody(Arc<State>);

struct State {
    memory: Memory,
    mood: Mutex<Mood>,
    changed: Condvar,
    applied: AtomicUsize,
    synced: AtomicUsize,
}

impl Moody {
    fn set(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
        self.0.changed.notify_all();
    }
}

impl Backend for Moody {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.0.memory.snapshot()
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mood = self.0.mood.lock().unwrap();
        let mood = *self.0.changed.wait_while(mood, |mood| *mood == Mood::Holds).unwrap();
        self.0.applied.fetch_add(1, Ordering::Relaxed);
        match mood {
            Mood::Fails => Err(std::io::Error::other("disk full").into()),
            Mood::Panics => panic!("on purpose"),
            _ => self.0.memory.apply(writes),
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.0.synced.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.memory.clear()
    }
}

fn open(sync_every: Option<Duration>) -> (Store, Moody) {
    let state = State {
        memory: Memory::default(),
        mood: Mutex::new(Mood::Obeys),
        changed: Condvar::new(),
        applied: AtomicUsize::new(0),
        synced: AtomicUsize::new(0),
    };
    let moody = Moody(Arc::new(state));
    let topics = Topics::new(true);
    let bounds = Bounds { sync_every, ..Bounds::of(&Options::default()) };
    let engine = Local::new(moody.clone(), bounds, topics.clone()).unwrap();
    (Store::over(engine, topics), moody)
}

fn key(name: &str) -> Key {
    Key::new("local").text(name)
}

fn read(store: &Store, name: &str) -> Option<Bytes> {
    store.read(|view| view.get(&key(name))).unwrap()
}

type Running = JoinHandle<Result<(), StoreError>>;

fn put(store: &Store, name: &'static str, value: &'static str) -> Running {
    let store = store.clone();
    tokio::spawn(async move {
        let put = |tx: &mut Tx| {
            tx.put(key(name), value);
            Ok(())
        };
        store.transact("put", put).await
    })
}

async fn soon() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn done(running: Running) -> Result<(), StoreError> {
    tokio::time::timeout(Duration::from_secs(10), running).await.unwrap().unwrap()
}

#[tokio::test]
async fn waiting_writes_are_seen_by_transactions_and_not_by_readers() {
    let (store, moody) = open(None);
    moody.set(Mood::Holds);
    let first = put(&store, "a", "1");
    soon().await;
    let copy = tokio::spawn({
        let store = store.clone();
        async move {
            let copy = |tx: &mut Tx| {
                let found = tx.get(&key("a"))?.unwrap_or(Bytes::from_static(b"nothing"));
                tx.put(key("b"), found);
                assert_eq!(tx.range(&Range::all())?.len(), if tx.get(&key("a"))?.is_some() { 2 } else { 1 });
                Ok(())
            };
            store.transact("copy", copy).await
        }
    });
    soon().await;
    assert_eq!((read(&store, "a"), read(&store, "b")), (None, None));
    assert!(!first.is_finished() && !copy.is_finished());
    moody.set(Mood::Obeys);
    done(first).await.unwrap();
    done(copy).await.unwrap();
    assert_eq!(read(&store, "b").unwrap(), "1");
}

#[tokio::test]
async fn a_refusal_that_waiting_writes_decided_waits_for_them() {
    let (store, moody) = open(None);
    moody.set(Mood::Holds);
    let first = put(&store, "a", "1");
    soon().await;
    let create = tokio::spawn({
        let store = store.clone();
        async move {
            let create = |tx: &mut Tx| {
                if tx.get(&key("a"))?.is_some() {
                    return Err(StoreError::Corrupt("it is there".into()));
                }
                tx.put(key("a"), "2");
                Ok(())
            };
            store.transact("create", create).await
        }
    });
    soon().await;
    assert!(!create.is_finished(), "what it was told is not durable yet");
    moody.set(Mood::Obeys);
    assert!(matches!(done(create).await, Err(StoreError::Corrupt(_))));
    done(first).await.unwrap();
    assert_eq!(read(&store, "a").unwrap(), "1");
}

#[tokio::test]
async fn what_arrives_during_a_write_is_one_batch() {
    let (store, moody) = open(None);
    moody.set(Mood::Holds);
    let names: Vec<&'static str> = (0..50).map(|n| &*format!("key {n}").leak()).collect();
    let first = put(&store, "first", "x");
    soon().await;
    let rest: Vec<_> = names.iter().map(|name| put(&store, name, "x")).collect();
    soon().await;
    moody.set(Mood::Obeys);
    done(first).await.unwrap();
    for running in rest {
        done(running).await.unwrap();
    }
    assert_eq!(moody.0.applied.load(Ordering::Relaxed), 2);
    let counts = store.counts();
    assert_eq!((counts.commits, counts.batches, counts.conflicts, counts.waiting_bytes), (51, 2, 0, 0));
    assert!(names.iter().all(|name| read(&store, name).is_some()));
}

async fn breaks_for_good(mood: Mood, cause: &str) {
    let (store, moody) = open(None);
    done(put(&store, "a", "1")).await.unwrap();
    moody.set(Mood::Holds);
    let (writing, waiting) = (put(&store, "b", "1"), put(&store, "c", "1"));
    soon().await;
    moody.set(mood);
    for running in [writing, waiting] {
        let error = done(running).await.unwrap_err();
        assert!(matches!(&error, StoreError::Poisoned(text) if text.contains(cause)), "{error}");
    }
    moody.set(Mood::Obeys);
    let error = done(put(&store, "d", "1")).await.unwrap_err();
    assert!(matches!(error, StoreError::Poisoned(_)), "{error}");
    assert!(matches!(store.clear(), Err(StoreError::Poisoned(_))));
    assert_eq!(read(&store, "a").unwrap(), "1", "reading goes on");
    assert_eq!(read(&store, "b"), None);
}

#[tokio::test]
async fn after_a_failed_write_no_more_are_taken() {
    breaks_for_good(Mood::Fails, "disk full").await;
}

#[tokio::test]
async fn a_panic_of_the_engine_is_a_failed_write() {
    breaks_for_good(Mood::Panics, "panicked").await;
}

/// Commits `count` transactions that write `n`, from within another.
fn others_commit(store: &Store, count: usize) -> Result<(), StoreError> {
    let others = async {
        for _ in 0..count {
            let put = |tx: &mut Tx| {
                tx.put(key("n"), "1");
                Ok::<_, StoreError>(())
            };
            store.transact("n", put).await?;
        }
        Ok(())
    };
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| handle.block_on(others))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_the_gate_harms_nothing() {
    let (store, _moody) = open(None);
    let running = tokio::spawn({
        let (store, runs) = (store.clone(), AtomicUsize::new(0));
        async move {
            let panics = |tx: &mut Tx| {
                tx.get(&key("n"))?;
                tx.put(key("a"), "1");
                if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                    others_commit(&store, 1)
                } else {
                    panic!("on purpose")
                }
            };
            store.transact("panics", panics).await
        }
    });
    assert!(running.await.unwrap_err().is_panic());
    done(put(&store, "b", "1")).await.unwrap();
    assert_eq!((read(&store, "a"), read(&store, "b").is_some()), (None, true));
    assert_eq!(store.counts().conflicts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_outlives_the_record_of_writes_runs_again() {
    let (store, _moody) = open(None);
    let runs = AtomicUsize::new(0);
    let slow = |tx: &mut Tx| {
        let before = tx.get(&key("n"))?;
        if runs.fetch_add(1, Ordering::Relaxed) == 0 {
            others_commit(&store, 1100)?;
        }
        tx.put(key("copy"), before.unwrap_or_default());
        Ok::<_, StoreError>(())
    };
    store.transact("slow", slow).await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(read(&store, "copy").unwrap(), "1");
}

#[tokio::test]
async fn a_transaction_that_reads_more_than_is_remembered_runs_at_the_gate() {
    let (store, _moody) = open(None);
    let runs = AtomicUsize::new(0);
    let wide = |tx: &mut Tx| {
        runs.fetch_add(1, Ordering::Relaxed);
        for n in 0..20_000 {
            tx.get(&Key::new("local").u32(n))?;
        }
        tx.put(key("a"), "1");
        Ok::<_, StoreError>(())
    };
    store.transact("wide", wide).await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(read(&store, "a").unwrap(), "1");
}

#[tokio::test]
async fn relaxed_writes_are_synced_after_a_while() {
    let (store, moody) = open(Some(Duration::from_millis(30)));
    soon().await;
    assert_eq!(moody.0.synced.load(Ordering::Relaxed), 0, "there is nothing to sync");
    done(put(&store, "a", "1")).await.unwrap();
    soon().await;
    soon().await;
    assert_eq!(moody.0.synced.load(Ordering::Relaxed), 1);
    done(put(&store, "b", "1")).await.unwrap();
    drop(store);
    assert_eq!(moody.0.synced.load(Ordering::Relaxed), 2, "closing syncs");
}

#[tokio::test]
async fn dropping_the_store_writes_what_waits() {
    let (store, moody) = open(None);
    moody.set(Mood::Holds);
    let running = put(&store, "a", "1");
    soon().await;
    let second = put(&store, "b", "1");
    soon().await;
    moody.set(Mood::Obeys);
    done(running).await.unwrap();
    done(second).await.unwrap();
    drop(store);
    let snapshot = moody.snapshot().unwrap();
    assert!(snapshot.get(key("b").as_bytes()).unwrap().is_some());
}
