//! Measures the embedded engine, and redb behind the same group commit, in the shape in which services use them.
//!
//! `cargo run --release -p nephos-store --features compare --example engines [FOLDER] [ROWS]`
//!
//! Each engine runs in a process of its own, so that the memory is its own.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not a part of the program")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nephos_core::random;
use nephos_store::{Durability, Key, Options, Range, Read, Store, StoreError, Tx, compare};

const VALUE_BYTES: usize = 400;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
const SPAN: Duration = Duration::from_secs(4);

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map_or_else(|| std::env::temp_dir().join("nephos-engines"), PathBuf::from);
    let rows: u64 = args.next().map_or(300_000, |rows| rows.parse().unwrap());
    if let Some(engine) = args.next() {
        return measure(&engine, &folder.join(&engine), rows);
    }
    for engine in ["fjall", "redb"] {
        let folder = folder.to_str().unwrap();
        let me = std::env::current_exe().unwrap();
        let done = Command::new(me).args([folder, &rows.to_string(), engine]).status().unwrap();
        assert!(done.success());
    }
}

fn open(engine: &str, dir: &Path, durability: Durability) -> Store {
    let options = Options { cache_bytes: CACHE_BYTES, durability, ..Options::default() };
    match engine {
        "fjall" => Store::open(dir, options).unwrap(),
        _ => {
            std::fs::create_dir_all(dir).unwrap();
            compare::redb(&dir.join("redb"), options).unwrap()
        }
    }
}

fn measure(engine: &str, dir: &Path, rows: u64) {
    println!("\n{engine}, {rows} rows of {VALUE_BYTES} B, cache {} MiB", CACHE_BYTES >> 20);
    drop(std::fs::remove_dir_all(dir));
    empty(engine, dir);
    drop(std::fs::remove_dir_all(dir));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for writers in [1, 16, 64] {
        let store = open(engine, dir, Durability::Strict);
        runtime.block_on(commits(&store, writers, rows, "durable"));
    }
    let store = open(engine, dir, Durability::Relaxed);
    runtime.block_on(commits(&store, 16, rows, "relaxed"));
    runtime.block_on(fill(&store, rows));
    println!("  memory after writing    {:>10} MB", rss_mb());
    drop(store);
    let began = Instant::now();
    let store = open(engine, dir, Durability::Strict);
    println!("  reopen                  {:>10.1} ms", millis(began.elapsed()));
    println!("  disk                    {:>10} MB", disk_bytes(dir) >> 20);
    for threads in [1, 2] {
        reads(&store, threads, rows);
    }
    scans(&store, rows);
    println!("  memory after reading    {:>10} MB", rss_mb());
    let began = Instant::now();
    store.clear().unwrap();
    println!("  clear                   {:>10.1} ms", millis(began.elapsed()));
    drop(store);
    drop(std::fs::remove_dir_all(dir));
}

/// Opening, first commit and memory of an empty store.
fn empty(engine: &str, dir: &Path) {
    let before = rss_mb();
    let mut opened = Vec::new();
    for n in 0..9 {
        let began = Instant::now();
        let store = open(engine, &dir.join(n.to_string()), Durability::Strict);
        opened.push(began.elapsed());
        drop(store);
    }
    opened.sort();
    println!("  open, empty             {:>10.1} ms (slowest {:.1})", millis(opened[4]), millis(opened[8]));
    let store = open(engine, &dir.join("0"), Durability::Strict);
    println!("  memory, empty           {:>10} MB over {before}", rss_mb() - before);
    drop(store);
}

fn row_key(n: u64) -> Key {
    // Spread like hashed partition keys.
    let spread = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Key::new("dynamodb").u8(b'i').u32(7).u64(spread).bytes(format!("user-{n:08}").as_bytes())
}

fn value() -> Vec<u8> {
    let mut value = vec![0; VALUE_BYTES];
    random::fill(&mut value[..VALUE_BYTES / 2]);
    value
}

/// Each writer changes one row after the other: it reads the old one and writes it and an index entry.
async fn commits(store: &Store, writers: u64, rows: u64, name: &str) {
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let cpu = cpu_time();
    let tasks = (0..writers).map(|_| {
        let (store, next) = (store.clone(), next.clone());
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while began.elapsed() < SPAN {
                let n = next.fetch_add(1, Ordering::Relaxed) % rows;
                let (key, value) = (row_key(n), value());
                let started = Instant::now();
                let body = |tx: &mut Tx| {
                    let old = tx.get(&key)?;
                    tx.put(key.clone(), value.clone());
                    tx.put(Key::new("dynamodb").u8(b't').u64(n), vec![u8::from(old.is_some())]);
                    Ok::<_, StoreError>(())
                };
                store.transact("measure", body).await.unwrap();
                taken.push(started.elapsed());
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        taken.extend(task.await.unwrap());
    }
    let rate = taken.len() as f64 / began.elapsed().as_secs_f64();
    let cpu = (cpu_time() - cpu).as_micros() as f64 / taken.len() as f64;
    taken.sort();
    let at = |part: usize| millis(taken[(taken.len() - 1) * part / 1000]);
    let label = format!("{name} commits, {writers}");
    println!(
        "  {label:<23} {rate:>10.0} /s  p50 {:.2} p99 {:.2} max {:.1} ms, {cpu:.0} us CPU",
        at(500),
        at(990),
        at(1000)
    );
}

async fn fill(store: &Store, rows: u64) {
    let began = Instant::now();
    for first in (0..rows).step_by(500) {
        let body = |tx: &mut Tx| {
            (first..(first + 500).min(rows)).for_each(|n| tx.put(row_key(n), value()));
            Ok::<_, StoreError>(())
        };
        store.transact("fill", body).await.unwrap();
    }
    println!("  fill in batches of 500  {:>10.0} rows/s", rows as f64 / began.elapsed().as_secs_f64());
}

fn timed(threads: u64, work: impl Fn() + Sync) -> f64 {
    let began = Instant::now();
    let count = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while began.elapsed() < SPAN / 2 {
                    (0..50).for_each(|_| work());
                    count.fetch_add(50, Ordering::Relaxed);
                }
            });
        }
    });
    count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

fn random_row(rows: u64) -> Key {
    row_key(u64::from_be_bytes(random::bytes()) % rows)
}

fn reads(store: &Store, threads: u64, rows: u64) {
    let rate = timed(threads, || {
        let found = store.read(|view| view.get(&random_row(rows))).unwrap();
        assert_eq!(found.unwrap().len(), VALUE_BYTES);
    });
    let missing = timed(threads, || {
        assert!(store.read(|view| view.get(&random_row(rows).u8(0))).unwrap().is_none());
    });
    println!("  point get, {threads} thread(s)  {rate:>10.0} /s   absent {missing:.0} /s");
}

fn scans(store: &Store, rows: u64) {
    let rate = timed(1, || {
        let range = Range::prefix(&Key::new("dynamodb").u8(b'i')).after(&random_row(rows)).limit(20);
        let mut bytes = 0;
        let sum = |_: &[u8], value: &[u8]| {
            bytes += value.len();
            ControlFlow::Continue(())
        };
        let mut sum = sum;
        store.read(|view| view.scan(&range, &mut sum)).unwrap();
        std::hint::black_box(bytes);
    });
    println!("  scan of 20, 1 thread    {rate:>10.0} /s");
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn rss_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> =
        stat.rsplit(')').next().unwrap().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // After the name and the state letter, user and system time are the 11th and 12th number, in hundredths of a second.
    Duration::from_millis((fields[10] + fields[11]) * 10)
}

fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { disk_bytes(&entry.path()) } else { meta.blocks() * 512 }
        })
        .sum()
}
