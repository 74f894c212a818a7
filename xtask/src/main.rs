//! Developer tasks: `cargo xtask codegen|tidy|test`.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a developer's tool talks to its terminal")]

mod codegen;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask codegen [--check] [--models-from DIR] [CRATE...]
    writes crates/*/src/**/shapes.rs from models/ and each crate's codegen.toml;
    --check proves that what is checked in is current;
    --models-from reads the public models (botocore's data folder) and renews models/ first
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let result = match args.next().as_deref() {
        Some("codegen") => codegen::run(&args.collect::<Vec<_>>()),
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
