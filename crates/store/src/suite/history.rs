//! Many transactions at once: what they leave and what they saw must fit some order of one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nephos_core::random;
use tokio::task::JoinSet;

use super::{Effort, key, run, write};
use crate::{Key, Range, Read, Store, StoreError, Tx};

fn number(from: &dyn Read, key: &Key) -> Result<u64, StoreError> {
    let value = from.get(key)?;
    Ok(value.map_or(0, |value| std::str::from_utf8(&value).unwrap().parse().unwrap()))
}

fn random_below(bound: usize) -> usize {
    usize::from(u16::from_be_bytes(random::bytes())) % bound
}

async fn all_done(mut tasks: JoinSet<Result<(), StoreError>>) {
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
}

pub(super) fn a_hot_counter_loses_nothing(store: &Store, effort: Effort) {
    const WRITERS: usize = 64;
    let each = effort.transactions / WRITERS;
    run(async {
        let mut tasks = JoinSet::new();
        for _ in 0..WRITERS {
            let store = store.clone();
            tasks.spawn(async move {
                for _ in 0..each {
                    let add = |tx: &mut Tx| {
                        let count = number(tx, &key(1))? + 1;
                        tx.put(key(1), count.to_string());
                        Ok::<_, StoreError>(count)
                    };
                    let count = store.transact("add", add).await?;
                    // What was acknowledged is visible.
                    assert!(store.read(|view| number(view, &key(1)))? >= count);
                }
                Ok(())
            });
        }
        all_done(tasks).await;
    });
    assert_eq!(store.read(|view| number(view, &key(1))).unwrap(), (WRITERS * each) as u64);
}

pub(super) fn sums_are_kept(store: &Store, effort: Effort) {
    const ACCOUNTS: u32 = 8;
    let sum = |from: &dyn Read| (0..ACCOUNTS).map(|n| number(from, &key(n))).sum::<Result<u64, StoreError>>();
    run(async {
        let start: Vec<_> = (0..ACCOUNTS).map(|n| (key(n), Some("100"))).collect();
        write(store, &start).await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (store, each) = (store.clone(), effort.transactions / 16);
            tasks.spawn(async move {
                for _ in 0..each {
                    let (from, to) = (random_below(8) as u32, random_below(8) as u32);
                    let move_one = |tx: &mut Tx| {
                        let left = number(tx, &key(from))?;
                        tx.put(key(from), left.saturating_sub(1).to_string());
                        let arrived = number(tx, &key(to))? + left.min(1);
                        tx.put(key(to), arrived.to_string());
                        Ok::<_, StoreError>(())
                    };
                    store.transact("move", move_one).await?;
                }
                Ok(())
            });
        }
        let watching = tokio::spawn({
            let (store, done) = (store.clone(), done.clone());
            async move {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(store.read(|view| sum(view)).unwrap(), 800);
                    tokio::task::yield_now().await;
                }
            }
        });
        all_done(tasks).await;
        done.store(true, Ordering::Relaxed);
        watching.await.unwrap();
    });
    assert_eq!(store.read(|view| sum(view)).unwrap(), 800);
}

/// Two rows of which one must stay: each transaction reads both and removes one.
pub(super) fn no_write_skew(store: &Store, effort: Effort) {
    run(async {
        for _ in 0..effort.transactions / 40 {
            write(store, &[(key(0), Some("1")), (key(1), Some("1"))]).await.unwrap();
            let mut tasks = JoinSet::new();
            for mine in 0..2 {
                let store = store.clone();
                tasks.spawn(async move {
                    let leave = |tx: &mut Tx| {
                        if number(tx, &key(0))? + number(tx, &key(1))? == 2 {
                            tx.put(key(mine), "0");
                        }
                        Ok(())
                    };
                    store.transact("leave", leave).await
                });
            }
            all_done(tasks).await;
            let left =
                store.read(|view| Ok::<_, StoreError>(number(view, &key(0))? + number(view, &key(1))?));
            assert_eq!(left.unwrap(), 1);
        }
    });
}

/// Each transaction counts the rows and adds one that is named after the count.
pub(super) fn no_phantoms(store: &Store, effort: Effort) {
    let count = effort.transactions / 20;
    run(async {
        let mut tasks = JoinSet::new();
        for task in 0..count {
            let store = store.clone();
            tasks.spawn(async move {
                let add = |tx: &mut Tx| {
                    let counted = tx.range(&Range::prefix(&Key::new("suite").text("rows")))?.len();
                    tx.put(Key::new("suite").text("rows").u32(task as u32), counted.to_string());
                    Ok(())
                };
                store.transact("count and add", add).await
            });
        }
        all_done(tasks).await;
    });
    let rows = store.read(|view| view.range(&Range::all())).unwrap();
    let counts: BTreeSet<usize> =
        rows.iter().map(|(_, value)| std::str::from_utf8(value).unwrap().parse().unwrap()).collect();
    assert_eq!(counts, (0..count).collect());
}

/// What one transaction saw and did: lists read, and lists it appended its own number to.
#[derive(Debug, Clone)]
struct Seen {
    id: u64,
    read: BTreeMap<u32, Vec<u64>>,
    appended: BTreeSet<u32>,
}

fn list(from: &dyn Read, key: &Key) -> Result<Vec<u64>, StoreError> {
    let value = from.get(key)?.unwrap_or_default();
    let text = std::str::from_utf8(&value).unwrap();
    Ok(text.split_terminator(',').map(|id| id.parse().unwrap()).collect())
}

async fn append(store: &Store, id: u64, lists: u32) -> Result<Seen, StoreError> {
    let pick = || random_below(lists as usize) as u32;
    let (reads, appends) = ([pick(), pick(), pick()], BTreeSet::from([pick(), pick()]));
    let body = |tx: &mut Tx| {
        let mut seen = Seen { id, read: BTreeMap::new(), appended: appends.clone() };
        for n in reads.iter().chain(&appends) {
            seen.read.insert(*n, list(tx, &key(*n))?);
        }
        for n in &appends {
            let ids: String = seen.read[n].iter().chain([&id]).map(|id| format!("{id},")).collect();
            tx.put(key(*n), ids);
        }
        Ok(seen)
    };
    store.transact("append", body).await
}

/// Lists to which transactions append show in which order these came. From what each transaction read follows whom it
/// must come after and before; if these wishes form no circle, there is an order that fulfils them all.
pub(super) fn histories_are_serializable(store: &Store, effort: Effort) {
    const LISTS: u32 = 6;
    let count = effort.transactions / 10;
    let next = Arc::new(AtomicU64::new(1));
    let history = run(async {
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (store, next) = (store.clone(), next.clone());
            tasks.spawn(async move {
                let mut history = Vec::new();
                for _ in 0..count / 8 {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    history.push(append(&store, id, LISTS).await.unwrap());
                }
                history
            });
        }
        tasks.join_all().await.concat()
    });
    let last = |n| store.read(|view| list(view, &key(n))).unwrap();
    let orders: BTreeMap<u32, Vec<u64>> = (0..LISTS).map(|n| (n, last(n))).collect();
    let appended: usize = history.iter().map(|seen| seen.appended.len()).sum();
    assert_eq!(orders.values().map(Vec::len).sum::<usize>(), appended, "an append was lost or doubled");
    assert_no_circle(&edges(&history, &orders));
}

type Edges = BTreeMap<u64, BTreeSet<u64>>;

/// Who must come before whom.
fn edges(history: &[Seen], orders: &BTreeMap<u32, Vec<u64>>) -> Edges {
    let mut edges = Edges::new();
    for order in orders.values() {
        for pair in order.windows(2) {
            edges.entry(pair[0]).or_default().insert(pair[1]);
        }
    }
    for seen in history {
        for (n, read) in &seen.read {
            let order = &orders[n];
            assert!(order.starts_with(read), "{} saw {read:?} of {order:?}", seen.id);
            if let Some(before) = read.last() {
                edges.entry(*before).or_default().insert(seen.id);
            }
            if let Some(after) = order.get(read.len()).filter(|after| **after != seen.id) {
                edges.entry(seen.id).or_default().insert(*after);
            }
        }
    }
    edges
}

/// Takes away those whom nobody must precede, again and again, until nobody is left.
fn assert_no_circle(edges: &Edges) {
    let mut before: BTreeMap<u64, usize> = edges.keys().map(|id| (*id, 0)).collect();
    for after in edges.values().flatten() {
        *before.entry(*after).or_default() += 1;
    }
    let mut free: Vec<u64> = before.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    let mut taken = 0;
    while let Some(id) = free.pop() {
        taken += 1;
        for after in edges.get(&id).into_iter().flatten() {
            let count = before.get_mut(after).unwrap();
            *count -= 1;
            if *count == 0 {
                free.push(*after);
            }
        }
    }
    assert_eq!(taken, before.len(), "no order of one after the other explains what was seen");
}

#[test]
fn a_circle_is_found() {
    let circle = Edges::from([(1, BTreeSet::from([2])), (2, BTreeSet::from([3])), (3, BTreeSet::from([1]))]);
    assert!(std::panic::catch_unwind(|| assert_no_circle(&circle)).is_err());
}

/// A transaction that reads before a wipe must not write after it what it read.
pub(super) fn clearing_among_writers(store: &Store, effort: Effort) {
    run(async {
        let mut tasks = JoinSet::new();
        for task in 0..8_u32 {
            let (store, each) = (store.clone(), effort.transactions / 40);
            tasks.spawn(async move {
                for _ in 0..each {
                    // Both rows are always written together, so a wipe takes both or neither.
                    let add = |tx: &mut Tx| {
                        let (a, b) = (number(tx, &key(task))?, number(tx, &key(task + 100))?);
                        assert_eq!(a, b);
                        tx.put(key(task), (a + 1).to_string());
                        tx.put(key(task + 100), (b + 1).to_string());
                        Ok::<_, StoreError>(())
                    };
                    store.transact("pair", add).await?;
                }
                Ok(())
            });
        }
        for _ in 0..5 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            store.clear().unwrap();
        }
        all_done(tasks).await;
        store.clear().unwrap();
    });
    assert_eq!(store.read(|view| view.range(&Range::all())).unwrap(), []);
}
