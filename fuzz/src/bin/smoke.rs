//! `smoke [SECONDS] [TARGET]`: every seed, and then inputs made of them, through each target for some seconds. Prints
//! what it ran; an input that panics or takes too long is written to `fuzz/artifacts/` and fails the run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nephos_fuzz::mutate::{Dice, mutate};
use nephos_fuzz::targets::{ALL, Target};

/// How long one input may take.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let only = args.next();
    let mut failed = false;
    for target in ALL.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        failed |= !smoke(target, Duration::from_secs_f64(seconds));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

fn smoke((name, run): &Target, time: Duration) -> bool {
    let seeds = seeds(&here().join("seeds").join(name));
    if seeds.is_empty() {
        println!("{name}: expected seeds in fuzz/seeds/{name}");
        return false;
    }
    let start = Instant::now();
    let mut count = 0;
    for seed in &seeds {
        count += 1;
        if !one(name, run, seed) {
            return false;
        }
    }
    while start.elapsed() < time {
        count += 1;
        if !one(name, run, &mutate(&seeds, &mut Dice::new(count))) {
            return false;
        }
    }
    println!("{name}: {count} inputs in {:.1} s", start.elapsed().as_secs_f64());
    true
}

fn one(name: &str, run: &fn(&[u8]), input: &[u8]) -> bool {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| run(input)));
    if outcome.is_ok() && start.elapsed() < PATIENCE {
        return true;
    }
    let folder = here().join("artifacts").join(name);
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("{hash:016x}"));
    let _ = std::fs::create_dir_all(&folder);
    let _ = std::fs::write(&path, input);
    let what = if outcome.is_err() { "panics" } else { "takes too long" };
    println!("{name}: {} bytes {what}: {}", input.len(), path.display());
    false
}
