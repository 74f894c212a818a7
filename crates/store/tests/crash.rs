//! A process under load is killed again and again: what it acknowledged is there, and no transaction is there in part.
//!
//! Each of the writers numbers its transactions. Number `n` writes both halves of pair `n`, deletes those of pair
//! `n - KEPT`, and notes `n` as the writer's last, and it counts itself in a row that all writers share. So after any
//! number of whole transactions it is known exactly which rows there are.
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself does")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nephos_core::random;
use nephos_store::{Durability, Key, Options, Range, Read, Store, StoreError, Tx};
use tokio::task::JoinSet;

const ROUNDS: u32 = 200;
/// So often the store is cleared: a journal that grows for all rounds would only make them slow.
const CLEARED: u32 = 10;
const WRITERS: u32 = 8;
const KEPT: u64 = 20;
const CHILD: &str = "NEPHOS_CRASH_TEST_DIR";
const RELAXED: &str = "NEPHOS_CRASH_TEST_RELAXED";

fn last_key(writer: u32) -> Key {
    Key::new("crash").text("last").u32(writer)
}

fn half_key(writer: u32, n: u64, half: &str) -> Key {
    Key::new("crash").text("pair").u32(writer).u64(n).text(half)
}

fn count_key() -> Key {
    Key::new("crash").text("count")
}

fn number(from: &dyn Read, key: &Key) -> Result<u64, StoreError> {
    let value = from.get(key)?;
    Ok(value.map_or(0, |value| u64::from_be_bytes(value[..].try_into().unwrap())))
}

/// Mostly small and sometimes over a few pages, so that batches end at every place in a page.
fn value(n: u64) -> Vec<u8> {
    let bound = if n.is_multiple_of(16) { 20_000 } else { 500 };
    vec![n as u8; (n * 37 % bound) as usize]
}

fn step(tx: &mut Tx, writer: u32) -> Result<u64, StoreError> {
    let n = number(tx, &last_key(writer))? + 1;
    let count = number(tx, &count_key())? + 1;
    tx.put(count_key(), count.to_be_bytes().to_vec());
    tx.put(last_key(writer), n.to_be_bytes().to_vec());
    for half in ["a", "b"] {
        tx.put(half_key(writer, n, half), value(n));
        if let Some(old) = n.checked_sub(KEPT) {
            tx.delete(half_key(writer, old, half));
        }
    }
    Ok(n)
}

/// The child: writes and tells until it is killed.
fn write_until_killed(dir: &Path) {
    let durability =
        if std::env::var_os(RELAXED).is_some() { Durability::Relaxed } else { Durability::Strict };
    let store = Store::open(dir, Options { durability, ..Options::default() }).unwrap();
    std::io::stderr().write_all(b"@open\n").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = store.clone();
            writers.spawn(async move {
                loop {
                    let n = store.transact("step", |tx| step(tx, writer)).await.unwrap();
                    // One write call, so that the line is there whole or not at all.
                    std::io::stderr().write_all(format!("@{writer} {n}\n").as_bytes()).unwrap();
                }
            });
        }
        // None ends but by an error.
        let ended: Result<(), _> = writers.join_next().await.unwrap();
        ended.unwrap();
    });
}

fn start_child(dir: &Path, relaxed: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["acknowledged_writes_survive_sigkill", "--exact", "--nocapture"]);
    command.env(CHILD, dir).stdout(Stdio::null()).stderr(Stdio::piped());
    if relaxed {
        command.env(RELAXED, "1");
    }
    command.spawn().unwrap()
}

/// Runs a child for a while and kills it; the last number that each writer told. Every eighth time it may still be opening.
fn run_and_kill(dir: &Path, round: u32) -> BTreeMap<u32, u64> {
    let mut child = start_child(dir, round % 4 == 3);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    if !round.is_multiple_of(8) {
        assert_eq!(lines.next().unwrap().unwrap(), "@open");
    }
    let told = std::thread::spawn(move || {
        let (mut told, mut other) = (BTreeMap::new(), String::new());
        for line in lines.map_while(Result::ok) {
            match line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
                Some((writer, n)) => drop(told.insert(writer.parse().unwrap(), n.parse().unwrap())),
                None if line == "@open" => {}
                None => other.push_str(&line),
            }
        }
        (told, other)
    });
    // 20 to 150 ms, more often short than long.
    let [a, b] = random::bytes::<2>();
    std::thread::sleep(Duration::from_millis(20 + u64::from(a) * u64::from(b) / 500));
    child.kill().unwrap();
    child.wait().unwrap();
    let (told, other) = told.join().unwrap();
    assert_eq!(other, "", "the child failed");
    told
}

fn newest_journal(dir: &Path) -> PathBuf {
    let current = fs::read_to_string(dir.join("CURRENT")).unwrap_or("1".into());
    let generation = fs::read_dir(dir.join(format!("gen-{}", current.trim()))).unwrap();
    let journals = generation.map(|entry| entry.unwrap().path());
    let number = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().ok();
    journals.filter(|path| path.extension().is_some_and(|ext| ext == "jnl")).max_by_key(number).unwrap()
}

/// Adds the beginning of a batch that was never acknowledged, as a power cut may leave it.
fn tear_the_end(dir: &Path) {
    let path = newest_journal(dir);
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    // No batch is as short as that.
    let [torn] = random::bytes::<1>();
    let torn = &bytes[..(usize::from(torn) + 1).min(end)];
    OpenOptions::new().write(true).open(&path).unwrap().write_all_at(torn, end as u64).unwrap();
}

/// Checks every row against what the writers' last transactions imply.
fn check(view: &dyn Read, told: &BTreeMap<u32, u64>) -> Result<(), StoreError> {
    let mut expected = Vec::new();
    let mut total = 0;
    for writer in 0..WRITERS {
        let last = number(view, &last_key(writer))?;
        let told = told.get(&writer).copied().unwrap_or(0);
        assert!(last >= told, "writer {writer} was told {told}, the store has {last}");
        total += last;
        let kept = (last + 1).saturating_sub(KEPT).max(1)..=last;
        expected.extend(kept.flat_map(|n| ["a", "b"].map(|half| half_key(writer, n, half))));
    }
    assert_eq!(number(view, &count_key())?, total, "a transaction is there in part");
    let pairs = view.range(&Range::prefix(&Key::new("crash").text("pair")))?;
    let found: Vec<Key> = pairs.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(found, expected, "a transaction is there in part");
    for (key, value) in pairs {
        let mut reader = key.reader();
        let n = (reader.text()?, reader.text()?, reader.u32()?, reader.u64()?).3;
        assert_eq!(value, self::value(n));
    }
    Ok(())
}

#[test]
fn acknowledged_writes_survive_sigkill() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return write_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut told = BTreeMap::new();
    let (mut survived, mut total) = (0, 0);
    for round in 0..ROUNDS {
        let before = told.clone();
        told.extend(run_and_kill(dir.path(), round));
        survived += u32::from(told != before);
        if round % 5 == 4 {
            tear_the_end(dir.path());
        }
        let store = Store::open(dir.path(), Options::default()).unwrap();
        store.read(|view| check(view, &told)).unwrap_or_else(|error| panic!("round {round}: {error}"));
        if round % CLEARED == CLEARED - 1 {
            store.clear().unwrap();
            total += std::mem::take(&mut told).values().sum::<u64>();
        }
    }
    println!("{survived} of {ROUNDS} rounds acknowledged writes, {total} in all");
    assert!(survived > ROUNDS / 2, "only {survived} rounds got as far as acknowledging a write");
}
