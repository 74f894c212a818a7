//! Fuzzing, on stable Rust: a smoke run over mutated seeds, or libFuzzer with coverage.

use std::path::PathBuf;
use std::process::Command;

use crate::root;

/// What `cargo fuzz` would have the compiler add. None of it needs a nightly compiler; sanitizers would, and the code
/// under test has no unsafe blocks for them to watch.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// `cargo xtask fuzz [SECONDS]` or `cargo xtask fuzz TARGET SECONDS`
pub fn run(args: &[String]) -> Result<(), String> {
    match args {
        [] => smoke("5"),
        [seconds] if seconds.parse::<f64>().is_ok() => smoke(seconds),
        [target] => libfuzzer(target, "60"),
        [target, seconds] => libfuzzer(target, seconds),
        _ => Err("expected at most a target and seconds".to_owned()),
    }
}

fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root());
    cargo
}

fn status(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

fn smoke(seconds: &str) -> Result<(), String> {
    let mut run = cargo();
    run.args([
        "run",
        "--quiet",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--no-default-features",
        "--bin",
        "smoke",
    ]);
    status(run.env("CARGO_TARGET_DIR", root().join("target")).args(["--", seconds]))
}

fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say its host".to_owned())
}

/// Builds with coverage, into a folder of its own, and runs for some seconds from the seeds and what earlier runs found.
fn libfuzzer(target: &str, seconds: &str) -> Result<(), String> {
    let (fuzz, host) = (root().join("fuzz"), host()?);
    let mut build = cargo();
    build.args([
        "build",
        "--release",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--bin",
        target,
        "--target",
        &host,
    ]);
    status(build.env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", fuzz.join("target")))?;
    let program = fuzz.join("target").join(host).join("release").join(target);
    let folder = |name: &str| -> Result<PathBuf, String> {
        let path = fuzz.join(name).join(target);
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    };
    let (corpus, seeds, artifacts) = (folder("corpus")?, folder("seeds")?, folder("artifacts")?);
    let mut run = Command::new(program);
    run.arg(corpus).arg(seeds);
    run.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", artifacts.display()));
    status(run.args([
        "-max_len=8192",
        "-timeout=5",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-verbosity=0",
    ]))
}
