//! Developer tasks: `cargo xtask codegen|fuzz|tidy|test|bench`.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a developer's tool talks to its terminal")]

mod codegen;
mod fuzz;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask codegen [--check] [--models-from DIR] [CRATE...]
    writes crates/*/src/**/shapes.rs from models/ and each crate's codegen.toml;
    --check proves that what is checked in is current;
    --models-from reads the public models (botocore's data folder) and renews models/ first
cargo xtask fuzz [SECONDS] | TARGET [SECONDS]
    runs inputs made of fuzz/seeds through every reader for some seconds each; with a TARGET, libFuzzer does, with coverage
cargo xtask tidy
    checks what the compiler does not: the dependency rule, sizes of files, words that no code should keep
cargo xtask test [--rust | --compat]
    everything that must pass: tidy, codegen --check, formatting, clippy, the Rust tests, and the real clients
cargo xtask bench
    builds the release binary and prints the table of bench/
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let result = match command.as_deref() {
        Some("codegen") => codegen::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("tidy") => tidy::run(),
        Some("test") => test::run(&rest),
        Some("bench") => test::bench(&rest),
        _ => Err(HELP.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(PathBuf::from).unwrap_or(manifest)
}
