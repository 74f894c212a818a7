//! Everything that must pass, in the order in which it fails soonest.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{codegen, root, tidy};

/// `cargo xtask test`
pub fn run(args: &[String]) -> Result<(), String> {
    let only = args.first().map(String::as_str);
    if only != Some("--compat") {
        step("tidy", tidy::run)?;
        step("codegen --check", || codegen::run(&["--check".to_owned()]))?;
        step("formatting", || cargo(&["fmt", "--all", "--check"]))?;
        step("clippy", || {
            cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])
        })?;
        step("Rust tests", rust_tests)?;
    }
    if only != Some("--rust") {
        step("real clients", compat)?;
    }
    Ok(())
}

fn step(name: &str, run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    eprintln!("==> {name}");
    run().map_err(|error| format!("{name}: {error}"))
}

fn rust_tests() -> Result<(), String> {
    // The sandbox's tests and the platform's own start their helper as a program of its own.
    cargo(&["build", "--quiet", "--package", "nephos", "--package", "nephos-sandbox", "--bins"])?;
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output();
    let runner: &[&str] =
        if nextest.is_ok_and(|output| output.status.success()) { &["nextest", "run"] } else { &["test"] };
    // xtask asks for features that the product does not have; built together, the product would be tested with them.
    cargo(&[runner, &["--package", "xtask"]].concat())?;
    cargo(&[runner, &["--workspace", "--exclude", "xtask"]].concat())
}

fn compat() -> Result<(), String> {
    cargo(&["build", "--quiet", "--package", "nephos"])?;
    let python = python_environment()?;
    let compat = root().join("compat");
    npm(&compat)?;
    command(
        Command::new(python)
            .args(["-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider"])
            .current_dir(&compat),
    )
}

/// A virtual environment with what compat/requirements.txt names; made anew when that file changes.
fn python_environment() -> Result<PathBuf, String> {
    let dir = root().join("target/compat-python");
    let wanted = root().join("compat/requirements.txt");
    let python = dir.join("bin/python");
    let stamp = dir.join("requirements.txt");
    if python.exists() && std::fs::read(&wanted).ok() == std::fs::read(&stamp).ok() {
        return Ok(python);
    }
    command(Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&wanted);
    command(&mut install)?;
    std::fs::copy(&wanted, &stamp).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

fn npm(dir: &Path) -> Result<(), String> {
    let lock = dir.join("package-lock.json");
    let stamp = dir.join("node_modules/.package-lock-used.json");
    if std::fs::read(&lock).ok() == std::fs::read(&stamp).ok() {
        return Ok(());
    }
    command(
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(dir),
    )?;
    std::fs::copy(&lock, &stamp).map(drop).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// `cargo xtask bench`
pub fn bench(args: &[String]) -> Result<(), String> {
    cargo(&["build", "--release", "--package", "nephos", "--package", "nephos-load"])?;
    let python = python_environment()?;
    command(Command::new(python).arg("run.py").args(args).current_dir(root().join("bench")))
}

fn cargo(args: &[&str]) -> Result<(), String> {
    command(Command::new("cargo").args(args))
}

fn command(command: &mut Command) -> Result<(), String> {
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown}: {status}")),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}
